"""Results in the making, which a crash may cut off anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.sandbox.engine.results import WorkFile, write_lines
from batchwright.sandbox.faults import LineFaults


def _filled(path: Path) -> WorkFile:
    work = WorkFile(path)
    for number in range(5):
        kind = "errored" if number == 3 else "succeeded"
        work.add(kind, (number, 10), b'{"a b":%d}' % number)
    return work


@given(cut=st.integers(min_value=0, max_value=140))
def test_whole_lines_survive_a_crash(tmp_path: Path, cut: int) -> None:
    """Wherever the file was cut, the results before the cut are there again."""
    path = tmp_path / "work"
    path.unlink(missing_ok=True)
    _filled(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    work = WorkFile(path)
    assert len(work) == whole[:cut].count(b"\n")
    numbers = range(len(work))
    assert list(work.read(numbers)) == [b'{"a b":%d}' % n for n in numbers]
    assert work.input_tokens == sum(numbers)
    work.add("expired", (0, 0), b"{}")
    assert list(work.read([len(work) - 1])) == [b"{}"]
    work.close()


@pytest.mark.parametrize("count", [0, 2, 5, 9])
def test_later_results_can_be_given_up(tmp_path: Path, count: int) -> None:
    """Only the first ones stay, with their tokens and kinds."""
    work = _filled(tmp_path / "work")
    work.keep(count)
    kept = min(count, 5)
    assert len(work) == kept
    assert work.output_tokens == 10 * kept
    assert list(work.read(range(kept))) == [b'{"a b":%d}' % n for n in range(kept)]
    work.close()


def test_no_lines_make_an_empty_file(tmp_path: Path) -> None:
    """Where every line is missing, not even a newline is left."""
    path = tmp_path / "results"
    write_lines(path, [b"{}"], LineFaults(missing={"nth": [1]}), 0)  # type: ignore[arg-type]
    assert path.read_bytes() == b""
