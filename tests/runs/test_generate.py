"""Tests of `runs.generate`: the input is read once, and cut where providers want it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import InputError
from batchwright.runs.decide.steps import Step
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive, perform
from batchwright.runs.open import open_run


def generated(folder: Path, texts: list[str], **options: Any) -> Run:
    """Return a run over these texts whose request files are written."""
    lines = "".join(f"{text}\n" for text in ["text", *texts])
    (folder / "in.csv").write_text(lines, encoding="utf-8")
    given: dict[str, Any] = {"model": "gpt-5-mini", "sandbox": True} | options
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.csv"),
        prompt="{{ text }}",
        **given,
    )
    run = open_run(job, str(folder / "run"))
    perform(run, [Step("generate")])
    return run


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("gpt-5-mini", [50_000, 50_000, 20_000]),
        ("claude-sonnet-4-5", [100_000, 20_000]),
    ],
)
def test_a_table_is_cut_at_the_provider_s_limit(
    model: str, sizes: list[int], tmp_path: Path
) -> None:
    """120,000 rows are three batches of OpenAI, or two of Anthropic, without a gap."""
    run = generated(tmp_path, ["x"] * 120_000, model=model)
    shards = run.plan().shards
    assert [shard.requests for shard in shards] == sizes
    firsts = [sum(sizes[:index]) for index in range(len(sizes))]
    assert [shard.first_row for shard in shards] == firsts


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    """It is of no use, and may be as large as all requests."""
    run = generated(tmp_path, ["x"])
    left = tmp_path / "run/.tmp-left"
    left.mkdir()
    (left / "requests.jsonl").write_text("{", encoding="utf-8")
    drive(run, wait=False)
    assert not left.exists()


def test_a_lower_limit_of_bytes_is_kept(tmp_path: Path) -> None:
    """No request file is larger, and none could have taken the next row."""
    run = generated(tmp_path, ["word " * 50] * 40, max_bytes_per_batch=3000)
    sizes = [shard.bytes for shard in run.plan().shards]
    assert max(sizes) <= 3000
    assert min(sizes[:-1]) > 2000
    assert sum(shard.requests for shard in run.plan().shards) == 40


def test_a_request_over_the_limit_names_its_row(tmp_path: Path) -> None:
    """Nothing is sent, and nothing of the run is planned."""
    with pytest.raises(InputError, match=r"row 4 \(header is row 1\).*4,154 bytes"):
        generated(tmp_path, ["a", "b", "c " * 2000], max_bytes_per_batch=3000)
    assert not (tmp_path / "run/plan.json").exists()


def test_a_plan_that_stands_is_kept(tmp_path: Path) -> None:
    """Of two processes that start over at once, the first plan is that of both."""
    run = generated(tmp_path, ["a", "b"])
    plan = run.plan()
    perform(run, [Step("generate")])
    assert Run.load(run.directory.url).plan() == plan


def test_what_is_half_made_is_let_go_at_once(tmp_path: Path) -> None:
    """A shard that cannot be taken over leaves nothing behind that is still written."""
    (tmp_path / "run/shards").mkdir(parents=True)
    (tmp_path / "run/shards/00001").write_bytes(b"in the way")
    with pytest.raises(OSError, match="00001"):
        generated(tmp_path, ["x"] * 30, max_requests_per_batch=10)
    gc.collect()  # what is let go only now finds its folder gone, and pytest says so
    assert not list((tmp_path / "run").glob(".tmp-*"))
