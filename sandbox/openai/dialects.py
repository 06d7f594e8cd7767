"""The services that use OpenAI's files and batches, as the sandbox plays them.

A table of the sandbox's own: it is held against the clients' table in
`providers/openai/dialects.py` by tests, and against the services' own SDKs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

__all__ = ["DIALECTS", "Dialect", "dialect_of"]

_TIMES = ("created_at", "in_progress_at", "finalizing_at", "completed_at", "failed_at")
_ENDS = ("expires_at", "expired_at", "cancelling_at", "cancelled_at")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one service differs from OpenAI."""

    name: str
    base_path: str
    base_url_variable: str
    sdk_path: str | None = None
    """What that variable holds, for an SDK that adds the rest of `base_path`."""
    key_variable: str
    endpoints: tuple[str, ...] = ("/v1/chat/completions",)
    windows: tuple[str, ...] = ("24h",)
    url_prefix: str = "/v1"
    """What an endpoint begins with, in request lines and batches."""
    names_url: bool = True
    """Whether request lines have `method` and `url`."""
    pager: str = "after"
    """`after`, `cursor` (by `paging.next_cursor`), or `none`: a bare array."""
    keeps_metadata: bool = True
    metadata_names: frozenset[str] | None = None
    """The only pairs that are kept; None: all."""
    purpose: str = "batch"
    takes_expiry: bool = True
    pending_looks: int = 0
    """How many looks at a new file say `pending`; a batch of it is refused until the
    last."""
    refuses_at_create: bool = False
    """Whether a batch over the limit of enqueued tokens is refused by the create call,
    instead of failing after it."""
    takes_key: bool = False
    """Whether `idempotency_key` makes a second create call return the first batch."""
    request_params: bool = False
    has_batches: bool = True
    """Whether it has OpenAI's `/batches`, or only its files and lines."""
    file_members: dict[str, Any] = field(default_factory=dict)
    """Members of a file that OpenAI does not have."""
    created_in: str | None = None
    """The member of a create call's answer that is the batch."""
    two_step_upload: bool = False
    shouts: bool = False
    """Whether a status is written in capitals."""
    iso_times: bool = False
    left_out: frozenset[str] = field(default_factory=frozenset)
    """Members that a batch does not have."""

    def path_of(self, endpoint: str) -> str:
        """Return what the service calls an endpoint of OpenAI's."""
        return self.url_prefix + endpoint.removeprefix("/v1")

    def present(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return a batch object as the service shows it."""
        shown = {
            name: value for name, value in batch.items() if name not in self.left_out
        }
        if self.shouts:
            shown["status"] = str(shown["status"]).upper()
        if self.iso_times:
            for name in (*_TIMES, *_ENDS):
                if shown.get(name) is not None:
                    moment = datetime.fromtimestamp(shown[name], UTC)
                    shown[name] = moment.isoformat().replace("+00:00", "Z")
        if not self.keeps_metadata:
            shown.pop("metadata", None)
        elif self.metadata_names is not None and shown.get("metadata"):
            pairs = shown["metadata"].items()
            shown["metadata"] = {k: v for k, v in pairs if k in self.metadata_names}
        return shown


_CHAT_AND_EMBEDDINGS = ("/v1/chat/completions", "/v1/embeddings")

_TABLE = (
    Dialect(
        name="openai",
        base_path="/openai/v1",
        base_url_variable="OPENAI_BASE_URL",
        key_variable="OPENAI_API_KEY",
        endpoints=(),
    ),
    Dialect(
        name="azure",
        base_path="/azure/openai/v1",
        base_url_variable="AZURE_OPENAI_ENDPOINT",
        sdk_path="/azure",
        key_variable="AZURE_OPENAI_API_KEY",
        endpoints=("/v1/chat/completions", "/v1/responses"),
        pending_looks=1,
        refuses_at_create=True,
        iso_times=True,
    ),
    Dialect(
        name="groq",
        base_path="/groq/openai/v1",
        base_url_variable="GROQ_BASE_URL",
        sdk_path="/groq",
        key_variable="GROQ_API_KEY",
        windows=("24h", "48h", "72h", "96h", "120h", "144h", "168h", "7d"),
        pager="cursor",
        takes_expiry=False,
    ),
    Dialect(
        name="deepinfra",
        base_path="/deepinfra/v1/openai",
        base_url_variable="DEEPINFRA_BASE_URL",
        key_variable="DEEPINFRA_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
    ),
    Dialect(
        name="dashscope",
        base_path="/dashscope/compatible-mode/v1",
        base_url_variable="DASHSCOPE_BASE_URL",
        key_variable="DASHSCOPE_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
        windows=("24h", "48h", "7d", "14d", "336h"),
        metadata_names=frozenset(
            {"ds_name", "ds_description", "ds_batch_finish_callback"}
        ),
        takes_expiry=False,
    ),
    Dialect(
        name="doubleword",
        base_path="/doubleword/v1",
        base_url_variable="DOUBLEWORD_BASE_URL",
        key_variable="DOUBLEWORD_API_KEY",
        endpoints=("/v1/chat/completions", "/v1/responses", "/v1/embeddings"),
        windows=("24h", "1h", "background"),
    ),
    Dialect(
        name="kimi",
        base_path="/kimi/v1",
        base_url_variable="MOONSHOT_BASE_URL",
        key_variable="MOONSHOT_API_KEY",
        keeps_metadata=False,
        takes_expiry=False,
    ),
    Dialect(
        name="zhipu",
        base_path="/zhipu/api/paas/v4",
        base_url_variable="ZHIPUAI_BASE_URL",
        key_variable="ZHIPUAI_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
        url_prefix="/v4",
        takes_expiry=False,
    ),
    Dialect(
        name="parasail",
        base_path="/parasail/v1",
        base_url_variable="PARASAIL_BASE_URL",
        key_variable="PARASAIL_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
        keeps_metadata=False,
        takes_expiry=False,
    ),
    Dialect(
        name="nebius",
        base_path="/nebius/v1",
        base_url_variable="NEBIUS_BASE_URL",
        key_variable="NEBIUS_API_KEY",
        keeps_metadata=False,
        takes_expiry=False,
    ),
    Dialect(
        name="together",
        base_path="/together/v1",
        base_url_variable="TOGETHER_BASE_URL",
        sdk_path="/together",
        key_variable="TOGETHER_API_KEY",
        names_url=False,
        pager="none",
        keeps_metadata=False,
        purpose="batch-api",
        takes_expiry=False,
        created_in="job",
        two_step_upload=True,
        shouts=True,
        iso_times=True,
        left_out=frozenset({"request_counts", "errors", "usage", "object"}),
    ),
    Dialect(
        name="voyage",
        base_path="/voyage/v1",
        base_url_variable="VOYAGE_BASE_URL",
        key_variable="VOYAGE_API_KEY",
        endpoints=("/v1/embeddings",),
        windows=("12h",),
        names_url=False,
        takes_expiry=False,
        request_params=True,
        iso_times=True,
    ),
    Dialect(
        name="mistral",  # its jobs are in `sandbox/mistral/`
        base_path="/mistral/v1",
        base_url_variable="MISTRAL_BASE_URL",
        sdk_path="/mistral",
        key_variable="MISTRAL_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
        names_url=False,
        takes_expiry=False,
        request_params=True,
        has_batches=False,
        file_members={
            "sample_type": "batch_request",
            "source": "upload",
            "deleted": False,
        },
    ),
    Dialect(
        name="ogx",
        base_path="/ogx/v1",
        base_url_variable="OGX_BASE_URL",
        key_variable="OGX_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
        takes_key=True,
    ),
    Dialect(
        name="aibrix",
        base_path="/aibrix/v1",
        base_url_variable="AIBRIX_BASE_URL",
        key_variable="AIBRIX_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
        keeps_metadata=False,
        takes_expiry=False,
    ),
    Dialect(
        name="llm-d",
        base_path="/llm-d/v1",
        base_url_variable="LLM_D_BASE_URL",
        key_variable="LLM_D_API_KEY",
        endpoints=_CHAT_AND_EMBEDDINGS,
        windows=("24h", "1h", "7d", "30d"),
        keeps_metadata=False,
    ),
)

DIALECTS = {dialect.name: dialect for dialect in _TABLE}


def dialect_of(request: Request) -> Dialect:
    """Return the service that a request was sent to."""
    return DIALECTS[request.state.vendor.name]
