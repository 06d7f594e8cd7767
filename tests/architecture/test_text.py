"""Tests of what the files say: nothing about the machine they were written on."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_FORBIDDEN = re.compile(
    rb"/(?:root|work|farm)/|\.pyenv|index-url|registry\s*=\s*\"?https?:|file:///opt"
)
_SECRET = re.compile(rb"sk-(?:proj|ant-api)[0-9A-Za-z_-]{20,}")


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - git is where it is
        cwd=ROOT,
        capture_output=True,
        check=False,
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_no_file_names_this_machine() -> None:
    """No path of a developer's machine, no registry's address, no key."""
    this = Path(__file__)
    for path in _files():
        if path == this or not path.is_file():
            continue
        data = path.read_bytes()
        for pattern in (_FORBIDDEN, _SECRET):
            found = pattern.search(data)
            assert found is None, f"{path}: {found and found[0]!r}"


def test_constraints_are_names_and_versions_only() -> None:
    """A pinned file that works with any registry."""
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+", line), line


def test_the_changelog_starts_with_this_version() -> None:
    """The newest entry is the version that is built."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == config["project"]["version"]


@pytest.mark.parametrize("name", ["README.md"])
def test_the_readme_is_short(name: str) -> None:
    """A reader decides in a few screens."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert 20 < len(lines) < 150
