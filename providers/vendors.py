"""The vendors that batchwright knows, and how they are found.

Vendors of other packages come in through the entry point group
`batchwright.providers`; each entry point refers to a `Vendor` and has its name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

import orjson

from ..errors import InputError
from ..models import LineError
from .base import WRONG_PROVIDER, Format, Provider, Vendor
from .lines import outline

__all__ = [
    "ANTHROPIC",
    "DEFAULT_PROVIDER",
    "OPENAI",
    "PROVIDERS",
    "VENDORS",
    "get_format",
    "get_provider",
    "get_vendor",
    "split_model",
    "vendors",
    "wrong_vendor",
]

_GROUP = "batchwright.providers"

# Result lines as the APIs write them; any other spelling is parsed.
_OPENAI_RESULT = re.compile(
    rb'\{"id":"[^"]*","custom_id":"[^"]*","(?:response|error)":'
)
_ANTHROPIC_RESULT = re.compile(rb'\{"custom_id":"[^"]*","result":\{')


def _is_openai_result(line: bytes) -> bool:
    if _OPENAI_RESULT.match(line):
        return True
    record = _object(line)
    is_other = "custom_id" not in record or isinstance(record.get("result"), dict)
    return not is_other and ("response" in record or "error" in record)


def _is_anthropic_result(line: bytes) -> bool:
    if _ANTHROPIC_RESULT.match(line):
        return True
    record = _object(line)
    return "custom_id" in record and isinstance(record.get("result"), dict)


def _object(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line; an empty one where it is anything else."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return outline(line)
    return value if isinstance(value, dict) else {}


OPENAI = Vendor(
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
    batch_id_prefixes=("batch_",),
    creation="token",
    one_model_per_batch=True,
    one_endpoint_per_batch=True,
    keeps_metadata=True,
    price_id="openai",
    # https://platform.openai.com/docs/guides/batch, read 2026-11-23; cached input too.
    batch_discount=0.5,
    completion_windows=("24h",),
    is_result=_is_openai_result,
    is_request=lambda line: "body" in line and "params" not in line,
    format="batchwright.providers.openai.format:OpenAIFormat",
    client="batchwright.providers.openai.client:OpenAIProvider",
)

ANTHROPIC = Vendor(
    name="anthropic",
    title="Anthropic",
    sdk="anthropic",
    key_variables=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    base_url="https://api.anthropic.com",
    base_url_variable="ANTHROPIC_BASE_URL",
    endpoints=("/v1/messages",),
    model_prefixes=("claude",),
    batch_id_prefixes=("msgbatch_",),
    creation="candidates",
    price_id="anthropic",
    # https://platform.claude.com/docs/en/build-with-claude/batch-processing, read
    # 2026-11-23; prompt caching too.
    batch_discount=0.5,
    completion_windows=("24h",),
    is_result=_is_anthropic_result,
    is_request=lambda line: "params" in line and "body" not in line,
    format="batchwright.providers.anthropic.format:AnthropicFormat",
    client="batchwright.providers.anthropic.client:AnthropicProvider",
)

VENDORS = {vendor.name: vendor for vendor in (OPENAI, ANTHROPIC)}
"""The vendors that come with batchwright, by name."""

PROVIDERS = tuple(VENDORS)
DEFAULT_PROVIDER = OPENAI.name


def vendors() -> Iterator[Vendor]:
    """Yield all vendors; those of other packages are looked for only at the end.

    Raises:
        InputError: An installed package offers one that cannot be loaded.
    """
    yield from VENDORS.values()
    yield from _installed(tuple(sys.path)).values()


def get_vendor(name: str) -> Vendor:
    """Return a vendor by its name.

    Raises:
        InputError: There is none of this name.
    """
    found = VENDORS.get(name) or _installed(tuple(sys.path)).get(name)
    if found is None:
        known = ", ".join(vendor.name for vendor in vendors())
        raise InputError(f"Unknown provider {name!r}: it is one of {known}.")
    return found


def wrong_vendor(line: bytes, vendor: Vendor) -> LineError | None:
    """Return the problem of a request line that is written for another vendor."""
    request = _object(line)
    if not request or vendor.is_request(request):
        return None
    for other in vendors():
        if other.is_request(request):
            text = f"This is a request for {other.title}: use --provider {other.name}."
            return LineError(code=WRONG_PROVIDER, message=text)
    return None


def split_model(model: str) -> tuple[str, str]:
    """Return provider and model name: `claude...` is Anthropic's.

    `NAME/...` says it outright for a vendor of that name; any other slash belongs to
    the model's name.
    """
    prefix, slash, rest = model.partition("/")
    if slash and (prefix in VENDORS or prefix in _installed(tuple(sys.path))):
        return prefix, rest
    for vendor in vendors():
        if vendor.model_prefixes and model.startswith(vendor.model_prefixes):
            return vendor.name, model
    return DEFAULT_PROVIDER, model


def get_format(name: str, base_url: str | None = None) -> Format:
    """Return the wire format of a provider, without loading its SDK.

    `base_url` says which service answers: one that imitates a vendor may want other
    parameter names. None reads the vendor's variable.
    """
    fmt: Format = _load(get_vendor(name).format)(base_url)
    return fmt


def get_provider(
    name: str, base_url: str | None = None, api_key: str | None = None
) -> Provider:
    """Return a provider with its client.

    None leaves `base_url` and `api_key` to the vendor's environment variables.

    Raises:
        MissingKeyError: No key was given and none is set.
    """
    provider: Provider = _load(get_vendor(name).client)(base_url, api_key)
    return provider


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


@lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> dict[str, Vendor]:
    """Load the vendors of the packages on `path`; our own names are left out."""
    del path  # that another path may have others is all that matters
    from importlib.metadata import entry_points  # noqa: PLC0415 - 25 ms

    found = {}
    for point in entry_points(group=_GROUP):
        if point.name in VENDORS:
            continue
        try:
            vendor = point.load()
        except Exception as exc:
            raise InputError(
                f"The provider {point.name!r} of an installed package cannot be loaded"
                f" from {point.value}: {exc}. Update or uninstall the package."
            ) from exc
        if not isinstance(vendor, Vendor) or vendor.name != point.name:
            raise InputError(
                f"The entry point {point.name!r} in group {_GROUP!r} must refer to a"
                f" `Vendor` of this name, but {point.value} is {vendor!r}."
            )
        found[point.name] = vendor
    return found
