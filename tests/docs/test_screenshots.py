"""Tests of the pictures: they show what a terminal shows today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "_screenshots", DOCS / "_screenshots.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_current(prefect_server: str) -> None:
    """`docs/img/*.svg` are what `python docs/_screenshots.py` draws."""
    drawn = _script().render({"PREFECT_API_URL": prefect_server})
    kept = {path.name: path.read_text("utf-8") for path in (DOCS / "img").glob("*.svg")}
    assert drawn.keys() == kept.keys()
    for name, picture in drawn.items():
        assert picture == kept[name], name
        assert len(picture) < 60_000, name
