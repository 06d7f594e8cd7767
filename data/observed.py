"""Kinds of the columns of JSON lines, which have no schema: those of all their values.

`long` marks integers that no float represents exactly, `null` a column without any
value; all other kinds are those of `columns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from .columns import SCALARS, fits

__all__ = ["merge", "observe"]

_EXACT = 2**53
"""Integers up to this stay what they are among floats."""
_WIDER = {
    frozenset(("int64", "double")): "double",
    frozenset(("int64", "long")): "long",
}
_OBSERVED = {**SCALARS, type(None): "null"}


def observe(columns: dict[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Widen the kinds of a row source without a schema by further rows.

    Every row is seen before a table is written, so this is no guess: a column is
    what all its values are, and `json` where they differ. `null` is not yet any.
    """
    names = tuple(rows[0])
    if {*map(len, rows)} == {len(names)}:
        with suppress(KeyError):
            cells = [[row[name] for row in rows] for name in names]
            for name, values in zip(names, cells, strict=True):
                for kind in _seen(values):
                    columns[name] = _widen(columns.get(name), kind)
            return
    for _, alike in groupby(rows, tuple):
        observe(columns, [*alike])


def merge(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the columns of several parts together, in order of appearance."""
    columns: dict[str, str] = {}
    for part in parts:
        for name, kind in part.items():
            columns[name] = _widen(columns.get(name), kind)
    return columns


def _seen(values: Sequence[Any]) -> set[str]:
    """Return the kinds of some values."""
    types = {*map(type, values)}
    seen = {_OBSERVED.get(each, "json") for each in types}
    if int in types:
        numbers = values
        if len(types) > 1:
            numbers = [value for value in values if type(value) is int]
        for extreme in (min(numbers), max(numbers)):
            if not -_EXACT <= extreme <= _EXACT:
                seen.add("long" if fits("int64", extreme) else "json")
    return seen


def _widen(before: str | None, kind: str) -> str:
    if before is None or before in {"null", kind}:
        return kind
    if kind == "null":
        return before
    return _WIDER.get(frozenset((before, kind)), "json")
