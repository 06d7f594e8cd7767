"""Tests of a wire format: request lines, their check, and result lines."""

# ruff: noqa: S101 - tests assert

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from ...models import BatchResult, Outcome
from ..base import Format
from ..vendors import get_format, get_vendor, vendors
from .hooks import Hooks

__all__ = ["FormatConformance"]

_SYSTEM = "Be \u00fcber \u2028 brief."
_MESSAGES = [
    {"role": "user", "content": 'One\nline, "quoted" \u2028 \U0001f600'},
    {"role": "assistant", "content": "\u00e9 \u4e2d"},
    {"role": "user", "content": "Go on."},
]
_SCHEMA = {
    "type": "object",
    "properties": {"label_of_the_row": {"type": "string"}},
    "required": ["label_of_the_row"],
    "additionalProperties": False,
}
_NO_REQUESTS = (b"", b"{", b"{}", b"[]", b"null", b"7", b"text", b'{"a":"\xff"}')
_NO_RESULTS = (
    *_NO_REQUESTS,
    b"[" * 100_000,
    b'{"custom_id": 7}',
    b'{"a": NaN}',
    b"<html></html>",
)
_OTHER_VALUES: tuple[Any, ...] = (None, True, 7, "x", [], {}, [None], {"x": None})


class FormatConformance(Hooks):
    """What must be true of a `Format`."""

    @pytest.fixture
    def fmt(self) -> Format:
        """Return the vendor's format."""
        return get_format(self.vendor)

    def test_the_record_and_its_format_agree(self, fmt: Format) -> None:
        """The format has the vendor's name, and a batch has room for requests."""
        assert fmt.name == self.vendor
        assert fmt.limits.max_requests > 0
        assert fmt.limits.max_bytes > 0
        assert fmt.limits.source

    def test_a_request_keeps_id_and_messages(self, fmt: Format) -> None:
        """A request is one line of UTF-8 JSON, with all that was given to it."""
        encode = fmt.encoder(self.template(system=_SYSTEM))
        for custom_id in ("row-1", "0badcafe-000000007-0"):
            line = encode(custom_id, _MESSAGES)
            assert line.endswith(b"\n")
            assert line.count(b"\n") == 1
            texts = list(_texts(orjson.loads(line)))
            assert texts.count(custom_id) == 1
            for message in _MESSAGES:
                assert any(message["content"] in text for text in texts), message
            assert any(_SYSTEM in text for text in texts)

    def test_a_schema_is_sent(self, fmt: Format) -> None:
        """A request for a typed answer names the fields of the answer."""
        line = fmt.encoder(self.template(answer_schema=_SCHEMA))("row-1", _MESSAGES)
        assert b"label_of_the_row" in line
        assert fmt.check(line)[2] == []

    def test_own_requests_pass_the_check(self, fmt: Format) -> None:
        """What the encoder makes is taken, and told from other vendors' requests."""
        vendor = get_vendor(self.vendor)
        line = fmt.encoder(self.template(system=_SYSTEM))("row-1", _MESSAGES)
        custom_id, model, problems = fmt.check(line)
        assert (custom_id, problems) == ("row-1", [])
        assert model in {None, self.model}
        assert fmt.endpoint(line) in vendor.endpoints
        request = orjson.loads(line)
        assert vendor.is_request(request)
        for other in vendors():
            if other.is_request is vendor.is_request:
                assert get_format(other.name).check(line) == fmt.check(line)
            elif other.is_request(request):
                assert other.format == vendor.format, other.name

    def test_the_check_finds_what_is_no_request(self, fmt: Format) -> None:
        """Anything but a request has at least one problem, and none is an exception."""
        line = fmt.encoder(self.template())("row-1", _MESSAGES)
        cut = [line[:end] for end in range(1, len(line) - 2)]
        for bad in (*_NO_REQUESTS, *cut, line.replace(b"Go on.", b"\xff")):
            assert fmt.check(bad)[2], bad

    def test_a_request_is_extended(self, fmt: Format) -> None:
        """A request that is asked again has a new ID and the further messages."""
        encode = fmt.encoder(self.template(system=_SYSTEM))
        more = {"role": "user", "content": "That was wrong."}
        extended = fmt.extend(encode("row-1", _MESSAGES), "row-2", [more])
        assert orjson.loads(extended) == orjson.loads(
            encode("row-2", [*_MESSAGES, more])
        )
        assert extended.endswith(b"\n")
        assert extended.count(b"\n") == 1

    def test_the_examples_are_enough(self) -> None:
        """There is a success, and an error of each kind."""
        kinds = {(each.outcome, each.retryable) for each in self.examples}
        assert (Outcome.SUCCEEDED, False) in kinds
        assert (Outcome.ERRORED, False) in kinds
        assert (Outcome.ERRORED, True) in kinds

    def test_results_are_decoded(self, fmt: Format) -> None:
        """Each example has its outcome, and its answer and usage or its error."""
        for example in self.examples:
            result = fmt.decode(example.line)
            assert result.custom_id == "row-1", example
            assert result.outcome is example.outcome, example
            assert result.retryable is example.retryable, example
            if result.outcome is Outcome.SUCCEEDED:
                assert result.text or result.data is not None, example
                assert result.error is None, example
                assert result.usage is not None, example
                assert result.usage.input_tokens > 0, example
            else:
                assert result.error, example

    def test_result_lines_are_told_from_others(self, fmt: Format) -> None:
        """A result line is known as the vendor's; what is no result line is not."""
        is_result = get_vendor(self.vendor).is_result
        for example in self.examples:
            assert is_result(example.line), example
            for other in vendors():
                if other.is_result(example.line):  # of one wire format
                    decode = get_format(other.name).decode
                    assert decode(example.line) == fmt.decode(example.line), example
        assert not [line for line in _NO_RESULTS if is_result(line)]

    def test_no_result_line_raises(self, fmt: Format) -> None:
        """Whatever a line holds, it becomes a result, and none that has succeeded."""
        lines = [example.line for example in self.examples]
        cut = [line[:end] for line in lines for end in range(len(line.rstrip()))]
        for bad in (*_NO_RESULTS, *cut):
            result = fmt.decode(bad)
            assert isinstance(result, BatchResult), bad
            assert result.outcome is not Outcome.SUCCEEDED, bad
            assert result.error, bad

    def test_no_odd_value_raises(self, fmt: Format) -> None:
        """A result line with any other value in any place is decoded."""
        for example in self.examples:
            for odd in _changed(orjson.loads(example.line)):
                line = orjson.dumps(odd)
                result = fmt.decode(line)
                assert isinstance(result, BatchResult), line
                assert isinstance(result.outcome, Outcome), line
                assert (result.error is None) == (
                    result.outcome is Outcome.SUCCEEDED
                ), line


def _texts(value: Any) -> Iterator[str]:
    """Yield all strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _changed(value: Any) -> Iterator[Any]:
    """Yield copies of a JSON value, each with one other value somewhere in it."""
    for other in _OTHER_VALUES:
        if type(other) is not type(value):
            yield other
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: each for name, each in value.items() if name != key}
            for changed in _changed(item):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for at, item in enumerate(value):
            for changed in _changed(item):
                yield [*value[:at], changed, *value[at + 1 :]]
