"""The batch APIs that batchwright speaks, each behind one protocol.

Vendors of other packages are found through the entry point group
`batchwright.providers`; each entry point stands for a `Vendor` and has its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import orjson

from ..errors import InputError
from ..models import LineError
from .anthropic.vendor import VENDOR as _ANTHROPIC
from .base import (
    WRONG_PROVIDER,
    Encode,
    Format,
    Limits,
    Progress,
    Provider,
    Vendor,
)
from .openai.vendor import VENDOR as _OPENAI

__all__ = [
    "DEFAULT_PROVIDER",
    "PROVIDERS",
    "VENDORS",
    "Encode",
    "Format",
    "Limits",
    "Progress",
    "Provider",
    "Vendor",
    "get_format",
    "get_provider",
    "get_vendor",
    "split_model",
    "vendors",
    "wrong_vendor",
]

VENDORS = {vendor.name: vendor for vendor in (_OPENAI, _ANTHROPIC)}
"""The vendors that come with batchwright, by name."""

PROVIDERS = tuple(VENDORS)
DEFAULT_PROVIDER = _OPENAI.name

_GROUP = "batchwright.providers"


def vendors() -> Iterator[Vendor]:
    """Yield all vendors; those of other packages are looked for only at the end.

    Raises:
        InputError: An installed package offers one that cannot be loaded.
    """
    yield from VENDORS.values()
    yield from _installed().values()


def get_vendor(name: str) -> Vendor:
    """Return a vendor by its name.

    Raises:
        InputError: There is none of this name.
    """
    found = VENDORS.get(name) or _installed().get(name)
    if found is None:
        known = ", ".join(vendor.name for vendor in vendors())
        raise InputError(f"Unknown provider {name!r}: it is one of {known}.")
    return found


def wrong_vendor(line: bytes, vendor: Vendor) -> LineError | None:
    """Return the problem of a request line that is written for another vendor."""
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(request, dict) or vendor.is_request(request):
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
    if slash and (prefix in VENDORS or prefix in _installed()):
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


@cache
def _installed() -> dict[str, Vendor]:
    """Load the vendors of other packages; those of our own names are left out."""
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
                f"The entry point {point.name!r} in group {_GROUP!r} must stand for a"
                f" `Vendor` of this name, but {point.value} is {vendor!r}."
            )
        found[point.name] = vendor
    return found
