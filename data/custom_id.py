"""The `custom_id` proves which run, row and round a result belongs to.

`<nonce, 8>-<row, 9 digits>-<round>` obeys both providers' rules, and sorts by row.
"""

from __future__ import annotations

import secrets

__all__ = [
    "MAX_ROWS",
    "id_in",
    "new_nonce",
    "parse_row_id",
    "row_id",
    "row_ids",
    "row_in",
]

MAX_ROWS = 1_000_000_000
"""Rows that nine digits can number."""

_PREFIX = 9
_ROW_END = 18


def new_nonce() -> str:
    """Return the eight characters that tell one run's requests from all others."""
    return secrets.token_hex(4)


def row_ids(nonce: str, round_: int = 0) -> str:
    """Return all `custom_id`s of a round: `%` puts a 0-based row into it."""
    return f"{nonce}-%09d-{round_}"


def row_id(nonce: str, row: int, round_: int) -> str:
    """Return the `custom_id` of a 0-based row in a round."""
    return row_ids(nonce, round_) % row


def parse_row_id(custom_id: str | None, nonce: str) -> tuple[int, int] | None:
    """Return row and round; None for an id that is not of this run."""
    if custom_id is None or custom_id[:_PREFIX] != f"{nonce}-":
        return None
    row = custom_id[_PREFIX:_ROW_END]
    round_ = custom_id[_ROW_END + 1 :]
    if (
        len(row) + _PREFIX != _ROW_END
        or custom_id[_ROW_END : _ROW_END + 1] != "-"
        or not (custom_id.isascii() and row.isdecimal() and round_.isdecimal())
    ):
        return None
    return int(row), int(round_)


def row_in(line: bytes, nonce: str) -> int:
    """Return the 0-based row of a request."""
    custom_id = id_in(line, nonce).decode()
    row = parse_row_id(custom_id, nonce)
    if row is None:
        raise AssertionError(f"a request of another run: {custom_id}")
    return row[0]


def id_in(line: bytes, nonce: str) -> bytes:
    """Return the `custom_id` of a request: nothing else in it begins with the nonce."""
    start = line.find(f'"{nonce}-'.encode()) + 1
    return line[start : line.index(b'"', start)]
