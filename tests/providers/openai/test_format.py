"""OpenAI's request lines: encoded, extended, checked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.errors import InputError
from batchwright.models import RequestTemplate
from batchwright.providers.openai.format import OpenAIFormat
from batchwright.providers.openai.models import refuses

OWN = OpenAIFormat("https://api.openai.com/v1")
OTHER = OpenAIFormat("http://localhost:8000/v1")
USER = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
STRICT = {**SCHEMA, "additionalProperties": False}


def _template(**more: Any) -> RequestTemplate:
    asked = {"model": "gpt-5-mini", "endpoint": "/v1/chat/completions", **more}
    return RequestTemplate(**asked)


def _body(fmt: OpenAIFormat = OWN, messages: Any = USER, **more: Any) -> dict[str, Any]:
    line = orjson.loads(fmt.encoder(_template(**more))("row-1", messages))
    assert line["url"] == more.get("endpoint", "/v1/chat/completions")
    return dict(line["body"])


json_text = st.text(st.characters(exclude_categories=["Cs"]))
conversations = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": json_text}
    ),
    min_size=1,
)


@given(custom_id=json_text, messages=conversations, system=st.none() | json_text)
def test_splicing_changes_no_byte(
    custom_id: str, messages: list[dict[str, str]], system: str | None
) -> None:
    """A spliced line is what encoding the whole request would give."""
    first = [{"role": "system", "content": system}] if system else []
    body = {
        "model": "gpt-5-mini",
        "messages": [*first, *messages],
        "max_completion_tokens": 9,
    }
    whole = {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
    }
    encode = OWN.encoder(_template(system=system, max_tokens=9))
    assert encode(custom_id, messages) == orjson.dumps(whole) + b"\n"


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "it has no messages"),
        ([{"role": "user", "content": "\ud800"}], "surrogates not allowed"),
        ([{"role": "user", "content": {1, 2}}], "not JSON serializable"),
        ([{"role": "user", "content": 2**70}], "64-bit"),
    ],
)
def test_a_row_that_makes_no_request(messages: Any, said: str) -> None:
    """What cannot be written as JSON is refused with the name of the request."""
    with pytest.raises(InputError, match=f"^Request 'row-7' cannot be.*{said}"):
        OWN.encoder(_template())("row-7", messages)


def test_parameters_that_are_no_json() -> None:
    """A parameter that is no JSON is refused before the first row."""
    with pytest.raises(InputError, match="cannot be written as JSON"):
        OWN.encoder(_template(params={"seed": 2**70}))


@pytest.mark.parametrize(
    ("fmt", "model", "endpoint", "name"),
    [
        (OWN, "gpt-5-mini", "/v1/chat/completions", "max_completion_tokens"),
        (OWN, "o3", "/v1/chat/completions", "max_completion_tokens"),
        (OWN, "gpt-6.1-sol", "/v1/chat/completions", "max_completion_tokens"),
        (OWN, "gpt-4o-mini", "/v1/chat/completions", "max_tokens"),
        (OTHER, "gpt-5-mini", "/v1/chat/completions", "max_tokens"),
        (OWN, "gpt-5-mini", "/v1/responses", "max_output_tokens"),
    ],
)
def test_name_of_the_token_limit(
    fmt: OpenAIFormat, model: str, endpoint: str, name: str
) -> None:
    """The limit has the name that this model, host and endpoint know."""
    body = _body(fmt, model=model, endpoint=endpoint, max_tokens=70)
    assert {key: value for key, value in body.items() if "tokens" in key} == {name: 70}


@pytest.mark.parametrize(
    ("base_url", "own"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1/", True),
        ("http://127.0.0.1:4010/openai/v1", True),
        ("http://127.0.0.1:11434/v1", False),
        ("https://openrouter.ai/api/v1", False),
        ("https://evil-api.openai.com.example/v1", False),
    ],
)
def test_own_host(base_url: str, *, own: bool) -> None:
    """OpenAI's own names are for its own hosts, and for the sandbox in their place."""
    name = "max_completion_tokens" if own else "max_tokens"
    assert name in _body(OpenAIFormat(base_url), max_tokens=7)


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("gpt-3.5-turbo", {"json_schema"}),
        ("gpt-4", {"json_schema"}),
        ("gpt-4-turbo-2024-04-09", {"json_schema"}),
        ("ft:gpt-3.5-turbo:us::1", {"json_schema"}),
        ("gpt-4o-2024-05-13", {"json_schema"}),
        ("gpt-4o", set()),
        ("gpt-4.1-mini", set()),
        ("o1-mini", {"json_schema", "max_tokens", "temperature", "top_p"}),
        ("o4-mini", {"max_tokens", "temperature", "top_p"}),
        ("gpt-5", {"max_tokens", "temperature", "top_p"}),
        ("gpt-5-nano-2025-08-07", {"max_tokens", "temperature", "top_p"}),
        ("gpt-5-chat-latest", {"max_tokens"}),
        ("gpt-5.4-mini", {"max_tokens"}),
        ("text-embedding-3-small", set()),
        ("llama-3", set()),
    ],
)
def test_refusals(model: str, refused: set[str]) -> None:
    """The table says what each model refuses."""
    assert refuses(model) == refused


MORE = {"type": "function", "function": {"name": "answer", "parameters": {}}}


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/responses"])
def test_further_tools_stand_beside_the_answers(endpoint: str) -> None:
    """Tools of the user's are added to ours, and their choice replaces ours whole."""
    search = {"type": "web_search"}
    params = {"tools": [search], "tool_choice": "auto"}
    asked = {"mode": "tools", "answer_schema": SCHEMA, "endpoint": endpoint}
    ours = _body(**asked)["tools"]
    body = _body(**asked, params=params)
    assert (body["tools"], body["tool_choice"]) == ([*ours, search], "auto")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"temperature": 0.5}, "leave out `--temperature`"),
        ({"params": {"top_p": 0.5}}, "leave out `--param top_p`"),
        ({"params": {"max_tokens": 5}}, "leave out `--param max_tokens`"),
        ({"params": {"stream": True}}, "`--param stream` cannot be set"),
        (
            {
                "model": "gpt-3.5-turbo",
                "mode": "json_schema",
                "answer_schema": SCHEMA,
            },
            "use `--mode tools`",
        ),
        ({"model": "gpt-4o", "params": {"n": 2}}, "`--param n` above 1"),
        ({"params": {"top_logprobs": 2}}, "`top_logprobs` needs `logprobs`"),
        (
            {"answer_schema": SCHEMA, "params": {"response_format": {"type": "text"}}},
            "`--param response_format` cannot be set beside a response model",
        ),
        (
            {
                "endpoint": "/v1/responses",
                "answer_schema": SCHEMA,
                "params": {"text": {"format": {"type": "text"}}},
            },
            "`--param text.format` cannot be set",
        ),
        (
            {"mode": "tools", "answer_schema": SCHEMA, "params": {"tools": [MORE]}},
            "has a tool 'answer'",
        ),
        (
            {"mode": "tools", "answer_schema": SCHEMA, "params": {"tools": MORE}},
            "`--param tools` must be a list",
        ),
        ({"endpoint": "/v1/messages"}, "OpenAI has no endpoint '/v1/messages'"),
        ({"endpoint": "/v1/embeddings", "max_tokens": 5}, "An embedding has no text"),
    ],
)
def test_refused_before_sending(asked: dict[str, Any], said: str) -> None:
    """What the model is known to refuse is refused here, with the way out."""
    with pytest.raises(InputError) as caught:
        OWN.encoder(_template(**asked))
    assert said in str(caught.value)


def test_other_hosts_decide_themselves() -> None:
    """What a model of the same name takes elsewhere is not ours to know."""
    body = _body(OTHER, temperature=0.5, params={"max_tokens": 3})
    assert (body["temperature"], body["max_tokens"]) == (0.5, 3)


CHAT_TOOL = {
    "name": "answer",
    "description": "Give the answer in this form.",
    "parameters": STRICT,
    "strict": True,
}
SHAPES = {
    "chat-schema": (
        {},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": STRICT, "strict": True},
            }
        },
    ),
    "chat-tools": (
        {"model": "gpt-3.5-turbo"},
        {
            "tools": [{"type": "function", "function": CHAT_TOOL}],
            "tool_choice": {"type": "function", "function": {"name": "answer"}},
            "parallel_tool_calls": False,
        },
    ),
    "responses-schema": (
        {"endpoint": "/v1/responses", "params": {"text": {"verbosity": "low"}}},
        {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "answer",
                    "schema": STRICT,
                    "strict": True,
                },
                "verbosity": "low",
            }
        },
    ),
    "responses-tools": (
        {"endpoint": "/v1/responses", "mode": "tools"},
        {
            "tools": [{"type": "function", **CHAT_TOOL}],
            "tool_choice": {"type": "function", "name": "answer"},
            "parallel_tool_calls": False,
        },
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_answer_schema(name: str) -> None:
    """Each endpoint and mode asks for the schema in its own place."""
    asked, expected = SHAPES[name]
    body = _body(answer_schema=SCHEMA, **asked)
    assert {key: body[key] for key in expected} == expected
    assert len(body) == len(expected) + 2


def test_parameters_win() -> None:
    """A parameter given by name replaces ours."""
    assert _body(max_tokens=5, params={"max_completion_tokens": 9}) == {
        "model": "gpt-5-mini",
        "messages": USER,
        "max_completion_tokens": 9,
    }
