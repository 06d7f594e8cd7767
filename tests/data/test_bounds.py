"""Tests of `data.bounds`: what a cost limit can be kept for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright.data.bounds import most_output_tokens, refuse_fetched_parts
from batchwright.data.job import BatchJob
from batchwright.data.prompts.prompt import Prompt
from batchwright.data.resolve import resolve
from batchwright.errors import InputError
from batchwright.models import RequestTemplate


def resolved(folder: Path, **options: Any) -> RequestTemplate:
    """Return what a job under a cost limit sends."""
    (folder / "in.csv").write_text("text\nx\n", encoding="utf-8")
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.csv"),
        **{"model": "gpt-5-mini", "prompt": "{{ text }}", "max_cost_usd": 1} | options,
    )
    return resolve(job).template


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({"max_tokens": 100}, 100),
        ({"max_tokens": 100, "params": {"n": 5}}, 500),
        ({"max_tokens": 100, "params": {"max_completion_tokens": 9000}}, 9000),
        ({"params": {"max_output_tokens": 64}, "endpoint": "/v1/responses"}, 64),
        ({"max_tokens": 10, "params": {"max_tokens": 70, "best_of": 2}}, 140),
        ({"model": "text-embedding-3-small"}, 0),
        ({"max_tokens": 5, "params": {"tools": [{"type": "function"}]}}, 5),
        ({"max_tokens": 5, "params": {"tools": [{"functionDeclarations": []}]}}, 5),
    ],
)
def test_the_output_has_a_bound(
    options: dict[str, Any], tokens: int, tmp_path: Path
) -> None:
    """All limits of the job and all copies of an answer count."""
    if "embedding" in options.get("model", ""):
        options = {**options, "endpoint": "/v1/embeddings"}
    assert most_output_tokens(resolved(tmp_path, **options)) == tokens


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"n": None}, "`--param n` must be a whole number"),
        ({"n": 2.5}, "`--param n` must be a whole number"),
        ({"max_completion_tokens": None}, "`--param max_completion_tokens` must be"),
        ({"max_output_tokens": "many"}, "`--param max_output_tokens` must be"),
        ({"tools": [{"type": "web_search"}]}, "`--param tools` the tokens"),
        ({"tools": [{"googleSearch": {}}]}, "`--param tools` the tokens"),
        ({"previous_response_id": "r"}, "`--param previous_response_id` the tokens"),
    ],
)
def test_what_has_no_bound_is_refused_with_a_cap(
    params: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """One sentence names the parameter and the way out; without a cap it is sent."""
    with pytest.raises(InputError, match="--max-cost-usd") as caught:
        resolved(tmp_path, params=params, max_tokens=10)
    assert said in str(caught.value)
    assert resolved(tmp_path, params=params, max_cost_usd=None).params == params


def test_a_cap_needs_a_limit_of_tokens(tmp_path: Path) -> None:
    """Without one an answer may cost any amount."""
    with pytest.raises(InputError, match="needs --max-tokens"):
        resolved(tmp_path)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_image", "image_url": "http://example.com/a.png"},
        {"type": "file", "file": {"file_id": "https-less"}},
        {"type": "document", "source": {"type": "url", "url": "https://e.com/a.pdf"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/a"}}}},
    ],
)
def test_what_the_provider_fetches_is_refused_with_a_cap(part: dict[str, Any]) -> None:
    """Nobody knows the size of an image or a file that is not in the request."""
    text = {"type": "text", "text": "https://example.com is only text"}
    data = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    refuse_fetched_parts([{"role": "user", "content": [text, data]}])
    messages = [{"role": "user", "content": [text, part]}]
    with pytest.raises(InputError, match="fetched by the provider"):
        refuse_fetched_parts(messages)
    with pytest.raises(InputError, match="fetched by the provider"):
        Prompt([], own_messages=True, bounded=True)({"messages": messages})
