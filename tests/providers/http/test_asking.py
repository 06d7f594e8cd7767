"""One request that is asked at once: what goes out, and what comes back."""

from __future__ import annotations

from typing import Any

import httpx2
import orjson
import pytest

from batchwright.errors import AccessError, InputError, RejectedError, UnreachableError
from batchwright.models import Outcome
from batchwright.providers.anthropic.client import AnthropicProvider
from batchwright.providers.openai import OpenAIProvider

BIG = b"123456789012345678901234567890"
LINES = {
    "openai": b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions",'
    b'"body": {"model":"m",  "messages":[], "seed":' + BIG + b"}}\n",
    "anthropic": b'{"custom_id":"a","params": {"model":"m",  "max_tokens":'
    + BIG
    + b"}}",
}
ANSWERS = {
    "openai": {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]},
    "anthropic": {
        "content": [{"type": "text", "text": "Yes."}],
        "stop_reason": "end_turn",
    },
}
NAMES = [*LINES]


def provider(name: str, handler: Any) -> OpenAIProvider | AnthropicProvider:
    """Return a provider whose network is a function."""
    client = OpenAIProvider if name == "openai" else AnthropicProvider
    transport = httpx2.MockTransport(handler)
    return client("http://own/proxy/v1", "key", transport=transport)


def refusal(text: str, **more: Any) -> dict[str, Any]:
    """Return the body of an error."""
    return {"error": {"type": "invalid_request_error", "message": text, **more}}


@pytest.mark.parametrize("name", NAMES)
def test_the_body_is_sent_as_it_stands_in_the_line(name: str) -> None:
    """The vendor gets the bytes that it would get from a request file."""
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=ANSWERS[name])

    provider(name, handler).ask(LINES[name])
    (request,) = seen
    assert request.content in LINES[name]
    assert request.content.startswith(b'{"model":"m",  ')
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "frame", [b"%b", b"\xef\xbb\xbf%b", b"\r\n %b\n\n"], ids=["bare", "bom", "blank"]
)
def test_an_answer_is_one_line_however_it_is_written(name: str, frame: bytes) -> None:
    """An answer that is spread over lines is brought onto one."""
    body = orjson.dumps(ANSWERS[name], option=orjson.OPT_INDENT_2)
    client = provider(name, lambda _: httpx2.Response(200, content=frame % body))
    line = client.ask(LINES[name])
    assert b"\n" not in line
    result = client.decode(line)
    assert (result.custom_id, result.outcome) == ("a", Outcome.SUCCEEDED)
    assert result.text == "Yes."


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html></html>", b'{"choices": [', b"[]", b"null"],
    ids=["empty", "page", "half", "list", "null"],
)
def test_an_answer_of_another_shape_is_asked_for_again(name: str, body: bytes) -> None:
    """What is no JSON object did not come from the API, so waiting can help."""
    client = provider(name, lambda _: httpx2.Response(200, content=body))
    with pytest.raises(UnreachableError, match="did not answer as"):
        client.ask(LINES[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_paid_answer_that_cannot_be_read_is_kept(name: str) -> None:
    """An answer that is nested too deeply is invalid, and is not paid for again."""
    body = b'{"content":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    client = provider(name, lambda _: httpx2.Response(200, content=body))
    result = client.decode(client.ask(LINES[name]))
    assert (result.custom_id, result.outcome) == ("a", Outcome.INVALID)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, refusal("Your credit balance is too low to do this."), AccessError),
        (400, refusal("No.", code="insufficient_quota"), AccessError),
        (400, refusal("Invalid URL (POST /v1/x)"), RejectedError),
        (400, "a page", RejectedError),
        (402, refusal("Pay."), AccessError),
        (404, refusal("No such model.", code="model_not_found"), RejectedError),
        (409, refusal("Conflict."), UnreachableError),
    ],
    ids=["credit", "quota", "url", "page", "pay", "model", "conflict"],
)
def test_a_refusal_of_more_than_the_request_is_an_error(
    name: str, status: int, body: Any, error: type[Exception]
) -> None:
    """Where no request would be answered, none of them gets a result."""
    client = provider(name, lambda _: httpx2.Response(status, json=body))
    with pytest.raises(error) as caught:
        client.ask(LINES[name])
    assert type(caught.value) is error


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_of_the_request_is_its_result(name: str, status: int) -> None:
    """What the API says of the request itself is the error of its row."""
    client = provider(
        name, lambda _: httpx2.Response(status, json=refusal("Too long, by far."))
    )
    result = client.decode(client.ask(LINES[name]))
    assert (result.custom_id, result.outcome) == ("a", Outcome.ERRORED)
    assert "Too long, by far." in str(result.error)
    assert not result.retryable


@pytest.mark.parametrize("url", ["http://foreign.test/v1/x", "/v1/files", "//foreign"])
def test_a_url_that_is_no_endpoint_is_not_called(url: str) -> None:
    """A request line cannot send the key anywhere but to an endpoint of the API."""
    client = provider("openai", lambda _: httpx2.Response(200, json={}))
    line = LINES["openai"].replace(b"/v1/chat/completions", url.encode())
    with pytest.raises(InputError, match="url"):
        client.ask(line)


@pytest.mark.parametrize("do", ["drop", "cut", "slow", "bad_json", "html"])
def test_a_bad_connection_is_worth_another_try(client: Any, do: str) -> None:
    """An answer that does not arrive whole is asked for again, if not by the SDK."""
    line = client.write(1).read_bytes().replace(b"claude-x", b"claude-sonnet-4-5")
    fault = {"operation": "ask", "do": do, "seconds": 0.01, "nth": [1]}
    client.sandbox.set_faults({"calls": [fault]})
    if do in {"bad_json", "html"}:
        with pytest.raises(UnreachableError):
            client.provider.ask(line)
    assert client.provider.decode(client.provider.ask(line)).text
