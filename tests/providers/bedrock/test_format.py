"""Bedrock's lines: what a job asks for, and what the sandbox says of the same lines."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchwright.errors import InputError
from batchwright.models import Outcome, RequestTemplate
from batchwright.providers import get_format
from batchwright.sandbox.answers.answer import Failure
from batchwright.sandbox.bedrock.requests import read_request

MODEL = "anthropic.claude-sonnet-5-v1:0"
USER = [{"role": "user", "content": "Hi."}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a region, without which there is no address."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def _body(messages: Any = USER, **facts: Any) -> dict[str, Any]:
    template = {"model": MODEL, "endpoint": "/converse", **facts}
    line = get_format("bedrock").encoder(RequestTemplate(**template))("a", messages)
    body: dict[str, Any] = orjson.loads(line)["modelInput"]
    return body


def test_a_request_is_one_of_converse() -> None:
    """Texts, images and PDF files become blocks; limits stand in `inferenceConfig`."""
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {
            "type": "file",
            "file": {
                "file_data": "data:application/pdf;base64,BB==",
                "filename": "a_1.pdf",
            },
        },
    ]
    messages = [
        {"role": "system", "content": "For this row."},
        {"role": "user", "content": parts},
    ]
    body = _body(
        messages,
        system="Be brief.",
        max_tokens=9,
        temperature=0.5,
        params={"inferenceConfig": {"topP": 0.9}, "guardrailConfig": {"x": "y"}},
    )
    assert body == {
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9},
        "guardrailConfig": {"x": "y"},
        "system": [{"text": "Be brief."}, {"text": "For this row."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "What is it?"},
                    {"image": {"format": "png", "source": {"bytes": "AA=="}}},
                    {
                        "document": {
                            "format": "pdf",
                            "name": "a-1-pdf",
                            "source": {"bytes": "BB=="},
                        }
                    },
                ],
            }
        ],
    }


def test_claude_can_be_asked_in_its_own_form() -> None:
    """With the endpoint of InvokeModel, the body is Claude's, and its version."""
    body = _body(endpoint="/invoke", system="Be brief.", max_tokens=9)
    assert body == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "system": "Be brief.",
        "messages": USER,
    }
    fmt = get_format("bedrock")
    assert fmt.endpoint(orjson.dumps({"modelInput": body})) == "/invoke"


def test_a_schema_is_asked_for_in_words() -> None:
    """It stands in the system text, and a fence around the answer is taken off."""
    body = _body(answer_schema=SCHEMA)
    (asked,) = body["system"]
    assert asked["text"].endswith(orjson.dumps(SCHEMA).decode())
    fmt = get_format("bedrock")
    for text, expected in (
        ('```json\n{"a":1}\n```', '{"a":1}'),
        ('{"a":1}', '{"a":1}'),
        ("See ```x``` here", "See ```x``` here"),
    ):
        output = {
            "output": {"message": {"content": [{"text": text}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1},
        }
        line = {"recordId": "a", "modelInput": body, "modelOutput": output}
        for reason in ("end_turn", "something_new"):  # the fast way, and the other
            output["stopReason"] = reason
            result = fmt.decode(orjson.dumps(line))
            assert (result.text, result.outcome) == (expected, Outcome.SUCCEEDED)
        plain = {**line, "modelInput": {}}
        assert fmt.decode(orjson.dumps(plain)).text == text


def test_cached_tokens_are_part_of_those_that_were_read() -> None:
    """Converse counts them apart."""
    usage = {"inputTokens": 5, "outputTokens": 2}
    usage |= {"cacheReadInputTokens": 90, "cacheWriteInputTokens": 10}
    output = {
        "output": {"message": {"content": [{"text": "Yes."}]}},
        "stopReason": "end_turn",
        "usage": usage,
    }
    line = orjson.dumps({"recordId": "a", "modelInput": {}, "modelOutput": output})
    found = get_format("bedrock").decode(line).usage
    assert found is not None
    assert (found.input_tokens, found.output_tokens) == (105, 2)
    assert (found.cache_read_tokens, found.cache_write_tokens) == (90, 10)


@pytest.mark.parametrize(
    ("facts", "messages", "said"),
    [
        ({"mode": "tools", "answer_schema": SCHEMA}, USER, "no structured output"),
        ({"params": {"toolConfig": {}}}, USER, "`--param toolConfig` cannot be set"),
        (
            {"params": {"inferenceConfig": {"maxTokens": 9}}},
            USER,
            "use `--max-tokens`",
        ),
        ({"endpoint": "/v1/messages"}, USER, "has no endpoint"),
        ({"endpoint": "/invoke", "model": "amazon.nova"}, USER, "are not known: use"),
        ({"temperature": 2.0}, USER, "must be a number from 0 to 1"),
        (
            {},
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "https://h/a.png"}}
                    ],
                }
            ],
            "travel inside the request",
        ),
        ({}, [], "it has no messages"),
    ],
    ids=["mode", "tools", "tokens", "endpoint", "own-form", "range", "link", "empty"],
)
def test_what_a_batch_cannot_hold_is_refused(
    facts: dict[str, Any], messages: Any, said: str
) -> None:
    """Before anything is sent, in one sentence."""
    with pytest.raises(InputError, match=said):
        _body(messages, **facts)


def _turn(**more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"text": "Hi."}], **more}


@pytest.mark.parametrize(
    ("body", "is_good"),
    [
        ({"messages": [_turn()]}, True),
        ({"messages": [_turn()], "inferenceConfig": {"topP": 1}}, True),
        ({"messages": [_turn(), _turn(role="assistant"), _turn()]}, True),
        ({"messages": []}, False),
        ({"messages": [_turn(role="assistant")]}, False),
        ({"messages": [_turn(role="system")]}, False),
        ({"messages": [_turn(content=[])]}, False),
        ({"messages": [_turn()], "inferenceConfig": {"maxTokens": 0}}, False),
        ({"messages": [_turn()], "inferenceConfig": {"temperature": 1.5}}, False),
    ],
)
def test_both_checks_say_the_same(body: dict[str, Any], *, is_good: bool) -> None:
    """The client's check and the sandbox agree, though they share no code."""
    line = orjson.dumps({"recordId": "a", "modelInput": body})
    assert (get_format("bedrock").check(line)[2] == []) is is_good
    judged = read_request(body, model=MODEL, is_converse=True)
    assert (not isinstance(judged, Failure)) is is_good
