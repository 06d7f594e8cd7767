"""Anthropic's request lines: encoded, extended, checked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.errors import InputError
from batchwright.models import RequestTemplate
from batchwright.providers.anthropic.format import AnthropicFormat
from batchwright.providers.anthropic.models import refuses

FMT = AnthropicFormat()
USER = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
STRICT = {**SCHEMA, "additionalProperties": False}
MARK = {"type": "ephemeral", "ttl": "1h"}


def _template(**more: Any) -> RequestTemplate:
    asked = {"model": "claude-sonnet-5", "endpoint": "/v1/messages", **more}
    return RequestTemplate(**asked)


def _line(messages: Any = USER, **more: Any) -> bytes:
    return FMT.encoder(_template(**more))("row-1", messages)


def _params(messages: Any = USER, **more: Any) -> dict[str, Any]:
    return dict(orjson.loads(_line(messages, **more))["params"])


def _system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def _block(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


json_text = st.text(st.characters(exclude_categories=["Cs"]))
conversations = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant"]), "content": json_text}
    ),
    min_size=1,
)


@given(
    custom_id=json_text,
    messages=conversations,
    shared=st.none() | json_text.filter(bool),
    row=st.none() | json_text,
)
def test_splicing_changes_no_byte(
    custom_id: str, messages: list[dict[str, str]], shared: str | None, row: str | None
) -> None:
    """A spliced line is what encoding the whole request would give."""
    texts = [text for text in (shared, row) if text is not None]
    system = {"system": "\n\n".join(texts)} if texts else {}
    params = {
        "model": "claude-sonnet-5",
        "max_tokens": 4096,
        **system,
        "messages": messages,
    }
    told = messages if row is None else [_system(row), *messages]
    encode = FMT.encoder(_template(system=shared))
    whole = {"custom_id": custom_id, "params": params}
    assert encode(custom_id, told) == orjson.dumps(whole) + b"\n"


SYSTEMS = {
    "none": ({}, USER, None, USER),
    "shared": ({"system": "A"}, USER, "A", USER),
    "row": ({}, [_system("B"), *USER], "B", USER),
    "both": ({"system": "A"}, [_system("B"), *USER], "A\n\nB", USER),
    "developer": ({}, [{"role": "developer", "content": "B"}, *USER], "B", USER),
    "in-blocks": (
        {"system": "A"},
        [{"role": "system", "content": [_block("B")]}, *USER],
        [_block("A"), _block("B")],
        USER,
    ),
    "alone": ({}, [_system("Hi")], None, USER),
    "alone-beside-shared": ({"system": "A"}, [_system("Hi")], "A", USER),
    "cached": (
        {"system": "A", "cache_system": True},
        USER,
        [_block("A", cache_control=MARK)],
        USER,
    ),
    "cached-prefix": (
        {"system": "A", "cache_system": True},
        [_system("B"), *USER],
        [_block("A", cache_control=MARK), _block("B")],
        USER,
    ),
    "cached-row": (
        {"cache_system": True},
        [_system("A"), _system("B"), *USER],
        [_block("A"), _block("B", cache_control=MARK)],
        USER,
    ),
    "cached-nothing": ({"cache_system": True}, USER, None, USER),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_system(name: str) -> None:
    """System messages become `system`; alone they are what the user says."""
    asked, messages, system, turns = SYSTEMS[name]
    params = _params(messages, **asked)
    assert (params.get("system"), params["messages"]) == (system, turns)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "it has no messages"),
        ([{"role": "user", "content": "\ud800"}], "surrogates not allowed"),
        ([{"role": "user"}], "a message has no 'content'"),
        ([{"content": "Hi"}], "a message has no 'role'"),
        ([7], "'int' object"),
    ],
)
def test_a_row_that_makes_no_request(messages: Any, said: str) -> None:
    """What makes no request is refused with the name of the request."""
    with pytest.raises(InputError, match=f"^Request 'row-1' cannot be sent: .*{said}"):
        _line(messages)


TOOL = {
    "name": "answer",
    "description": "Give the answer in this form.",
    "input_schema": STRICT,
}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
AUTO = {"type": "auto"}
THINKING = {"type": "enabled", "budget_tokens": 1024}
CHOICE = {"type": "tool", "name": "answer", "disable_parallel_tool_use": True}
FORMAT = {"format": {"type": "json_schema", "schema": STRICT}}
SHAPES = {
    "schema": ({}, {"output_config": FORMAT}),
    "schema-and-effort": (
        {"params": {"output_config": {"effort": "low"}}},
        {"output_config": {**FORMAT, "effort": "low"}},
    ),
    "tools": (
        {"mode": "tools"},
        {"tools": [{**TOOL, "strict": True}], "tool_choice": CHOICE},
    ),
    "tools-and-more": (
        {"mode": "tools", "params": {"tools": [SEARCH]}},
        {"tools": [{**TOOL, "strict": True}, SEARCH], "tool_choice": CHOICE},
    ),
    "tools-and-thinking": (
        {
            "mode": "tools",
            "model": "claude-sonnet-4-5",
            "params": {"tool_choice": AUTO, "thinking": THINKING},
        },
        {
            "tools": [{**TOOL, "strict": True}],
            "tool_choice": AUTO,
            "thinking": THINKING,
        },
    ),
    "older-model": (
        {"model": "claude-3-5-haiku-20241022"},
        {"tools": [TOOL], "tool_choice": CHOICE},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_answer_schema(name: str) -> None:
    """Each mode asks for the schema in its own place; old models get a loose tool."""
    asked, expected = SHAPES[name]
    params = _params(answer_schema=SCHEMA, **asked)
    assert {key: params[key] for key in expected} == expected
    assert params.keys() == {"model", "max_tokens", "messages", *expected}


def test_a_tool_that_cannot_be_strict() -> None:
    """A model that contains itself is sent as a tool which nothing enforces."""
    node = {"properties": {"next": {"$ref": "#"}}, "type": "object"}
    params = _params(answer_schema=node, mode="tools")
    assert "strict" not in params["tools"][0]


OLD = {"json_schema", "system_role"}
NEW = {"temperature", "top_p", "top_k", "budget", "prefill"}


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("claude-2.1", OLD),
        ("claude-3-5-haiku-20241022", OLD),
        ("claude-3-7-sonnet-latest", OLD),
        ("claude-opus-4-20250514", OLD),
        ("claude-sonnet-4-0", OLD),
        ("claude-opus-4-1-20250805", {"system_role"}),
        ("claude-sonnet-4-5-20250929", {"system_role"}),
        ("claude-haiku-4-5", {"system_role"}),
        ("claude-opus-4-6", {"system_role", "prefill"}),
        ("claude-opus-4-7", NEW | {"system_role"}),
        ("claude-opus-4-8", NEW),
        ("claude-sonnet-5", NEW),
        ("claude-haiku-5-5", NEW),
        ("claude-fable-5-1", NEW),
    ],
)
def test_refusals(model: str, refused: set[str]) -> None:
    """The table says what each model refuses."""
    assert refuses(model) == refused


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"temperature": 0.5}, "leave out `--temperature`"),
        ({"params": {"top_k": 5}}, "leave out `--param top_k`"),
        ({"params": {"system": "A"}}, "`--param system` cannot be set"),
        (
            {
                "model": "claude-3-opus-20240229",
                "mode": "json_schema",
                "answer_schema": SCHEMA,
            },
            "use `--mode tools`",
        ),
        (
            {
                "mode": "tools",
                "model": "claude-sonnet-4-5",
                "answer_schema": SCHEMA,
                "params": {"thinking": THINKING},
            },
            "which `thinking` does not allow",
        ),
        (
            {
                "model": "claude-sonnet-4-5",
                "params": {"thinking": {**THINKING, "budget_tokens": 9999}},
            },
            "`thinking.budget_tokens` must be below `max_tokens`",
        ),
        (
            {"answer_schema": SCHEMA, "params": {"output_config": FORMAT}},
            "`--param output_config.format` cannot be set",
        ),
        ({"endpoint": "/v1/responses"}, "Anthropic has no endpoint '/v1/responses'"),
    ],
)
def test_refused_before_sending(asked: dict[str, Any], said: str) -> None:
    """What the model is known to refuse is refused here, with the way out."""
    with pytest.raises(InputError) as caught:
        _line(**asked)
    assert said in str(caught.value)
