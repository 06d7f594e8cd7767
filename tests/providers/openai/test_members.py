"""The table of members, compared with the types of the SDK that is installed."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from openai.types import completion_create_params as completions
from openai.types import embedding_create_params as embeddings
from openai.types.chat import completion_create_params as chat
from openai.types.responses import ResponseTextConfigParam
from openai.types.responses import response_create_params as responses
from openai.types.responses.easy_input_message_param import EasyInputMessageParam
from openai.types.shared_params import Reasoning

from batchwright.providers.openai.members import MEMBERS, NESTED, ROLES, Range

TYPES: dict[str, Any] = {
    "/v1/chat/completions": chat.CompletionCreateParamsNonStreaming,
    "/v1/responses": responses.ResponseCreateParamsNonStreaming,
    "/v1/embeddings": embeddings.EmbeddingCreateParams,
    "/v1/completions": completions.CompletionCreateParamsNonStreaming,
}
INNER: dict[str, Any] = {"reasoning": Reasoning, "text": ResponseTextConfigParam}


def _rule(hint: Any) -> Any:
    """Return what a type says of a member, as the table says it."""
    if get_origin(hint) is Literal:
        return frozenset(get_args(hint))
    if get_origin(hint) in {Union, UnionType}:
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return _rule(kinds[0]) if len(kinds) == 1 else None
    return hint


@pytest.mark.parametrize("endpoint", TYPES)
def test_members_are_those_of_the_sdk(endpoint: str) -> None:
    """No member is missing, and none is there that the SDK does not have."""
    assert MEMBERS[endpoint].keys() == get_type_hints(TYPES[endpoint]).keys()


@pytest.mark.parametrize("endpoint", TYPES)
def test_values_are_those_of_the_sdk(endpoint: str) -> None:
    """Words, flags, texts and numbers are what the SDK's types say they are."""
    hints = get_type_hints(TYPES[endpoint])
    for name, rule in MEMBERS[endpoint].items():
        found = _rule(hints[name])
        if isinstance(rule, Range):
            assert found is (int if rule.is_integer else float), name
        elif rule is not None:
            assert found == rule, name
        else:
            assert not isinstance(found, frozenset) or name == "stream", name


def test_nested_words_and_roles_are_those_of_the_sdk() -> None:
    """So are the words of inner members, and the roles of messages."""
    for (outer, inner), rule in NESTED.items():
        assert _rule(get_type_hints(INNER[outer])[inner]) == rule
    (kinds,) = get_args(get_type_hints(chat.CompletionCreateParamsBase)["messages"])
    roles = [_rule(get_type_hints(kind)["role"]) for kind in get_args(kinds)]
    assert frozenset().union(*roles) == ROLES["messages"]
    assert _rule(get_type_hints(EasyInputMessageParam)["role"]) == ROLES["input"]
