"""The vendors that use OpenAI's files and batches, and how each deviates.

`source` says where the facts of a row are from, and `guesses` names the fields that no
page confirms. What these services answer is read tolerantly; where a mistake could pay
twice, an unclear answer counts as no answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .record import OPENAI, limits_of

__all__ = ["OTHER", "VENDORS", "is_bare_request"]

_CHAT = ("/v1/chat/completions",)
_CHAT_AND_EMBEDDINGS = ("/v1/chat/completions", "/v1/embeddings")


def is_bare_request(line: dict[str, Any]) -> bool:
    """Whether this is a request line without `method` and `url`."""
    return OPENAI.is_request(line) and "url" not in line


OTHER = replace(
    OPENAI,
    sdk=None,
    secret_variables=(),
    endpoints=_CHAT,
    endpoint_of_prefix={},
    model_prefixes=(),
    model_has_slash=True,
    key_prefixes=(),
    batch_id_prefixes=(),
    price_id=None,
    expired_keeps_results=None,
    max_tokens="max_tokens",
)
"""What most services share; each row says what differs."""

_SELF_HOSTED = replace(
    OTHER,
    base_url="",
    endpoints=_CHAT_AND_EMBEDDINGS,
    key_is_optional=True,
    batch_discount=None,
)

AZURE = replace(
    OTHER,
    name="azure",
    title="Azure OpenAI",
    key_variables=("AZURE_OPENAI_API_KEY",),
    base_url="",
    base_url_variable="AZURE_OPENAI_ENDPOINT",
    base_path="/openai/v1",
    endpoints=("/v1/chat/completions", "/v1/responses"),
    price_id="azure",
    client="batchwright.providers.openai.azure:AzureProvider",
    limits=limits_of(
        100_000,
        200,
        "https://learn.microsoft.com/azure/foundry/openai/how-to/batch, August 2026",
    ),
    file_days=(14, 30),
    waits_for_file=True,
    max_tokens=None,
    source="https://learn.microsoft.com/azure/foundry/openai/how-to/batch",
)

GROQ = replace(
    OTHER,
    name="groq",
    title="Groq",
    key_variables=("GROQ_API_KEY",),
    key_prefixes=("gsk_",),
    base_url="https://api.groq.com/openai/v1",
    base_url_variable="GROQ_BASE_URL",
    base_path="/openai/v1",
    price_id="groq",
    window_hours=(24, 168),
    limits=limits_of(50_000, 200, "https://console.groq.com/docs/batch"),
    pager="cursor",
    expired_keeps_results=True,
    file_days=None,
    source="https://console.groq.com/docs/batch; groq 1.7.0",
    guesses=("file_days",),
)

DEEPINFRA = replace(
    OTHER,
    name="deepinfra",
    title="DeepInfra",
    key_variables=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
    base_url="https://api.deepinfra.com/v1/openai",
    base_url_variable="DEEPINFRA_BASE_URL",
    endpoints=_CHAT_AND_EMBEDDINGS,
    batch_discount=0.8,
    limits=limits_of(50_000, 200, "https://docs.deepinfra.com/batch"),
    source="https://docs.deepinfra.com/batch",
)

DASHSCOPE = replace(
    OTHER,
    name="dashscope",
    title="DashScope",
    key_variables=("DASHSCOPE_API_KEY",),
    base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    base_url_variable="DASHSCOPE_BASE_URL",
    endpoints=_CHAT_AND_EMBEDDINGS,
    batch_id_prefixes=("file-batch-",),
    window_hours=(24, 336),
    limits=limits_of(
        50_000, 500, "https://help.aliyun.com/model-studio/batch-interfaces"
    ),
    file_days=None,
    token_name="ds_name",  # noqa: S106 - the name of a metadata pair
    source="https://help.aliyun.com/model-studio/batch-interfaces-compatible",
)

DOUBLEWORD = replace(
    OTHER,
    name="doubleword",
    title="Doubleword",
    key_variables=("DOUBLEWORD_API_KEY",),
    base_url="https://api.doubleword.ai/v1",
    base_url_variable="DOUBLEWORD_BASE_URL",
    endpoints=("/v1/chat/completions", "/v1/responses", "/v1/embeddings"),
    price_id="doubleword",
    batch_discount=None,
    completion_windows=("24h", "1h", "background"),
    limits=limits_of(50_000, 100, "doublewordai/control-layer, its default settings"),
    source="https://github.com/doublewordai/control-layer at 062af86d",
)

KIMI = replace(
    OTHER,
    name="kimi",
    title="Kimi",
    key_variables=("MOONSHOT_API_KEY",),
    base_url="https://api.moonshot.ai/v1",
    base_url_variable="MOONSHOT_BASE_URL",
    price_id="moonshotai",
    batch_discount=0.6,
    limits=limits_of(50_000, 100, "not stated; the smallest of similar services"),
    file_days=None,
    source="https://platform.kimi.ai/docs/guide/use-batch-inference",
    guesses=("keeps_metadata", "limits", "file_days"),
    creation="candidates",
)

ZHIPU = replace(
    OTHER,
    name="zhipu",
    title="Zhipu",
    key_variables=("ZHIPUAI_API_KEY", "ZAI_API_KEY"),
    base_url="https://open.bigmodel.cn/api/paas/v4",
    base_url_variable="ZHIPUAI_BASE_URL",
    endpoints=_CHAT_AND_EMBEDDINGS,
    price_id="zhipuai",
    limits=limits_of(10_000, 100, "zai-sdk 0.2.3: 50,000 for chat, 10,000 embeddings"),
    url_prefix="/v4",
    file_days=None,
    source="zai-sdk 0.2.3",
    guesses=("file_days",),
)

PARASAIL = replace(
    OTHER,
    name="parasail",
    title="Parasail",
    key_variables=("PARASAIL_API_KEY",),
    base_url="https://api.parasail.io/v1",
    base_url_variable="PARASAIL_BASE_URL",
    endpoints=_CHAT_AND_EMBEDDINGS,
    creation="candidates",
    keeps_metadata=False,
    limits=limits_of(50_000, 100, "not stated; the smallest of similar services"),
    file_days=None,
    source="https://docs.parasail.io; openai-batch on the Python Package Index",
    batch_discount=None,
    guesses=("keeps_metadata", "limits", "file_days"),
)

NEBIUS = replace(
    OTHER,
    name="nebius",
    title="Nebius",
    key_variables=("NEBIUS_API_KEY",),
    base_url="https://api.tokenfactory.nebius.com/v1",
    base_url_variable="NEBIUS_BASE_URL",
    creation="candidates",
    keeps_metadata=False,
    limits=limits_of(50_000, 100, "not stated; the smallest of similar services"),
    file_days=None,
    source="https://docs.tokenfactory.nebius.com",
    batch_discount=None,
    guesses=("keeps_metadata", "limits", "file_days"),
)

TOGETHER = replace(
    OTHER,
    name="together",
    title="Together",
    key_variables=("TOGETHER_API_KEY",),
    base_url="https://api.together.ai/v1",
    base_url_variable="TOGETHER_BASE_URL",
    base_path="/v1",
    creation="candidates",
    keeps_metadata=False,
    price_id="together",
    batch_discount=None,  # up to 50 %, on some models
    client="batchwright.providers.openai.together:TogetherProvider",
    limits=limits_of(50_000, 100, "https://docs.together.ai/docs/inference/batch"),
    names_url=False,
    is_request=is_bare_request,
    pager="none",
    created_in="job",
    file_purpose="batch-api",
    file_days=None,
    source="https://docs.together.ai/docs/inference/batch; together 3.1.1",
)

VOYAGE = replace(
    OTHER,
    name="voyage",
    title="Voyage",
    key_variables=("VOYAGE_API_KEY",),
    base_url="https://api.voyageai.com/v1",
    base_url_variable="VOYAGE_BASE_URL",
    endpoints=("/v1/embeddings",),
    price_id="voyageai",
    batch_discount=0.67,
    completion_windows=("12h",),
    limits=limits_of(100_000, 200, "https://docs.voyageai.com/docs/batch-inference"),
    names_url=False,
    is_request=is_bare_request,
    request_params=True,
    file_days=None,
    structured=(),
    source="https://docs.voyageai.com/docs/batch-inference",
    guesses=("batch_discount", "file_days"),
)

OGX = replace(
    _SELF_HOSTED,
    name="ogx",
    title="OGX",
    key_variables=("OGX_API_KEY",),
    base_url_variable="OGX_BASE_URL",
    creation="key",
    limits=limits_of(50_000, 200, "not stated; OpenAI's"),
    source="https://github.com/ogx-ai/ogx, April 2026",
    guesses=("limits",),
)

AIBRIX = replace(
    _SELF_HOSTED,
    name="aibrix",
    title="AIBrix",
    key_variables=("AIBRIX_API_KEY",),
    base_url_variable="AIBRIX_BASE_URL",
    limits=limits_of(50_000, 200, "not stated; OpenAI's"),
    source="https://aibrix.readthedocs.io",
    guesses=("keeps_metadata", "limits", "file_days"),
    file_days=None,
    creation="candidates",
)

LLM_D = replace(
    _SELF_HOSTED,
    name="llm-d",
    title="llm-d",
    key_variables=("LLM_D_API_KEY",),
    base_url_variable="LLM_D_BASE_URL",
    window_hours=(1, 720),
    limits=limits_of(50_000, 200, "not stated; OpenAI's"),
    source="https://github.com/llm-d/batch-gateway",
    guesses=("keeps_metadata", "limits"),
    creation="candidates",
)

VENDORS = (
    OPENAI,
    AZURE,
    GROQ,
    DEEPINFRA,
    DASHSCOPE,
    DOUBLEWORD,
    KIMI,
    ZHIPU,
    PARASAIL,
    NEBIUS,
    TOGETHER,
    VOYAGE,
    OGX,
    AIBRIX,
    LLM_D,
)
