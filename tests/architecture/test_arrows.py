"""Tests of the house: who may import whom, and what stands where."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = (
    "__main__",
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
    "mistralai": ("providers/mistral/",),
    "boto3": ("providers/bedrock/", "sandbox/bedrock/"),
    "botocore": ("providers/bedrock/", "sandbox/bedrock/"),
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
SUITE = "batchwright.providers.conformance"
"""A test suite that ships with the package: it runs whole pipelines."""


@cache
def _sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def _name(path: Path) -> str:
    """Return the dotted name of a source file."""
    parts = ("batchwright", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


@cache
def _modules() -> frozenset[str]:
    return frozenset(map(_name, _sources()))


@cache
def _imports(path: Path) -> list[tuple[str, int]]:
    """Return every imported module, absolute, function bodies included."""
    found = []
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                found.append((node.module or "", node.lineno))
                continue
            base = ("batchwright", *package)[: len(package) + 2 - node.level]
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found += [(f"{stem}.{alias.name}", node.lineno) for alias in node.names]
    return found


def _own_imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the modules of the package that a file imports names from."""
    for name, line in _imports(path):
        found = name if name in _modules() else name.rpartition(".")[0]
        if found in _modules() and found != "batchwright":
            yield found, line


def _layer(name: str) -> str:
    return name.split(".")[1]


def _room(name: str) -> str:
    """Return the sub-folder of a module; a module right in a layer is its own."""
    return ".".join(name.split(".")[:3])


def test_imports_go_down_only() -> None:
    """A layer knows the ones below it and none above."""
    for path in _sources():
        name = _name(path)
        if name == "batchwright" or name.startswith(SUITE):
            continue  # lazy names at the very top
        rank = LAYERS.index(_layer(name))
        for target, line in _own_imports(path):
            is_below = LAYERS.index(_layer(target)) >= rank
            assert is_below, f"{path}:{line} imports {target}"


def test_no_room_imports_itself_through_another() -> None:
    """Sub-folders, and the modules beside them, have an order from top to bottom."""
    graph: dict[str, set[str]] = {}
    for path in _sources():
        name = _name(path)
        if name == "batchwright" or name.startswith(SUITE):
            continue
        targets = {_room(target) for target, _ in _own_imports(path)}
        graph.setdefault(_room(name), set()).update(targets - {_room(name)})
    _assert_acyclic(graph)


def test_no_module_imports_itself_through_another() -> None:
    """There is no circle of modules, not even a lazily imported one."""
    graph = {
        _name(path): {target for target, _ in _own_imports(path)} - {_name(path)}
        for path in _sources()
        if path.name != "__init__.py" and not _name(path).startswith(SUITE)
    }
    _assert_acyclic(graph)


def _assert_acyclic(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        pytest.fail(" -> ".join(exc.args[1]))


def test_the_sandbox_judges_by_itself() -> None:
    """Of the providers it shares nothing, no table either."""
    for path in (ROOT / "sandbox").rglob("*.py"):
        for target, line in _own_imports(path):
            assert _layer(target) != "providers", f"{path}:{line} imports {target}"


def test_libraries_stay_in_their_place() -> None:
    """Prefect, Typer and each vendor's SDK are known to one part only."""
    for path in _sources():
        where = path.relative_to(ROOT).as_posix()
        for name, line in _imports(path):
            allowed = LIBRARIES.get(name.split(".")[0], ("",))
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


def test_no_test_imports_a_private_module() -> None:
    """Tests hold to what other rooms may use as well."""
    for path in (ROOT / "tests").rglob("*.py"):
        for name, line in _imports(path):
            private = name.startswith("batchwright.") and "._" in name
            assert not private, f"{path}:{line} imports {name}"


def test_a_sub_folder_is_private_enough() -> None:
    """Inside a sub-folder no module needs an underscore."""
    for path in _sources():
        if len(path.relative_to(ROOT).parts) > 2:
            assert path.name == "__init__.py" or not path.name.startswith("_"), path


def test_the_root_holds_no_stray_module() -> None:
    """A module at the root would ship in the wheel as `batchwright.<name>`."""
    found = {path.name for path in ROOT.glob("*.py")}
    assert found == {
        "__init__.py",
        "__main__.py",
        "cli.py",
        "errors.py",
        "settings.py",
    }


def test_every_package_is_listed() -> None:
    """A folder that is not named in pyproject.toml is missing from the wheel."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(config["tool"]["setuptools"]["packages"])
    folders = {
        _name(path)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    copied = ("batchwright.deployments", "batchwright.examples")  # by `init`
    assert {name for name in listed if not name.startswith(copied)} == folders | {
        "batchwright"
    }
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path


def test_a_file_holds_one_idea() -> None:
    """Nobody scrolls through more than 300 lines."""
    for path in _sources():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def _is_command(node: ast.stmt) -> bool:
    """Whether Typer calls it by its name on the command line, and nobody else."""
    decorators = getattr(node, "decorator_list", [])
    return any(".command(" in ast.unparse(each) for each in decorators)


def test_public_names_are_explicit_and_real() -> None:
    """`__all__` holds each public function and class of a module, and what exists."""
    for path in _sources():
        if path.name.startswith("_") and path.name != "__init__.py":
            continue
        module = import_module(_name(path))
        defined = {
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not _is_command(node)
        }
        names = getattr(module, "__all__", ())
        assert defined <= set(names), path
        assert len(set(names)) == len(names), path
        for name in names:
            assert hasattr(module, name), f"{path}: {name}"
