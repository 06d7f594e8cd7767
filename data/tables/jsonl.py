"""JSON lines: the row's own bytes with the answer's keys inserted at their end."""

from __future__ import annotations

import shutil
from codecs import iterdecode
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec

from ..answers.response_model import Fields
from ..columns import RESULT_COLUMNS, to_jsons
from ..results.long_lines import LONG
from ..results.reader import BLOCK_BYTES
from ..results.store import Piece, Store
from ..rows.kept import Chunk, Chunks

__all__ = ["JsonlTable", "concat_jsonl"]


class JsonlTable:
    """One object a row: its own keys, the answer's, and ours."""

    encode_bytes = write_bytes = BLOCK_BYTES

    def __init__(
        self,
        path: Path,
        rows: Chunks,
        columns: Mapping[str, str],
        prefix: str,
        ours: Mapping[str, str],
    ) -> None:
        """Begin the file; rows have whatever keys they have."""
        del rows
        self._file = path.open("wb")
        self._nulls = dict.fromkeys(columns)
        self._prefix = prefix
        self._row = msgspec.defstruct("_Row", ours, gc=False)

    def keep(self, store: Store) -> Store:
        """Return the store: of each result it keeps the end of a line."""
        return store

    def encode(
        self, answers: list[Fields], columns: Mapping[str, list[Any]]
    ) -> list[Piece]:
        """Return the members of each answer and its result."""
        raws = columns["_raw"]
        for index, raw in enumerate(raws):
            if type(raw) is bytes:
                raws[index] = _json(raw)
                del raw
        ours = _members(_Result, columns)
        raws.clear()
        if not self._nulls:
            return ours
        fields = [answer or self._nulls for answer in answers]
        if self._prefix:
            fields = [
                {self._prefix + name: value for name, value in each.items()}
                for each in fields
            ]
        answers.clear()
        encoded = to_jsons(fields)
        fields.clear()
        return [
            b"".join((memoryview(answer)[1:-1], b",", own))
            for answer, own in zip(encoded, ours, strict=True)
        ]

    def write(
        self,
        rows: Chunk,
        encoded: Sequence[Piece],
        columns: Mapping[str, Sequence[Any]],
    ) -> None:
        """Append lines."""
        heads = [row[:-1] for row in rows.objects()]
        commas = [b"," if b'"' in head else b"" for head in heads]
        ends = _members(self._row, columns)
        pieces = zip(
            heads, commas, encoded, repeat(b","), ends, repeat(b"}\n"), strict=False
        )
        self._file.write(b"".join(chain.from_iterable(pieces)))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def concat_jsonl(parts: Iterable[Path], target: Path) -> None:
    """Write the lines of all parts."""
    with target.open("wb") as file:
        for path in parts:
            with path.open("rb") as part:
                shutil.copyfileobj(part, file, 1 << 20)


# A struct is encoded in a third of the time of a dictionary.
_Result = msgspec.defstruct("_Result", RESULT_COLUMNS, gc=False)


def _members(
    kind: type[msgspec.Struct], columns: Mapping[str, Sequence[Any]]
) -> list[Piece]:
    """Return a JSON object for each row, without its braces."""
    values = [columns[name] for name in kind.__struct_fields__]
    return [memoryview(each)[1:-1] for each in map(_encode, map(kind, *values))]


def _json(text: bytes) -> msgspec.Raw:
    """Return a long text in UTF-8 as JSON, made in pieces."""
    pieces = (text[at : at + LONG] for at in range(0, len(text), LONG))
    found = bytearray(b'"')
    for piece in iterdecode(pieces, "utf-8"):
        found += memoryview(_encode(piece))[1:-1]
    found += b'"'
    return msgspec.Raw(found)


_encode = msgspec.json.Encoder().encode
