"""API keys: where they are from, and which cannot be right."""

from __future__ import annotations

import os

from ...errors import MissingKeyError
from ..vendor import Vendor
from ..vendors import vendors

__all__ = ["NO_KEY", "checked_key", "key_name"]

NO_KEY = "no-key-is-set"
"""What is sent where no key is set; no word of a message, since keys are cut out of
these."""


def key_name(vendor: Vendor, key: str | None) -> str:
    """Return what a person calls the key: where it is from."""
    names = (name for name in vendor.key_variables if os.environ.get(name))
    name = next(names, vendor.key_variables[0])
    return "the key that was given" if key else f"the key in {name}"


def checked_key(vendor: Vendor, base_url: str, key: str | None) -> str:
    """Return the key to use: the one given, or of the first variable that is set."""
    found = key or next(filter(None, map(os.environ.get, vendor.key_variables)), "")
    found = found.strip()
    if not found and vendor.key_is_optional:
        return NO_KEY
    if not found:
        raise MissingKeyError(
            f"No API key for {vendor.title}: set {vendor.key_variables[0]}, or try"
            " `batchwright run --sandbox`, which needs none."
        )
    if not (found.isascii() and found.isprintable()) or " " in found:
        name = key_name(vendor, key)
        raise MissingKeyError(
            f"{name[0].upper()}{name[1:]} contains spaces or other characters that no"
            f" key of {vendor.title} has; set it again."
        )
    others = [each for each in vendors() if found.startswith(each.key_prefixes)]
    if others and vendor not in others and base_url == vendor.base_url:
        name = key_name(vendor, key)
        raise MissingKeyError(
            f"{name[0].upper()}{name[1:]} is one of {others[0].title}'s: set a key of"
            f" {vendor.title}, or use --provider {others[0].name}."
        )
    return found
