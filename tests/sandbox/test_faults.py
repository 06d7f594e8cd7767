"""Fault files: what they may say, and how mistakes in them are reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright.errors import InputError
from batchwright.sandbox import Faults, Sandbox, load_faults

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "faults").iterdir())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.name))
def test_an_example_is_valid_and_commented(path: Path) -> None:
    """Every example loads, does something, and explains itself."""
    assert load_faults(path) != Faults()
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_there_are_five_examples() -> None:
    """Network, creation, batches, lines and answers have an example each."""
    assert len(EXAMPLES) == 5


def test_nothing_given_is_no_fault(tmp_path: Path) -> None:
    """None, an empty mapping and an empty file all mean the same."""
    empty = tmp_path / "faults.yaml"
    empty.touch()
    assert load_faults(None) == load_faults({}) == load_faults(empty) == Faults()


def test_json_is_read_like_yaml(tmp_path: Path) -> None:
    """A fault file may be JSON."""
    path = tmp_path / "faults.json"
    path.write_text('{"seed": 5}', encoding="utf-8")
    assert load_faults(str(path)).seed == 5


MISTAKES: list[tuple[Any, str]] = [
    ({"sed": 1}, "sed: Extra inputs are not permitted"),
    ({"calls": [{"do": "explode"}]}, "calls.0.do"),
    ({"calls": [{"do": "status", "status": 200}]}, "calls.0.status"),
    ({"batches": [{"answers": [{"kind": "odd"}]}]}, "batches.0.answers.0.kind"),
    ({"batches": [{"ran": 2}]}, "batches.0.ran"),
    ([1], "the whole"),
]


@pytest.mark.parametrize(("faults", "word"), MISTAKES)
def test_a_mistake_names_its_field(faults: Any, word: str) -> None:
    """The error is one sentence that says where to look."""
    with pytest.raises(InputError, match=word):
        load_faults(faults)


@pytest.mark.parametrize(
    "content",
    [
        *(None, "a: [", b"\xff", "seed: 2020-99-99", "seed: .inf", "calls: &a [*a]"),
        *("seed: !!int x", "{1: 2}", "seed: " + "[" * 3000 + "]" * 3000),
        "a: &a [x, x]\n" + "".join(f"b{n}: &a [*a, *a]\n" for n in range(40)),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, content: Any) -> None:
    """No file, no YAML or no UTF-8 is an error that names the path."""
    path = tmp_path / "faults.yaml"
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif content:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"faults\.yaml"):
        load_faults(path)


def test_faults_are_checked_before_the_server_starts() -> None:
    """A sandbox with wrong faults cannot even be made."""
    with pytest.raises(InputError):
        Sandbox(faults={"unknown": 1})
