"""Tests of the names in the documentation: files, folders, modules, attributes."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
MODULES = {"cli.py", "settings.py", "errors.py"}
EVENT = "batchwright.batch.ended"
"""A Prefect event, named like a module."""

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"\.?[\w-]+(?:/[\w.-]+)*/?")
_DOTTED = re.compile(r"batchwright(?:\.\w+)+")
_TREE = re.compile(r"```text\n(cli\.py .*?)```", re.DOTALL)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _codes(page: Path) -> list[str]:
    return _CODE.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))


def _paths(page: Path) -> list[str]:
    """Return the codes that are paths below the root; `NAME` stands for any name."""
    found = [code.partition("::")[0] for code in _codes(page)]
    top = {path.name for path in ROOT.iterdir()}
    return [
        path
        for path in found
        if _PATH.fullmatch(path)
        and "/" in path
        and path.partition("/")[0] in top
        and "NAME" not in path
    ]


def _resolve(dotted: str) -> Any:
    """Return the module or attribute of this name."""
    parent, _, name = dotted.rpartition(".")
    if not parent:
        return import_module(dotted)
    owner = _resolve(parent)
    if not hasattr(owner, name):
        return import_module(dotted)
    return getattr(owner, name)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_path_exists(page: Path) -> None:
    """A file or folder that a page names is in the repository."""
    missing = [path for path in _paths(page) if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_dotted_name_exists(page: Path) -> None:
    """A module, class or function that a page names can be imported."""
    names = {
        name for code in _codes(page) for name in _DOTTED.findall(code) if name != EVENT
    }
    for name in names:
        _resolve(name)


DATA = {"deployments", "examples"}
"""Folders that the wheel has for `batchwright init` to copy."""


def _listed(page: Path) -> set[str]:
    """Return the first word of each line of the tree that a page draws."""
    tree = _TREE.search(page.read_text(encoding="utf-8"))
    assert tree is not None
    return {line.split()[0] for line in tree[1].splitlines()}


def _folders() -> set[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = config["tool"]["setuptools"]["packages"]
    below = [name.split(".")[1:] for name in packages]
    return {"/".join(parts) + "/" for parts in below if parts and parts[0] not in DATA}


def test_the_readme_lists_every_layer() -> None:
    """Its tree has a line for each folder and module of the root, and no other."""
    layers = {folder for folder in _folders() if folder.count("/") == 1}
    assert _listed(ROOT / "README.md") == layers | MODULES


def test_the_layout_lists_every_package() -> None:
    """The tree in CONTRIBUTING has a line for each folder of code, and no other."""
    assert _listed(ROOT / "CONTRIBUTING.md") == _folders() | MODULES
