"""Tests of result lines that no JSON parser takes, though they were paid for."""

from __future__ import annotations

import json

import pytest

from batchwright.data.results.reader import provider_of
from batchwright.models import Outcome
from batchwright.providers import get_format

ANSWERS = {
    "openai": (
        b'{"id":"b","custom_id":"row-1","response":{"status_code":200,"body":{"model":'
        b'"m","choices":[{"message":{"content":null,"function_call":{"name":"f",'
        b'"arguments":ANSWER}},"finish_reason":"stop"}],"usage":null}},"error":null}'
    ),
    "anthropic": (
        b'{"custom_id":"row-1","result":{"type":"succeeded","message":{"model":"m",'
        b'"content":[{"type":"tool_use","name":"f","input":ANSWER}],"stop_reason":'
        b'"tool_use","usage":null}}}'
    ),
}
DEEP = b'{"custom_id":"inner","a":' * 1100 + b"1" + b"}" * 1100


@pytest.mark.parametrize("provider", ANSWERS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (DEEP, "nested too deeply"),
        (b'{"a":' + b"7" * 5000 + b"}", "This result line is not JSON"),
        (b'{"a":"half', "This result line is not JSON"),
    ],
    ids=["deep", "long number", "cut"],
)
def test_an_answer_that_cannot_be_decoded_keeps_its_request(
    provider: str, answer: bytes, said: str
) -> None:
    """It is invalid and says why, so it is neither missing nor sent again."""
    line = ANSWERS[provider].replace(b"ANSWER", answer)
    result = get_format(provider).decode(line)
    assert (result.custom_id, result.outcome) == ("row-1", Outcome.INVALID)
    assert said in (result.error or "")
    assert not result.retryable
    assert provider_of(line) == provider


@pytest.mark.parametrize("provider", ANSWERS)
@pytest.mark.parametrize("place", ["before", "after"])
def test_an_envelope_that_cannot_be_decoded_keeps_its_request(
    provider: str, place: str
) -> None:
    """Depth outside of the answer, before or behind the ID, hides the ID no more."""
    line = ANSWERS[provider].replace(b"ANSWER", b"{}")
    if place == "before":
        line = b'{ "more" : ' + DEEP + b", " + line[1:]
    else:
        line = line[:-1] + b', "more": ' + DEEP + b"}"
    result = get_format(provider).decode(line)
    assert (result.custom_id, result.outcome) == ("row-1", Outcome.INVALID)
    assert provider_of(line) == provider


@pytest.mark.parametrize(
    "written", ['"r\\u00e4"', '"a\\"b,{"', '"\\ud800"', '"\udc80"']
)
def test_odd_ids_are_salvaged_as_they_are_decoded(written: str) -> None:
    """Escapes in an ID mean the same as in a line that can be decoded."""
    member = b'{"custom_id":' + written.encode("utf-8", "surrogatepass")
    good = member + b',"response":null,"error":{"code":"x"}}'
    decode = get_format("openai").decode
    assert decode(good).custom_id == decode(member + b',"a":' + DEEP).custom_id
    assert decode(good).custom_id


@pytest.mark.parametrize("provider", ANSWERS)
@pytest.mark.parametrize("levels", [150, 300, 600, 950, 990])
def test_a_deep_answer_is_a_result(provider: str, levels: int) -> None:
    """Whatever can still be decoded at this depth, nothing is raised."""
    deep = b'{"a":' * levels + b"1" + b"}" * levels
    result = get_format(provider).decode(ANSWERS[provider].replace(b"ANSWER", deep))
    assert result.custom_id == "row-1"
    if result.outcome is Outcome.SUCCEEDED:
        assert result.data is not None or json.loads(result.text or "")
