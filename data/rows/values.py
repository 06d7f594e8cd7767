"""Values of Arrow columns as Python objects; as text where Python has no object."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa

__all__ = ["python_values"]

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_DAY = 24 * 60 * 60
_CYCLE_DAYS = 146_097
"""Days of 400 years, after which the calendar repeats."""
_MAX_YEAR = 9999

_CANNOT = (ValueError, OverflowError, LookupError)


def python_values(column: pa.Array[Any]) -> list[Any]:
    """Return Python objects; ISO text for nanoseconds and years after 9999.

    A time in an unknown time zone becomes text in UTC, a struct with equal names a list
    of pairs.
    """
    try:
        return column.to_pylist()
    except _CANNOT:
        kind = column.type
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            column = column.cast(pa.timestamp(kind.unit))
        elif not pa.types.is_time(kind):
            return [*map(_value, column)]
        return column.cast(pa.string()).to_pylist()  # fast, and no year is too large


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except _CANNOT:
        kind = scalar.type
        if pa.types.is_struct(kind):
            names = [field.name for field in kind]
            values = [_value(scalar[index]) for index in range(len(names))]
            pairs = zip(names, values, strict=True)
            return dict(pairs) if len({*names}) == len(names) else [*pairs]
        if pa.types.is_map(kind):
            return [(_value(pair[0]), _value(pair[1])) for pair in scalar.values]
        if pa.types.is_nested(kind):
            return [*map(_value, scalar.values)]
        if isinstance(scalar, pa.DictionaryScalar | pa.ExtensionScalar):
            return _value(scalar.value)
        if not pa.types.is_temporal(kind):
            raise
        return _text(kind, scalar.value)


def _text(kind: Any, value: int) -> str:
    """Return a temporal value that Python has no object for, as its type counts."""
    if pa.types.is_date32(kind):
        return _date(value)
    if pa.types.is_date64(kind):
        return _date(value // (_DAY * _PER_SECOND["ms"]))
    seconds, rest = divmod(value, _PER_SECOND[kind.unit])
    days, second = divmod(seconds, _DAY)
    clock = f"{timedelta(seconds=second)!s:0>8}"
    if rest:
        clock += f".{rest:0{_DIGITS[kind.unit]}}"
    if pa.types.is_duration(kind):
        return f"{days} days, {clock}" if days else clock
    if pa.types.is_time(kind):
        return clock
    return f"{_date(days)}T{clock}{'+00:00' if kind.tz else ''}"


def _date(days: int) -> str:
    cycles, days = divmod(days, _CYCLE_DAYS)
    day = date(1970, 1, 1) + timedelta(days)
    year = day.year + 400 * cycles
    shown = f"{year:04}" if 0 <= year <= _MAX_YEAR else f"{year:+06}"
    return f"{shown}-{day:%m-%d}"
