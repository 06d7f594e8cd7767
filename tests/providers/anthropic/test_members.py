"""The table of members, compared with the types of the SDK that is installed."""

from __future__ import annotations

from typing import Literal, get_args, get_origin, get_type_hints

from anthropic.types import OutputConfigParam
from anthropic.types.beta import message_create_params as beta
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from batchwright.providers.anthropic.models import MEMBERS, RANGES, WORDS

GONE = {*RANGES, "output_format"}
"""What the API still takes for some models or with a beta, and the SDK has no more."""
HEADERS = {"betas"}
"""What the SDK sends as headers."""


def _words(hint: object) -> set[str]:
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return set().union(*map(_words, get_args(hint)))


def test_members_are_those_of_the_sdk() -> None:
    """No member is missing, and only what left the types is there beyond them."""
    known = get_type_hints(MessageCreateParamsNonStreaming).keys()
    betas = get_type_hints(beta.MessageCreateParamsNonStreaming).keys()
    assert (known | betas) - HEADERS == MEMBERS - GONE
    assert not GONE & (known | betas)


def test_words_are_those_of_the_sdk() -> None:
    """Service tiers and efforts are what the SDK's types say."""
    hints = get_type_hints(MessageCreateParamsNonStreaming)
    inner = get_type_hints(OutputConfigParam)
    assert set(WORDS["service_tier",]) == _words(hints["service_tier"])
    assert set(WORDS["output_config", "effort"]) == _words(inner["effort"])
