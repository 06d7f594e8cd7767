"""OpenAI's record, and what a record says of a vendor that uses its wire format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from ..base import Limits
from ..lines import object_of
from ..vendor import Vendor

__all__ = ["OPENAI", "Dialect", "limits_of"]

# Result lines as most services write them; any other spelling is parsed.
_RESULT = re.compile(rb'\{"id":"[^"]*","custom_id":"[^"]*","(?:response|error)":')


@dataclass(frozen=True, kw_only=True)
class Dialect(Vendor):
    """A vendor whose batches are made like OpenAI's."""

    limits: Limits
    url_prefix: str = "/v1"
    """What the `url` of a request line begins with."""
    names_url: bool = True
    """Whether a request line has `method` and `url`."""
    pager: Literal["after", "cursor", "none"] = "after"
    """What asks for the next page of the list of batches: the last batch's ID, or
    `paging.next_cursor` of the page before; `none`: the list comes whole."""
    file_purpose: str = "batch"
    file_days: tuple[int, int] | None = (1, 30)
    """How long an uploaded file is kept, at least and at most, if an expiry is asked
    for; None: no expiry can be asked for."""
    waits_for_file: bool = False
    """Whether an uploaded file must become `processed` before a batch may use it."""
    token_name: str = "batchwright"  # noqa: S105 - the name of a metadata pair
    """The metadata pair that holds the token of a creation."""
    created_in: str | None = None
    """The member of a create call's answer that is the batch; None: the answer is."""
    request_params: bool = False
    """Whether the model is a parameter of the batch instead of each line."""
    document_urls: bool = False
    """Whether a PDF is a part `document_url`, in place of `file`."""
    own_members: frozenset[str] = frozenset()
    """Members of a request body that OpenAI does not know."""
    expired_keeps_results: bool | None = None
    """Whether a batch that expires keeps what was answered; None: not known. Results
    are looked for all the same."""
    max_tokens: str | None = "max_tokens"
    """What limits the answer of a chat request; None: as OpenAI's model calls it."""
    links_only: bool = False
    """Whether images and files must be links, and not inside the request."""
    structured: tuple[str, ...] = ("json_schema", "tools")
    """The ways to ask for structured output that it knows, the best one first."""
    source: str
    checked: str = "2026-11-28"


def _is_result(line: bytes) -> bool:
    if _RESULT.match(line):
        return True
    record = object_of(line)
    is_other = "custom_id" not in record or isinstance(record.get("result"), dict)
    return not is_other and ("response" in record or "error" in record)


def _is_request(line: dict[str, Any]) -> bool:
    return "body" in line and "params" not in line


def limits_of(max_requests: int, megabytes: int, source: str) -> Limits:
    """Return limits whose bytes are given in millions."""
    return Limits(
        max_requests=max_requests, max_bytes=megabytes * 1_000_000, source=source
    )


OPENAI = Dialect(
    name="openai",
    title="OpenAI",
    sdk="openai",
    key_variables=("OPENAI_API_KEY",),
    secret_variables=("OPENAI_WEBHOOK_SECRET",),
    base_url="https://api.openai.com/v1",
    base_url_variable="OPENAI_BASE_URL",
    endpoints=("/v1/chat/completions", "/v1/responses", "/v1/embeddings"),
    endpoint_of_prefix={"text-embedding-": "/v1/embeddings"},
    model_prefixes=("gpt-", "chatgpt-", "ft:gpt-", "text-embedding-"),
    model_has_slash=False,
    key_prefixes=("sk-proj-", "sk-svcacct-"),
    batch_id_prefixes=("batch_",),
    creation="token",
    one_model_per_batch=True,
    one_endpoint_per_batch=True,
    keeps_metadata=True,
    price_id="openai",
    # https://platform.openai.com/docs/guides/batch, read 2026-11-23; cached input too.
    batch_discount=0.5,
    completion_windows=("24h",),
    is_result=_is_result,
    is_request=_is_request,
    format="batchwright.providers.openai.format:OpenAIFormat",
    client="batchwright.providers.openai.client:OpenAIProvider",
    limits=limits_of(
        50_000,
        200,
        "https://platform.openai.com/docs/api-reference/batch/create, as of November"
        " 2026",
    ),
    expired_keeps_results=True,
    max_tokens=None,
    source="https://platform.openai.com/docs/guides/batch",
)
