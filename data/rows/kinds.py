"""What a file is, by its first bytes: a wrong suffix is no riddle."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from contextlib import suppress
from pathlib import Path

from upath import UPath

from ...errors import InputError

__all__ = [
    "BINARY",
    "HEAD_BYTES",
    "JSON_LINES",
    "TEXT",
    "Kind",
    "kind_of",
    "no_table",
    "not_a",
    "read_kind",
]

HEAD_BYTES = 1024
"""How much of a file `kind_of` needs."""

Kind = tuple[str, str]
"""What a file is, and what to do with it."""

TEXT: Kind = ("text", "if it is a table, name it .csv")
_EMPTY: Kind = ("empty", "it has no rows")
JSON_LINES: Kind = ("JSON lines", "name it .jsonl")
_PAGE: Kind = ("a web page", "get the table itself")
_ARRAY: Kind = (
    "a JSON array",
    "write one object per line, as `jq -c '.[]' FILE > FILE.jsonl` does",
)
_OBJECT: Kind = (
    "JSON over several lines",
    "write one object per line, as `jq -c . FILE > FILE.jsonl` does",
)
_IMAGE: Kind = ("an image", "to send images, name them in a messages file")
_OFFICE: Kind = ("an Office document", "if it is an Excel workbook, name it .xlsx")
_PARQUET: Kind = ("Parquet", "name it .parquet")
_ZIP: Kind = ("a zip archive", "unpack it")
_UNPACK = "decompress it"
BINARY: Kind = (
    "binary, or UTF-16 without a BOM",
    "name its encoding (--encoding utf-16-le), or convert it",
)

_BEGINNINGS: dict[bytes, Kind] = {
    b"PAR1\x15": _PARQUET,
    b"PK\x03\x04": _ZIP,
    b"\x1f\x8b": (
        "compressed with gzip",
        f"{_UNPACK}, or add .gz to the name of a text file",
    ),
    b"\x28\xb5\x2f\xfd": (
        "compressed with Zstandard",
        f"{_UNPACK}, or add .zst to the name of a text file",
    ),
    b"BZh91AY&SY": ("compressed with bzip2", "decompress it"),
    b"\xfd7zXZ\0": ("compressed with xz", "decompress it"),
    b"7z\xbc\xaf": ("a 7z archive", "unpack it"),
    b"\xd0\xcf\x11\xe0": (
        "a file of an old Excel or Word, or one with a password",
        "save it as .xlsx or .csv, without a password",
    ),
    b"%PDF-": ("a PDF", "extract its tables, or send it with a messages file"),
    b"\x89PNG": _IMAGE,
    b"\xff\xd8\xff": _IMAGE,
    b"GIF87a": _IMAGE,
    b"GIF89a": _IMAGE,
    b"SQLite format 3\0": ("an SQLite database", "export its table as .csv"),
    b"ARROW1\0\0": ("an Arrow or Feather file", "convert it to .parquet"),
    b"Obj\x01": ("Avro", "convert it to .parquet or .jsonl"),
    b"version https://git-lfs": (
        "a pointer of Git LFS",
        "fetch it with `git lfs pull`",
    ),
}
_OFFICE_PART = re.compile(rb"\[Content_Types\]|docProps/|_rels/|xl/")

_TEXTS = {
    re.compile(rb"<(!doctype html|html)", re.IGNORECASE): _PAGE,
    re.compile(rb"<\?xml"): ("XML", "convert it to .csv or .jsonl"),
    re.compile(rb"\[\s*\{"): _ARRAY,
    re.compile(rb"\{[ \t\r]*\n"): _OBJECT,
    re.compile(rb'\{"'): JSON_LINES,
}
"""Texts that are no CSV, by how they begin after a BOM and white space."""


def kind_of(head: bytes) -> Kind:
    """Return what a file is that begins so, and what to do with it.

    The beginnings are long enough that no header of a CSV file is one of them.
    """
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return _OFFICE if kind == _ZIP and _OFFICE_PART.search(head) else kind
    text = head.removeprefix(BOM_UTF8).lstrip()
    for pattern, kind in _TEXTS.items():
        if pattern.match(text):
            return kind
    if not head:
        return _EMPTY
    # Of UTF-16 in Latin letters, half of the bytes are null.
    return BINARY if 4 * head.count(0) > len(head) else TEXT


def read_kind(path: Path | UPath) -> Kind | None:
    """Return what a file is; None if it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES))
    return None


def no_table(path: Path | UPath, kind: Kind, name: str = "table") -> InputError:
    """Return the error about a file that is something else."""
    return InputError(f"{path} is no {name}: it is {kind[0]}; {kind[1]}.")


def not_a(path: Path | UPath, name: str, exc: Exception) -> InputError:
    """Return the error about a file that cannot be read as its suffix says."""
    kind = read_kind(path)
    if kind is None or kind in {_PARQUET, _OFFICE}:
        text = str(exc).rstrip(".")
        return InputError(f"{path} cannot be read as {name}: {text}.")
    return no_table(path, kind, name)
