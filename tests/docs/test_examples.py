"""Tests of the documentation: what it shows runs, what it links to exists.

Blocks of `bash` and `python` on a page run from top to bottom in one folder that
holds a copy of `examples/`, against the sandbox; shell variables live on from block
to block. An HTML comment on the line before a block changes that:

    <!-- file: NAME -->        the block is written to NAME
    <!-- not run: REASON -->   the block needs what a test must not have
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchwright.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(
    r"^(?:<!-- (?P<word>file|not run): (?P<value>.+?) -->\n)?"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

_SHELL = """
set -euo pipefail
if [ -f "$STATE" ]; then . "$STATE"; fi
set -a
{text}
set +a
export -p > "$STATE"
"""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    line: int
    language: str
    text: str
    file: str | None
    skipped: bool

    @property
    def runs(self) -> bool:
        """Whether it is a command or a script that a test may run."""
        return (
            self.language in {"bash", "python"}
            and self.file is None
            and not self.skipped
        )


def _blocks(page: Path) -> Iterator[Block]:
    source = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(source):
        yield Block(
            line=source.count("\n", 0, found.start("text")) + 1,
            language=found["language"],
            text=found["text"],
            file=found["value"] if found["word"] == "file" else None,
            skipped=found["word"] == "not run",
        )


def _command(block: Block, folder: Path) -> list[str]:
    if block.language == "bash":
        return ["bash", "-c", _SHELL.format(text=block.text)]
    script = folder / f"example_{block.line}.py"
    script.write_text(block.text, encoding="utf-8")
    return [sys.executable, str(script)]


def _has_examples(page: Path) -> bool:
    return any(block.runs for block in _blocks(page))


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [*filter(_has_examples, PAGES)], ids=_name)
def test_every_example_runs(
    page: Path, tmp_path: Path, sandbox: Any, prefect_server: str
) -> None:
    """Each block ends well, after the ones before it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PREFECT_API_URL": prefect_server,
        "BATCHWRIGHT_RUNS_DIR": str(tmp_path / "batchwright-runs"),
        "STATE": str(tmp_path / ".state"),
    }
    for block in _blocks(page):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
            continue
        if not block.runs:
            continue
        done = subprocess.run(
            _command(block, tmp_path),
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (
            f"{_name(page)}:{block.line} ended with {done.returncode}\n"
            f"{done.stdout}\n{done.stderr}"
        )


def test_every_python_example_type_checks(tmp_path: Path) -> None:
    """`mypy --strict` has nothing to say about what users copy.

    It takes 3 s after `make types`, whose cache it uses, and half a minute else.
    """
    shutil.copytree(ROOT / "examples", tmp_path, dirs_exist_ok=True)
    for page in PAGES:
        for block in _blocks(page):
            if block.language == "python":
                stem = page.stem.lower().replace("-", "_")
                path = tmp_path / (block.file or f"{stem}_{block.line}.py")
                path.write_text(block.text, encoding="utf-8")
    subprocess.run(["/usr/bin/env", "make", "-s", "typings"], cwd=ROOT, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *sorted(map(str, tmp_path.rglob("*.py")))],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *PAGES[1:]], ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files that a page names exist, and so do the headings in them."""
    source = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for target, anchor in _LINK.findall(source):
        path = (page.parent / target) if target else page
        assert path.exists(), f"{_name(page)} links to {target}"
        if anchor:
            headings = _HEADING.findall(path.read_text(encoding="utf-8"))
            assert anchor in map(_anchor, headings), f"{_name(page)}: #{anchor}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_setting_is_documented() -> None:
    """Whoever wonders what can be set finds all of it on one page."""
    text = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`BATCHWRIGHT_{name.upper()}`" in text, name
