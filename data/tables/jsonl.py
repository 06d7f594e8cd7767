"""JSON lines: the row's own bytes with the answer's keys inserted at their end."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from ..answers.response_model import Fields
from ..columns import RESULT_COLUMNS, ROW_COLUMNS, to_json_lines, to_jsons
from ..results.reader import BLOCK_BYTES
from ..results.store import Piece, Store
from ..rows.kept import Chunk, Chunks

__all__ = ["JsonlTable", "concat_jsonl"]


class JsonlTable:
    """One object a row: its own keys, the answer's, and ours."""

    encode_bytes = write_bytes = BLOCK_BYTES

    def __init__(
        self, path: Path, rows: Chunks, columns: Mapping[str, str], prefix: str
    ) -> None:
        """Begin the file; rows have whatever keys they have."""
        del rows
        self._file = path.open("wb")
        self._nulls = dict.fromkeys(columns)
        self._prefix = prefix

    def keep(self, store: Store) -> Store:
        """Return the store: of each result it keeps the end of a line."""
        return store

    def encode(
        self, answers: Sequence[Fields], columns: Mapping[str, Sequence[Any]]
    ) -> list[bytes]:
        """Return the members of each answer and its result."""
        ours = [each[1:-1] for each in _objects(_Result, columns)]
        if not self._nulls:
            return ours
        fields = [answer or self._nulls for answer in answers]
        if self._prefix:
            fields = [
                {self._prefix + name: value for name, value in each.items()}
                for each in fields
            ]
        return [
            b"%b,%b" % (answer[1:-1], own)
            for answer, own in zip(to_jsons(fields), ours, strict=True)
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
        ends = [b",%b\n" % each[1:] for each in _objects(_Row, columns)]
        pieces = zip(heads, commas, encoded, ends, strict=True)
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
_Row = msgspec.defstruct("_Row", ROW_COLUMNS, gc=False)


def _objects(
    kind: type[msgspec.Struct], columns: Mapping[str, Sequence[Any]]
) -> list[bytes]:
    values = [columns[name] for name in kind.__struct_fields__]
    return to_json_lines([*map(kind, *values)]).split(b"\n")[:-1]
