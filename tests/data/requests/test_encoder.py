"""Request lines encoded whole, and spliced from what no row changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.prompts.prompt import Prompt
from batchwright.data.requests.encoder import RowEncoder
from batchwright.errors import InputError
from batchwright.models import RequestTemplate
from batchwright.providers import Encode, get_format


def _encode(endpoint: Any, system: str | None = None) -> Encode:
    name = "anthropic" if endpoint == "/v1/messages" else "openai"
    limit = None if endpoint == "/v1/embeddings" else 16
    template = RequestTemplate(
        model="gpt-5-mini", endpoint=endpoint, system=system, max_tokens=limit
    )
    return get_format(name).encoder(template)


_ENDPOINTS = st.sampled_from(
    ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages"]
)
_VALUES = st.one_of(
    st.none(),
    st.text(),
    st.text("\\\"'\n\u2028{}\0"),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.text(), max_size=2),
)


@given(
    endpoint=_ENDPOINTS,
    system=st.none() | st.text(),
    texts=st.lists(
        st.sampled_from(["{{ a }}", "{{ b }}{{ a }}", 'Say "{{ b }}"\n', "Hi"]),
        min_size=1,
        max_size=3,
    ),
    in_parts=st.booleans(),
    rows=st.lists(
        st.fixed_dictionaries({"a": _VALUES}, optional={"b": _VALUES}),
        min_size=1,
        max_size=3,
    ),
    first=st.integers(0, 999_999_996) | st.sampled_from([998, 999, 1000, 99_998]),
)
def test_a_spliced_line_is_the_encoded_one(
    endpoint: str,
    system: str | None,
    texts: list[str],
    *,
    in_parts: bool,
    rows: list[dict[str, Any]],
    first: int,
) -> None:
    """Byte for byte, whatever the row holds; and what cannot be sent is refused."""
    contents: list[Any] = [
        [text, {"text": text}, {"type": "text", "text": text}] for text in texts
    ]
    filled = contents if in_parts else texts
    roles = ["system", "user", "assistant"][: len(filled)]
    prompt = Prompt(
        [
            {"role": role, "content": content}
            for role, content in zip(roles, filled, strict=True)
        ]
    )
    encode = _encode(endpoint, system)
    spliced = RowEncoder(prompt, encode, "row-%09d-0")
    assert _made(lambda: spliced(first, rows)) == _made(
        lambda: b"".join(
            encode(f"row-{row:09}-0", prompt(values))
            for row, values in enumerate(rows, first)
        )
    )


def _made(make: Callable[[], bytes]) -> bytes | str:
    """Return the line, or why there is none."""
    try:
        return make()
    except InputError as exc:
        return str(exc)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "{{ a | upper }}"}],
        [{"role": "{{ a }}", "content": "Hi"}],
        [{"role": "user", "content": [{"image": "{{ a }}"}]}],
        [
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "{{ a }}"}}],
            }
        ],
    ],
)
def test_more_than_text_is_encoded_whole(messages: list[dict[str, Any]]) -> None:
    """What a value may change the shape of is not cut at it."""
    assert Prompt(messages, folder=Path()).columns is None


def test_a_prompt_that_cannot_be_sent_is_said_of_a_row() -> None:
    """Half a character in the prompt itself is no fault of a made-up request."""
    prompt = Prompt([{"role": "user", "content": "\ud800 {{ a }}"}])
    make = RowEncoder(prompt, _encode("/v1/chat/completions"), "row-%09d")
    with pytest.raises(InputError, match="'row-000000007'"):
        make(7, [{"a": "x"}])
