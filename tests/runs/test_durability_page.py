"""Tests of docs/durability.md: each promise names tests, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/durability.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?!what holds|---)(.+) \| (.+) \|$", PAGE, re.MULTILINE)


def test_every_promise_is_shown_by_tests_that_exist() -> None:
    """A promise whose test is renamed or removed cannot stay as it is."""
    assert len(ROWS) > 20
    for promise, proof in ROWS:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", proof)
        assert named, promise
        for path, name in named:
            source = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^ *def {name}\(", source, re.MULTILINE), (
                f"{path}::{name}"
            )
