"""What a user can write: raw bytes, and documents that are almost valid.

Faults hide in what is almost valid. So documents are built by their grammar, with a
trap here and there, and their bytes are cut and spliced now and then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = [
    "JSON",
    "TEXT",
    "damaged",
    "edited",
    "json_bytes",
    "rare",
]

TEXT = st.text(max_size=12) | st.sampled_from(
    ["", "a", "\x00", "\x1b]0;x\x07", "\u2028", "\ufeff", "{{ a }}", "\x85", "é" * 9]
)


def rare(
    usual: SearchStrategy[Any], other: SearchStrategy[Any], one_in: int = 8
) -> SearchStrategy[Any]:
    """Draw from `other` once in a while."""
    return st.integers(1, one_in).flatmap(lambda n: other if n == one_in else usual)


_RAW = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "-0", "1E5"),
    *("9" * 400, "9" * 5000, "9223372036854775808", "0.1e1", "01", "1.", "nul"),
    *('"\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', '{"a":1,"a":2}', '{"":{}}'),
    *("[" * 100 + "]" * 100, "[" * 240 + "1e999" + "]" * 240, "{}", "[]", '""'),
    *("[" * 1100 + "]" * 1100, '{"a":' * 300 + "1" + "}" * 300, "[" * 100_000),
)
"""JSON texts that Python's objects do not have, or that are cut, deep or long."""

_MARK = "\ue000"
_RAW_VALUES = st.sampled_from(range(len(_RAW))).map(lambda at: f"{_MARK}{at}{_MARK}")

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30])
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    rare(_SCALARS, _RAW_VALUES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)
"""JSON values; some are marks that `json_bytes` turns into a text of `_RAW`."""


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON, with the raw texts put in."""
    text = json.dumps(value, ensure_ascii=False)
    for at, raw in enumerate(_RAW):
        text = text.replace(f'"{_MARK}{at}{_MARK}"', raw)
    return text.encode("utf-8", "surrogatepass")


@st.composite
def edited(draw: DrawFn, value: Any) -> Any:
    """Change a few places of a JSON value: another value, a key less, an item twice."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(0, 3))):
        value = _edited(draw, value)
    return value


def _edited(draw: DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from([*value]))
        change: Callable[[], Any] = draw(
            st.sampled_from(
                [
                    *[lambda: {**value, key: _edited(draw, value[key])}] * 5,
                    lambda: {name: each for name, each in value.items() if name != key},
                    lambda: {**value, draw(TEXT): value[key]},
                ]
            )
        )
        return change()
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(value) - 1))
        head, tail = value[:at], value[at + 1 :]
        inner = [_edited(draw, value[at])]
        return head + draw(st.sampled_from([inner, [], [value[at]] * 2])) + tail
    return draw(JSON)


@st.composite
def damaged(
    draw: DrawFn, data: SearchStrategy[bytes], traps: Sequence[bytes] = ()
) -> bytes:
    """Cut, double or overwrite a part of some of the documents."""
    found = draw(data)
    if draw(st.integers(0, 5)):
        return found
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(found)))
        stop = min(len(found), start + draw(st.integers(0, 20)))
        put = draw(
            st.binary(max_size=4)
            | st.sampled_from([b"", found[start:stop] * 2, *traps])
        )
        found = found[:start] + put + found[stop:]
    return found
