"""What is installed and set on this machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from ..settings import get_settings

__all__ = ["facts"]

_PACKAGES = ("batchwright", "prefect", "fastapi", "openai", "anthropic", "pydantic")
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_WEBHOOK_SECRET")
_ADDRESSES = {
    "OPENAI_BASE_URL": "https://api.openai.com/v1",
    "ANTHROPIC_BASE_URL": "https://api.anthropic.com",
    "PREFECT_API_URL": "that of Prefect's profile, else an embedded server",
}


def facts() -> list[tuple[str, str]]:
    """Return names and values, in the order in which they are shown; no keys."""
    home = os.environ.get("PREFECT_HOME") or str(Path.home() / ".prefect")
    return [
        ("Python", platform.python_version()),
        *((name, version(name)) for name in _PACKAGES),
        *((name, "set" if os.environ.get(name) else "not set") for name in _KEYS),
        *(
            (name, os.environ.get(name) or f"not set: {default}")
            for name, default in _ADDRESSES.items()
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
