"""Any valid JSON body is read, a piece at a time."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.sandbox.anthropic import body as _anthropic_body
from batchwright.sandbox.anthropic.body import BodyError, read_requests

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.just("custom_id"), inner, max_size=3)
    ),
    max_leaves=8,
)
items = st.fixed_dictionaries({"custom_id": st.text(), "params": values})


class _Drops(io.BytesIO):
    """A file that gives a few bytes at a time, whatever is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most seven bytes, but the first 13 together."""
        return super().read(7 if self.tell() else 13)


@given(requests=st.lists(items | values, max_size=5), compact=st.booleans())
def test_what_was_written_is_read(*, requests: list[Any], compact: bool) -> None:
    """Items come back as they were, wherever the blocks end."""
    separators = (",", ":") if compact else (" , ", " : ")
    body = (
        {"requests": requests} if compact else {"a": [1], "requests": requests, "b": {}}
    )
    text = json.dumps(body, separators=separators, ensure_ascii=False)
    raw = text.encode("utf-8", "surrogatepass")
    try:
        raw.decode()
    except UnicodeDecodeError:
        raw = json.dumps(body, separators=separators).encode()
    assert list(read_requests(_Drops(raw))) == requests


BROKEN = [
    b"",
    b"[]",
    b"{}",
    b'{"requests":[',
    b'{"requests":[{"custom_id":"a"}',
    b'{"requests":[{"custom_id":"a"}]',
    b'{"requests":[{"custom_id":"a"},]}',
    b'{"requests":[{"custom_id":"a"}]} x',
    b'{"requests":[{"custom_id":"a"} {"custom_id":"b"}]}',
    b'{"requests": 5}',
    b'{ "requests": [NaN] }',
    b'{"requests":[{"custom_id":"\xff"}]}',
]


@pytest.mark.parametrize("body", BROKEN)
def test_what_is_no_request_body_is_an_error(body: bytes) -> None:
    """Broken JSON or no list of requests is found when the reader gets there."""
    with pytest.raises(BodyError):
        list(read_requests(io.BytesIO(body)))


def test_a_request_larger_than_a_block_is_read() -> None:
    """The window grows for one long value, and only for that."""
    long = {"custom_id": "a", "params": {"text": "x" * (3 * _anthropic_body._BLOCK)}}
    for separators in ((",", ":"), (", ", ": ")):
        raw = json.dumps({"requests": [long, long]}, separators=separators).encode()
        assert list(read_requests(io.BytesIO(raw))) == [long, long]
