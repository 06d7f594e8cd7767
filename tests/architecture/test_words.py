"""Tests of the words: plain terms, one for each thing, in code and on screen."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from batchwright.console.views import print_batches_of, print_runs
from batchwright.models import Anomaly, BatchLine, ErrorGroup, Outcome, RunReport
from batchwright.models.event import EventKind
from batchwright.runs.report.markdown import markdown

ROOT = Path(__file__).parents[2]
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
SOURCES = sorted(
    [
        *ROOT.glob("*.py"),
        *(path for each in FOLDERS for path in (ROOT / each).rglob("*.py")),
    ]
)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]

REPLACED = {
    r"unit(?! vector)|units(?= (?:that|whose|which)\b)": "shard",
    r"foreign(?! key)": "stray line, not ours, of another provider",
    r"piles?": "store, block",
    r"lays? out|laid(?: out)?": "encode, arrange",
    r"neighbou?r(?:s|ing)?": "consecutive, next to, other runs under the root",
    r"(?:bring|brings|bringing|brought) home": "download",
    r"land|lands|landed|landing": "download, be on disk",
    r"mend|mends|mended": "fix",
    r"vain": "useless, unused",
    r"whosever|whoso": "any",
    r"nobody's": "none, no known",
    r"troubles?": "failure, error",
    r"gate": "middleware, check",
    r"passing (?:reason|failure|error)s?": "temporary",
    r"looks at the provider|(?:failed|each|per) looks?": "status check",
    r"it stands|they stand|stands there|what stands": "is, status, state",
    r"(?:make|no|is) room|room is left": "space, capacity",
}
"""What reads as a riddle, or is a second word for one thing, and what to say."""

ORDINARY = {
    "age",
    "archived",
    "at",
    "completed",
    "cost",
    "created",
    "ended",
    "error",
    "example",
    "expires",
    "failed",
    "file",
    "id",
    "state",
    "status",
    "time",
    "total",
    "usd",
}
"""Words of table headings that need no definition."""


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield comments, and strings of more than one word, with their lines."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and re.search(r"\w\s+\w", text):
            yield node.lineno, text


@cache
def _prose() -> list[tuple[str, str]]:
    """Return the lines of all strings, comments and pages, with their places."""
    found = [(path, *each) for path in SOURCES for each in _strings(path)]
    found += [(path, 1, path.read_text(encoding="utf-8")) for path in PAGES]
    return [
        (f"{path.relative_to(ROOT)}:{number}", re.sub(r"`[^`]+`", "", line))
        for path, first, text in found
        for number, line in enumerate(text.split("\n"), first)
    ]


def _plainer(text: str) -> list[str]:
    """Return each word in a text that has a plainer one, and that one."""
    return [
        f"{found[0]!r}: say {better}"
        for word, better in REPLACED.items()
        for found in re.finditer(rf"\b(?:{word})\b", text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("room", [*FOLDERS, "docs", ""])
def test_plain_words_are_used(room: str) -> None:
    """No docstring, comment, message or page has a word that has a plainer one."""
    places = [
        f"{place} {said}"
        for place, line in _prose()
        if place.rpartition("/")[0].split("/")[0] == room
        for said in _plainer(line)
    ]
    assert not places, "\n".join(places)


def _terms() -> set[str]:
    """Return the words that docs/concepts.md defines."""
    text = (ROOT / "docs/concepts.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^## Terms\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    terms = re.findall(r"^\| (?!term\b)([\w ]+) \|", table, re.MULTILINE)
    return {word for term in terms for word in term.split()}


def _report() -> RunReport:
    """Return a report in which every table has a row."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    line = {"unit": "shards/00000", "attempt": 0, "batch_id": "b", "requests": 2}
    return RunReport(
        run_dir="run",
        state="done",
        provider="openai",
        model="m",
        synthetic=False,
        output="out.csv",
        rows=2,
        outcomes={Outcome.SUCCEEDED: 1, Outcome.ERRORED: 1},
        batches=(BatchLine.model_validate(line | {"provider_status": "completed"}),),
        rounds=0,
        input_tokens=1,
        output_tokens=1,
        cache_read_tokens=0,
        cache_write_tokens=0,
        cost_usd=0.1,
        errors=(
            ErrorGroup(outcome=Outcome.ERRORED, error="e", count=1, example_row=1),
        ),
        missing=Anomaly(count=1, first_ids=("a",)),
        duplicate=Anomaly(count=1, first_ids=("a",)),
        foreign=Anomaly(count=1, first_ids=("a",)),
        started_at=now,
        ended_at=now,
    )


def _keys(path: Path) -> set[str]:
    """Return the keys of all dictionaries in a source file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }


def _headings(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Return the headings of all tables of a run: commands, report, artifact."""
    found = _keys(ROOT / "runs/report/batch_table.py")
    for show in (lambda: print_runs([_report()]), lambda: print_batches_of(_report())):
        show()
        found |= set(re.split(r"  +", capsys.readouterr().out.splitlines()[1]))
    lines = markdown(_report()).splitlines()
    heads = [line for line, rule in pairwise(lines) if rule.startswith("|-")]
    return found | {cell.strip() for head in heads for cell in head.split("|")[1:-1]}


def test_headings_are_defined_words(capsys: pytest.CaptureFixture[str]) -> None:
    """A column is called what docs/concepts.md calls the thing in it."""
    known = _terms() | ORDINARY | {str(outcome) for outcome in Outcome}
    headings = _headings(capsys)
    assert len(headings) > 10
    for heading in headings:
        for word in re.findall(r"\w+", heading.lower()):
            assert {word, word.removesuffix("s"), word.removesuffix("es")} & known, (
                heading
            )


def test_events_and_titles_are_plain_words() -> None:
    """Nor has the kind of an event, or a title of `report.md`."""
    titles = re.findall(r"^#+ (.+)$", markdown(_report()), re.MULTILINE)
    assert len(titles) > 5
    for text in [*get_args(EventKind), *titles]:
        assert not _plainer(text), text
