"""The fast decoding of Bedrock's lines agrees with the one that takes any line."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.providers.bedrock.decode import decode_line
from batchwright.providers.bedrock.plain import decode_plain

TEXTS = st.text(max_size=9) | st.sampled_from(
    ['"modelOutput":', '\\"modelOutput":{}', "```json\n{}\n```", "\U0001f600"]
)
COUNTS = st.integers(0, 99) | st.none() | st.sampled_from([-1, 2.5, 10**15])
BLOCKS = st.lists(
    st.fixed_dictionaries({"text": TEXTS})
    | st.just({"reasoningContent": {"reasoningText": {"text": "Hm."}}}),
    max_size=3,
)
OUTPUTS = st.fixed_dictionaries(
    {
        "output": st.fixed_dictionaries(
            {"message": st.fixed_dictionaries({"content": BLOCKS})}
        ),
        "stopReason": st.sampled_from(["end_turn", "max_tokens", "other"]),
        "usage": st.fixed_dictionaries(
            {"inputTokens": COUNTS, "outputTokens": COUNTS},
            optional={"cacheReadInputTokens": COUNTS},
        ),
    }
)
NAMES = TEXTS | st.just("modelOutput")
INPUTS = st.dictionaries(NAMES, TEXTS | st.just({}), max_size=2)


@given(output=OUTPUTS, asked=INPUTS, first=st.booleans())
def test_both_ways_of_decoding_agree(
    output: dict[str, Any], asked: dict[str, Any], *, first: bool
) -> None:
    """What the fast way takes, whatever stands in it, the other way reads the same."""
    pairs = [("modelInput", asked), ("modelOutput", output), ("recordId", "a")]
    line = orjson.dumps(dict(pairs if first else pairs[::-1]))
    found = decode_plain(line)
    assert found is None or found == decode_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"modelInput":{"modelOutput":{}},"recordId":"a"}',
        b'{"modelInput":{},"recordId":"a","error":{"errorCode":500}}',
        b'{"modelInput":{}}',
        b"{",
    ],
)
def test_other_lines_are_left(line: bytes) -> None:
    """A request that has such a member, or an error, is no answer."""
    assert decode_plain(line) is None
