"""Classes that are loaded from a file, while other threads run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import ModuleType
from typing import Literal

import pytest
from pydantic import BaseModel

from batchwright.data.answers.import_model import import_model

_THREADS = 8
_TEXT = """
from __future__ import annotations
from pathlib import Path
from pydantic import BaseModel

with Path(__file__).with_suffix(".runs").open("a") as runs:
    runs.write("run ")


class Label(BaseModel):
    part: Part


class Part(BaseModel):
    n: int
"""


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A file that counts how often it is run."""
    path = tmp_path / "labels.py"
    path.write_text(_TEXT)
    return path


@pytest.fixture
def growing_modules() -> Iterator[None]:
    """Import something else whenever a few objects were made."""
    names: list[str] = []

    def grow(phase: Literal["start", "stop"], _info: dict[str, int]) -> None:
        if phase == "start":
            names.append(f"_batchwright_test_{len(names)}")
            sys.modules[names[-1]] = ModuleType(names[-1])

    before = gc.get_threshold()
    gc.callbacks.append(grow)
    gc.set_threshold(1)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(grow)
    for name in names:
        del sys.modules[name]


def test_threads_share_the_class_of_a_file_that_runs_once(model_file: Path) -> None:
    """As the tasks of one flow do, which may start at the same moment."""
    together = Barrier(_THREADS)

    def load(_: int) -> type[BaseModel]:
        together.wait()
        return import_model(f"{model_file}:Label")

    with ThreadPoolExecutor(_THREADS) as pool:
        classes = set(pool.map(load, range(_THREADS)))

    assert len(classes) == 1
    assert classes.pop().model_validate({"part": {"n": 1}})
    assert model_file.with_suffix(".runs").read_text() == "run "


@pytest.mark.usefixtures("growing_modules")
def test_what_is_imported_meanwhile_does_no_harm(model_file: Path) -> None:
    """Modules come and go in other threads while the loaded ones are looked through."""
    assert import_model(f"{model_file}:Label").__name__ == "Label"
