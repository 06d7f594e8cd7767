"""Where requests go: the address and the path of the API."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from ..errors import InputError
from ..models import Endpoint
from ..providers import get_vendor, vendors
from ..providers.address import checked_url, is_own

__all__ = [
    "base_url_for",
    "endpoint_for",
    "known_endpoint",
    "refuse_foreign_model",
    "window_for",
]

_NOWHERE = "http://localhost"
"""What a sandbox run records for a vendor without an address of its own."""


def base_url_for(provider: str, base_url: str | None, *, synthetic: bool) -> str:
    """Return where requests go: as given, or as the SDK would read it.

    A sandbox run ignores the environment; its server has no fixed address.

    Raises:
        InputError: It is no HTTP address, or holds a password.
    """
    vendor = get_vendor(provider)
    if synthetic:
        found = base_url or vendor.base_url or _NOWHERE
    else:
        found = vendor.address(base_url)
        if not found and (unset := vendor.unset_variables()):
            raise InputError(
                f"Where {vendor.title} answers is not known: set {', '.join(unset)}."
            )
    checked_url(found, vendor.base_url_variable)
    return found


def known_endpoint(path: Endpoint) -> Endpoint:
    """Return the path, if any vendor has this endpoint.

    Raises:
        PydanticCustomError: None has it.
    """
    if not any(path in vendor.endpoints for vendor in vendors()):
        known = dict.fromkeys(each for vendor in vendors() for each in vendor.endpoints)
        raise PydanticCustomError(
            "endpoint", "Input should be one of {known}", {"known": ", ".join(known)}
        )
    return path


def endpoint_for(provider: str, model: str, endpoint: Endpoint | None) -> str:
    """Return the endpoint that a model is reached at.

    Raises:
        InputError: The provider has no such endpoint.
    """
    vendor = get_vendor(provider)
    if endpoint is None:
        return vendor.endpoint_for(model)
    if endpoint in vendor.endpoints:
        return endpoint
    others = [other.name for other in vendors() if endpoint in other.endpoints]
    hint = f", or name the model `{others[0]}/...`" if others else ""
    raise InputError(f"{vendor.title} has no endpoint {endpoint}; drop it{hint}.")


def window_for(provider: str, window: str | None) -> str | None:
    """Return the completion window, if the provider has it; None asks for none.

    Raises:
        InputError: It has no such window.
    """
    vendor = get_vendor(provider)
    if window is None or vendor.has_window(window):
        return window
    words = list(vendor.completion_windows)
    if vendor.window_hours:
        words.append("{}h to {}h".format(*vendor.window_hours))
    raise InputError(
        f"{vendor.title} has no completion window {window!r}, only"
        f" {', '.join(words)}; change --completion-window."
    )


def refuse_foreign_model(provider: str, model: str, base_url: str) -> None:
    """Refuse the model name of a vendor that is not known, at one that has no such.

    Raises:
        InputError: It names the providers that there are.
    """
    vendor = get_vendor(provider)
    prefix, slash, _ = model.partition("/")
    if not slash or vendor.model_has_slash or not is_own(base_url, vendor):
        return
    known = ", ".join(each.name for each in vendors())
    raise InputError(
        f"{vendor.title} has no model {model!r}, and {prefix!r} is no known provider:"
        f" it is one of {known}. For another service, set {vendor.base_url_variable}."
    )
