"""What is installed and set on this machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from ..providers import vendors
from ..settings import get_settings

__all__ = ["facts"]

_PACKAGES = ("batchwright", "prefect", "fastapi", "pydantic")
_PREFECT = ("PREFECT_API_URL", "that of Prefect's profile, else an embedded server")


def facts() -> list[tuple[str, str]]:
    """Return names and values, in the order in which they are shown; no keys."""
    known = tuple(vendors())
    sdks = [vendor.sdk for vendor in known if vendor.sdk]
    keys = [name for vendor in known for name in vendor.key_variables]
    keys += [name for vendor in known for name in vendor.secret_variables]
    addresses = [(vendor.base_url_variable, vendor.base_url) for vendor in known]
    home = os.environ.get("PREFECT_HOME") or str(Path.home() / ".prefect")
    return [
        ("Python", platform.python_version()),
        *((name, version(name)) for name in (*_PACKAGES, *sdks)),
        *((name, "set" if os.environ.get(name) else "not set") for name in keys),
        *(
            (name, os.environ.get(name) or f"not set: {default}")
            for name, default in (*addresses, _PREFECT)
        ),
        ("BATCHWRIGHT_RUNS_DIR", _folder(get_settings().runs_dir)),
        ("PREFECT_HOME", _folder(home)),
    ]


def _folder(location: str) -> str:
    """Say whether a folder can be written; nothing is created to find out."""
    if "://" in location:
        return location
    path = Path(location).absolute()
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return f"{path} (cannot be written)"
    return str(path) if path.exists() else f"{path} (made when needed)"
