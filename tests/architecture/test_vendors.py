"""Tests of what the house knows of vendors: nothing but their records."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_VENDOR = re.compile(r"\b(openai|anthropic)\b")
_FOLDERS = ("console", "data", "flows", "models", "runs", "tasks")
_MOST = 3
"""Lines for the flag `--use-anthropic`, which the documentation names."""


def _literals(path: Path) -> list[str]:
    """Return the places where a string is a vendor's name, prose left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and _VENDOR.fullmatch(text.strip().lower()):
            found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_no_vendor_is_named_outside_the_providers() -> None:
    """All that differs between vendors is asked of the `Vendor` record."""
    files = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py")]
    files += ROOT.glob("*.py")
    found = [place for path in files for place in _literals(path)]
    assert len(found) <= _MOST, found
