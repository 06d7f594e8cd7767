"""What is installed and set on this machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from ..settings import get_settings

__all__ = ["facts"]

_PACKAGES = ("batchwright", "prefect", "fastapi", "openai", "anthropic", "pydantic")
_URLS = {
    "OPENAI_BASE_URL": "https://api.openai.com/v1",
    "ANTHROPIC_BASE_URL": "https://api.anthropic.com",
    "PREFECT_API_URL": "an embedded server, started when needed",
}
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_WEBHOOK_SECRET")


def facts() -> dict[str, str]:
    """Return names and values, in the order in which they are shown; no keys."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    found |= {name: "set" if os.environ.get(name) else "not set" for name in _KEYS}
    found |= {
        name: os.environ.get(name) or f"{default} (default)"
        for name, default in _URLS.items()
    }
    settings = get_settings()
    found["BATCHWRIGHT_RUNS_DIR"] = settings.runs_dir
    found["PREFECT_HOME"] = os.environ.get("PREFECT_HOME") or "~/.prefect (default)"
    return found
