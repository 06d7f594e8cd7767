"""What docs/sandbox.md says is so."""

from __future__ import annotations

import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from batchwright.sandbox import faults, load_faults

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
MODELS = [
    model
    for model in vars(faults).values()
    if isinstance(model, type) and issubclass(model, BaseModel)
]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def _words(annotation: Any) -> set[str]:
    """Return every word that a `Literal` inside an annotation allows."""
    if typing.get_origin(annotation) is typing.Literal:
        return {str(word) for word in typing.get_args(annotation)}
    inner = [_words(each) for each in typing.get_args(annotation)]
    return set().union(*inner)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.__name__))
def test_every_field_and_word_is_documented(model: type[BaseModel]) -> None:
    """Whatever a fault file may say stands on the page, in backticks."""
    for name, field in model.model_fields.items():
        for word in {name} | _words(field.annotation):
            assert re.search(rf"`{word}\b", PAGE), f"{word} of {model.__name__}"


def test_the_test_example_runs(tmp_path: Path) -> None:
    """The example for users' tests passes as a file of its own."""
    (example,) = [block for block in _blocks("python") if "def test_" in block]
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_fault_example_is_valid(tmp_path: Path) -> None:
    """The YAML on the page loads."""
    (example,) = _blocks("yaml")
    path = tmp_path / "faults.yaml"
    path.write_text(example, encoding="utf-8")
    assert load_faults(path).calls[0].do == "drop"
