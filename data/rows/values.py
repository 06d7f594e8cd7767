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
_WRAPPED = (pa.DictionaryScalar, pa.ExtensionScalar)


def python_values(column: pa.Array[Any]) -> list[Any]:
    """Return Python objects; ISO text for nanoseconds and years after 9999.

    A time in an unknown time zone becomes text in UTC, a struct with equal names a list
    of pairs. Arrow itself would return objects of pandas for nanoseconds, where pandas
    is installed.
    """
    kind = column.type
    try:
        if _is_nanoseconds(kind):
            return column.cast(_microseconds(kind)).to_pylist()
        if not _has_nanoseconds(kind):
            return column.to_pylist()
    except _CANNOT:
        if not pa.types.is_duration(kind) and _is_nanoseconds(kind):
            if pa.types.is_timestamp(kind):
                column = column.cast(pa.timestamp("ns"))
            # Fast, and no year is too large.
            return column.cast(pa.string()).to_pylist()
    return [*map(_value, column)]


def _is_nanoseconds(kind: Any) -> bool:
    return pa.types.is_temporal(kind) and getattr(kind, "unit", None) == "ns"


def _has_nanoseconds(kind: Any) -> bool:
    """Whether values of this type hold nanoseconds at any depth."""
    if pa.types.is_dictionary(kind):
        return _has_nanoseconds(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _has_nanoseconds(kind.storage_type)
    if pa.types.is_nested(kind):
        fields = [kind.field(index).type for index in range(kind.num_fields)]
        return any(map(_has_nanoseconds, fields))
    return _is_nanoseconds(kind)


def _microseconds(kind: Any) -> Any:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return pa.time64("us") if pa.types.is_time(kind) else pa.duration("us")


def _value(scalar: Any) -> Any:
    kind = scalar.type
    if not scalar.is_valid:
        return None
    try:
        if _is_nanoseconds(kind):
            return scalar.cast(_microseconds(kind)).as_py()
        if not _has_nanoseconds(kind):
            return scalar.as_py()
    except _CANNOT:
        if pa.types.is_temporal(kind):
            return _text(kind, scalar.value)
        if not pa.types.is_nested(kind) and not isinstance(scalar, _WRAPPED):
            raise
    return _nested(scalar)


def _nested(scalar: Any) -> Any:
    kind = scalar.type
    if isinstance(scalar, _WRAPPED):
        return _value(scalar.value)
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        values = [_value(scalar[index]) for index in range(len(names))]
        pairs = zip(names, values, strict=True)
        return dict(pairs) if len({*names}) == len(names) else [*pairs]
    if pa.types.is_map(kind):
        return [(_value(pair[0]), _value(pair[1])) for pair in scalar.values]
    return [*map(_value, scalar.values)]


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
