"""Request lines of rows: what all rows share is encoded once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import orjson

from ...errors import InputError
from ...providers import Encode
from ..prompts.prompt import Prompt
from ..rows.block import BLOCK_BYTES

__all__ = ["RowEncoder"]


class RowEncoder:
    """Makes the request lines of rows.

    One row of random marks is encoded, and its line is split at the marks. For each
    real row only its values are encoded and put between the pieces. The whole line is
    encoded where the prompt holds more than texts with columns, and where a value is
    empty, a list or an object.
    """

    def __init__(self, prompt: Prompt, encode: Encode, ids: str) -> None:
        """Split the line that is encoded for the marks.

        Args:
            prompt: Fills the messages of a row.
            encode: Encodes one request.
            ids: The `custom_id`s: ASCII with one `%09d`, which is the row's number.
        """
        self._prompt = prompt
        self._encode = encode
        self._ids = ids
        self._head = b""
        self._after: list[tuple[str, bytes]] | None = None
        self.rows_at_once = 1
        """How many rows to pass in one call: their lines fill a block."""
        if prompt.columns is not None:
            self._split(prompt.columns)

    def __call__(self, first_row: int, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """Return the lines of consecutive rows.

        Raises:
            InputError: One of them cannot be sent; the text does not name it.
        """
        lines = self._splice(first_row, rows)
        if lines is not None:
            return lines
        if len(rows) == 1:
            return self._encode(self._ids % first_row, self._prompt(rows[0]))
        return b"".join(
            [self(row, [values]) for row, values in enumerate(rows, first_row)]
        )

    def _split(self, columns: Sequence[str]) -> None:
        names = {secrets.token_hex(16): name for name in columns}
        number = secrets.token_hex(16)
        custom_id = self._ids.replace("%09d", number)
        values = {name: mark for mark, name in names.items()}
        try:
            line = self._encode(custom_id, self._prompt(values))
        except InputError:
            return  # the first row raises it, with its number
        any_mark = "|".join([number, *names])
        self._head, _, first, *others = re.split(f"({any_mark})".encode(), line)
        self._first = first
        self._after = [
            (names[mark.decode()], piece)
            for mark, piece in zip(others[::2], others[1::2], strict=True)
        ]
        self.rows_at_once = max(1, BLOCK_BYTES // len(line))

    def _splice(
        self, first_row: int, rows: Sequence[Mapping[str, Any]]
    ) -> bytes | None:
        """Return the lines; None if a row needs its whole line encoded."""
        if self._after is None:
            return None
        columns: list[Iterable[bytes]] = []
        try:
            for name, piece in self._after:
                values = [row[name] for row in rows]
                if not all(values):
                    return None
                if {*map(type, values)} != {str}:
                    values = [*map(str, values)]
                texts = map(orjson.dumps, values)
                columns += ([text[1:-1] for text in texts], repeat(piece))
        except (KeyError, TypeError):
            return None
        numbers = [b"%09d" % row for row in range(first_row, first_row + len(rows))]
        pieces = zip(repeat(self._head), numbers, repeat(self._first), *columns)
        return b"".join(chain.from_iterable(pieces))
