"""Tests of the house: who may import whom, and what stands where."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = (
    "cli",
    "console",
    "flows",
    "tasks",
    "runs",
    "data",
    "sandbox",
    "providers",
    "models",
    "settings",
    "errors",
)
"""From top to bottom; an import may only go down, or stay in its layer."""

LIBRARIES = {
    "prefect": ("flows/", "tasks/"),
    "typer": ("cli.py", "console/"),
    "openai": ("providers/openai/",),
    "anthropic": ("providers/anthropic/",),
}
"""Who alone may import what."""

FOLDERS = (
    "console",
    "data",
    "flows",
    "models",
    "providers",
    "runs",
    "sandbox",
    "tasks",
)


def _sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every imported module, absolute, function bodies included."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield node.module or "", node.lineno
                continue
            base = ("batchwright", *package)[: len(package) + 2 - node.level]
            stem = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{stem}.{alias.name}", node.lineno


def _layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", _sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    """A layer knows the ones below it and none above."""
    if path == ROOT / "__init__.py":
        return  # lazy names at the very top
    rank = LAYERS.index(_layer(path))
    for name, line in _imports(path):
        if name.startswith("batchwright."):
            target = name.split(".")[1]
            assert LAYERS.index(target) >= rank, f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", _sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_libraries_stay_in_their_place(path: Path) -> None:
    """Prefect, Typer and each vendor's SDK are known to one part only."""
    where = path.relative_to(ROOT).as_posix()
    for name, line in _imports(path):
        allowed = LIBRARIES.get(name.split(".")[0])
        if allowed is not None:
            assert where.startswith(allowed), f"{path}:{line} imports {name}"


def test_nothing_imports_a_layer_bare() -> None:
    """`import flows` would load a second copy of the package's modules."""
    tests = [
        path
        for folder in ("tests", "examples", "benchmarks", "deployments")
        for path in (ROOT / folder).rglob("*.py")
    ]
    for path in [*_sources(), *tests]:
        for name, line in _imports(path):
            assert name.split(".")[0] not in LAYERS, f"{path}:{line} imports {name}"


def test_the_root_holds_no_stray_module() -> None:
    """A module at the root would ship in the wheel as `batchwright.<name>`."""
    found = {path.name for path in ROOT.glob("*.py")}
    assert found == {"__init__.py", "cli.py", "errors.py", "settings.py"}


def test_every_package_is_listed() -> None:
    """A folder that is not named in pyproject.toml is missing from the wheel."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(config["tool"]["setuptools"]["packages"])
    folders = {
        "batchwright." + ".".join(path.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == folders | {"batchwright"}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path


@pytest.mark.parametrize("path", _sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_idea(path: Path) -> None:
    """Nobody scrolls through more than 300 lines; the command line has many options."""
    limit = 600 if path.name == "cli.py" else 300
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


PUBLIC = [
    path
    for path in _sources()
    if path.name == "__init__.py" or not path.name.startswith("_")
]


def _is_command(node: ast.stmt) -> bool:
    """Whether Typer calls it by its name on the command line, and nobody else."""
    decorators = getattr(node, "decorator_list", [])
    return any(".command(" in ast.unparse(each) for each in decorators)


@pytest.mark.parametrize("path", PUBLIC, ids=lambda p: str(p.relative_to(ROOT)))
def test_public_names_are_explicit_and_real(path: Path) -> None:
    """`__all__` holds each public function and class of a module, and what exists."""
    dotted = ("batchwright", *path.relative_to(ROOT).with_suffix("").parts)
    module = import_module(".".join(dotted).removesuffix(".__init__"))
    defined = {
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not _is_command(node)
    }
    names = getattr(module, "__all__", ())
    assert defined <= set(names)
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(module, name), name
