"""OpenAI's other endpoints, further rounds, and the check of request lines."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchwright.errors import InputError
from batchwright.models import RequestTemplate
from batchwright.providers import get_format

FMT = get_format("openai")
USER = [{"role": "user", "content": "Hi"}]
PNG, PDF = "data:image/png;base64,AAAA", "data:application/pdf;base64,BBBB"
FILE = {"filename": "a.pdf", "file_data": PDF}


def _line(endpoint: str, messages: Any = USER, system: str | None = None) -> bytes:
    template = RequestTemplate(model="m", endpoint=endpoint, system=system)
    return FMT.encoder(template)("row-1", messages)


def _body(line: bytes) -> dict[str, Any]:
    return dict(orjson.loads(line)["body"])


def test_responses() -> None:
    """Conversations become input items, and the shared system text instructions."""
    content = [
        {"type": "text", "text": "See"},
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        {"type": "file", "file": FILE},
        {"type": "input_audio", "input_audio": {}},
    ]
    told = [{"type": "text", "text": "I see"}]
    messages = [
        {"role": "user", "content": content},
        {"role": "assistant", "content": told},
        *USER,
    ]
    assert _body(_line("/v1/responses", messages, "Be brief.")) == {
        "model": "m",
        "instructions": "Be brief.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "See"},
                    {"type": "input_image", "image_url": PNG, "detail": "low"},
                    {"type": "input_file", **FILE},
                    {"type": "input_audio", "input_audio": {}},
                ],
            },
            {
                "role": "assistant",
                "content": [{"type": "output_text", "text": "I see"}],
            },
            *USER,
        ],
    }


@pytest.mark.parametrize(
    ("system", "messages", "expected"),
    [
        (None, USER, "Hi"),
        ("query:", USER, "query:\n\nHi"),
        (None, [*USER, {"role": "user", "content": [{"text": "you"}]}], "Hi\n\nyou"),
    ],
)
def test_embeddings(system: str | None, messages: Any, expected: str) -> None:
    """An embedding is asked for the text of the conversation."""
    line = _line("/v1/embeddings", messages, system)
    assert _body(line) == {"model": "m", "input": expected}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([{"role": "user", "content": [{"type": "image_url"}]}], "'image_url'"),
        ([{"role": "user"}], "a message has no 'content'"),
        ([7], "'int' object"),
    ],
)
def test_messages_that_cannot_be_converted(messages: Any, said: str) -> None:
    """A message that has no text cannot be embedded: the request is named."""
    with pytest.raises(InputError, match=f"^Request 'row-1' cannot be sent: .*{said}"):
        _line("/v1/embeddings", messages)


MORE = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [("/v1/chat/completions", "messages"), ("/v1/responses", "input")],
)
def test_extend(endpoint: str, key: str) -> None:
    """A further round has a new ID and more messages; all else stays."""
    line = _line(endpoint, system="Be brief.")
    again = orjson.loads(FMT.extend(line, "row-2", MORE))
    first = orjson.loads(line)
    assert again["custom_id"] == "row-2"
    assert again["body"][key] == [*first["body"][key], *MORE]
    assert {**again["body"], key: first["body"][key]} == first["body"]


def test_extend_a_text_input() -> None:
    """An input that is a text becomes the user's turn before more is said."""
    line = b'{"custom_id":"a","url":"/v1/responses","body":{"input":"Hi"}}'
    assert _body(FMT.extend(line, "b", MORE)) == {"input": [*USER, *MORE]}


@pytest.mark.parametrize(
    "endpoint", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"]
)
def test_extend_by_nothing(endpoint: str) -> None:
    """A new ID alone leaves every other byte as it is."""
    line = _line(endpoint)
    assert FMT.extend(line, "row-2", ()) == line.replace(b"row-1", b"row-2")


def test_embeddings_are_not_extended() -> None:
    """There is no conversation with an embedding."""
    with pytest.raises(InputError):
        FMT.extend(_line("/v1/embeddings"), "b", MORE)


@pytest.mark.parametrize(
    "endpoint", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"]
)
def test_own_lines_pass(endpoint: str) -> None:
    """What is encoded here passes the check, and names its endpoint."""
    line = _line(endpoint)
    assert FMT.check(line) == ("row-1", "m", [])
    assert FMT.endpoint(line) == endpoint


GOOD = {
    "custom_id": "row-1",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"model": "m", "messages": USER},
}


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def _with_body(**more: Any) -> dict[str, Any]:
    return {**GOOD, "body": {**GOOD["body"], **more}}


MISSING = "missing_required_parameter"
BAD = {
    "no-id": (_without("custom_id"), [(MISSING, "custom_id")]),
    "no-method": (_without("method"), [(MISSING, "method")]),
    "no-url": (_without("url"), [(MISSING, "url")]),
    "no-body": (_without("body"), [(MISSING, "body")]),
    "nothing": (
        {},
        [(MISSING, key) for key in ("custom_id", "method", "url", "body")],
    ),
    "empty-id": ({**GOOD, "custom_id": ""}, [(MISSING, "custom_id")]),
    "number-as-id": ({**GOOD, "custom_id": 7}, [("invalid_request", "custom_id")]),
    "get": ({**GOOD, "method": "GET"}, [("invalid_method", "method")]),
    "odd-url": ({**GOOD, "url": "/v1/songs"}, [("invalid_url", "url")]),
    "body-as-text": ({**GOOD, "body": "x"}, [("invalid_request", "body")]),
    "no-model": (_with_body(model=None), [("invalid_request", "body.model")]),
    "odd-model": (_with_body(model=7), [("invalid_request", "body.model")]),
    "no-messages": (_with_body(messages=None), [("invalid_request", "body.messages")]),
    "odd-messages": (_with_body(messages="x"), [("invalid_request", "body.messages")]),
    "stream": (_with_body(stream=True), [("streaming_unsupported", "body.stream")]),
    "no-input": (
        {**GOOD, "url": "/v1/responses"},
        [("invalid_request", "body.input"), ("invalid_value", "body.messages")],
    ),
    "list": ([], [("invalid_json_line", None)]),
}


@pytest.mark.parametrize("name", BAD)
def test_check(name: str) -> None:
    """Every fault of a line is found, with the provider's code and parameter."""
    request, expected = BAD[name]
    problems = FMT.check(orjson.dumps(request))[2]
    assert [(problem.code, problem.param) for problem in problems] == expected


@pytest.mark.parametrize(
    "content", [b'"\xff"', b'"\x01"', b'"\\q"', b"NaN", b'"a"}}x', b'"\xed\xa0\x80"']
)
def test_check_finds_what_is_no_json(content: bytes) -> None:
    """Bytes that are no UTF-8 or no JSON are found, wherever they stand."""
    line = orjson.dumps(_with_body(metadata="X")).replace(b'"X"', content)
    assert [problem.code for problem in FMT.check(line)[2]] == ["invalid_json_line"]


@pytest.mark.parametrize("line", [b"{", b"{}", b'{"url":7}'])
def test_no_endpoint(line: bytes) -> None:
    """A line without an endpoint is refused in one sentence."""
    with pytest.raises(InputError, match="This request line cannot be sent"):
        FMT.endpoint(line)
