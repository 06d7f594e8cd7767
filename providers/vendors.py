"""The vendors that batchwright knows, and how they are found.

Vendors of other packages come in through the entry point group
`batchwright.providers`; each entry point refers to a `Vendor` and has its name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

from ..errors import InputError
from ..models import LineError
from .base import WRONG_PROVIDER, Format, Provider
from .lines import object_of
from .vendor import Vendor

__all__ = [
    "DEFAULT_PROVIDER",
    "PROVIDERS",
    "VENDORS",
    "asker",
    "get_format",
    "get_provider",
    "get_vendor",
    "split_model",
    "vendors",
    "wrong_vendor",
]

_GROUP = "batchwright.providers"

# Named as strings, as the vendors of other packages are: no client is loaded, and
# nothing in those folders can depend on what is known of all vendors.
_TABLES = (
    ".openai.dialects",
    ".anthropic.record",
    ".gemini.record",
    ".openrouter.record",
    ".mistral.record",
    ".bedrock.record",
)


def _own() -> Iterator[Vendor]:
    for name in _TABLES:
        yield from import_module(name, __package__).VENDORS


VENDORS = {vendor.name: vendor for vendor in _own()}
"""The vendors that come with batchwright, by name."""

PROVIDERS = tuple(VENDORS)
DEFAULT_PROVIDER = PROVIDERS[0]


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
    request = object_of(line)
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
        return prefix, rest.removeprefix(get_vendor(prefix).model_path)
    for vendor in vendors():
        name = model.removeprefix(vendor.model_path)
        if vendor.model_prefixes and name.startswith(vendor.model_prefixes):
            return vendor.name, name
    return DEFAULT_PROVIDER, model


def get_format(name: str, base_url: str | None = None) -> Format:
    """Return the wire format of a provider, without loading its SDK.

    `base_url` says which service answers: one that imitates a vendor may want other
    parameter names. None reads the vendor's variable.
    """
    vendor = get_vendor(name)
    fmt: Format = _load(vendor.format)(base_url, vendor=vendor)
    return fmt


def get_provider(
    name: str, base_url: str | None = None, api_key: str | None = None
) -> Provider:
    """Return a provider with its client.

    None leaves `base_url` and `api_key` to the vendor's environment variables.

    Raises:
        MissingKeyError: No key was given and none is set.
    """
    vendor = get_vendor(name)
    provider: Provider = _load(vendor.client)(base_url, api_key, vendor=vendor)
    return provider


def asker(provider: Provider, model: str) -> Callable[[bytes], bytes]:
    """Return `provider.ask`, told the model where request lines do not name it."""
    if get_vendor(provider.name).names_model:
        return provider.ask
    return partial(provider.ask, model=model)


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
