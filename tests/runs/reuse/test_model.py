"""Runs with `reuse` against a model of what they may send, with kills and deletions."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwright.data.job import BatchJob
from batchwright.models import RunEvent
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.events import listening
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

_SAID = re.compile(rb"to: 'Say (\w+)'")
_QUICK = {"durations": {"validating": 0, "in_progress": 0.01, "finalizing": 0}}


class Killed(BaseException):
    """The process is gone."""


class Action(NamedTuple):
    """What happens to one run."""

    run: int
    texts: list[str]
    size: int
    """Requests in a batch."""
    kill_at: int | None
    """The event at which the process is killed."""
    delete: bool
    """Whether the run is deleted, in place of all this."""


actions = st.builds(
    Action,
    run=st.integers(0, 3),
    texts=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8),
    size=st.integers(1, 4),
    kill_at=st.none() | st.integers(1, 12),
    delete=st.sampled_from([False, False, False, True]),
)


@contextmanager
def killed_at(number: int | None) -> Iterator[None]:
    """Raise at an event, as if the process were killed there."""
    seen = 0

    def listen(event: RunEvent) -> None:
        nonlocal seen
        del event
        seen += 1
        if seen == number:
            raise Killed

    with listening(listen):
        yield


class World:
    """Runs under one root, and what they may send at least."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.folder = Path(mkdtemp(prefix="reuse-"))
        self.sandbox = sandbox
        self.before = len(sandbox.batches())
        self.texts: dict[int, list[str]] = {}
        self.size: dict[int, int] = {}
        self.least = 0

    def path(self, run: int) -> Path:
        """Return the directory of a run."""
        return self.folder / "runs" / f"run-{run}"

    def known(self) -> set[str]:
        """Return what is answered on disk, in runs with a plan."""
        found = set()
        for plan in self.folder.glob("runs/*/plan.json"):
            files = [*plan.parent.glob("shards/*/results/taken.jsonl")]
            for ended in plan.parent.rglob("*.ended.json"):
                name = ended.name.replace("ended.json", "output.jsonl")
                files += [path for path in [ended.with_name(name)] if path.exists()]
            for file in files:
                found |= {text.decode() for text in _SAID.findall(file.read_bytes())}
        return found

    def do(self, action: Action) -> None:
        """Begin or continue a run, until it is done or killed; or delete it."""
        path = self.path(action.run)
        if action.delete:
            self.texts.pop(action.run, None)
            shutil.rmtree(path, ignore_errors=True)
            return
        texts = self.texts.setdefault(action.run, action.texts)
        size = self.size[action.run] = (
            self.size[action.run] if (path / "job.json").exists() else action.size
        )
        source = self.folder / f"{action.run}.csv"
        source.write_text("text\n" + "".join(f"{each}\n" for each in texts), "utf-8")
        job = BatchJob(
            input=str(source),
            output=str(self.folder / f"{action.run}.jsonl"),
            model="gpt-5-mini",
            prompt="Say {{ text }}",
            max_requests_per_batch=size,
            overwrite=True,
            reuse=True,
        )
        is_planned, known = (path / "plan.json").exists(), self.known()
        try:
            with killed_at(action.kill_at):
                drive(open_run(job, str(path)), wait=True)
        except Killed:
            pass
        else:
            self.check(action.run)
        if not is_planned and (path / "plan.json").exists():
            left = len({*texts} - known)
            plan = Run.load(str(path)).plan()
            assert sum(shard.requests for shard in plan.shards) == left
            self.least += left

    def check(self, run: int) -> None:
        """Compare the output of a run with that of a run without `reuse`."""
        output = self.folder / f"{run}.jsonl"
        rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
        assert [row["text"] for row in rows] == self.texts[run]
        for row in rows:
            assert row["_outcome"] == "succeeded"
            assert row["answer"].endswith(f"'Say {row['text']}'")
            assert (row["_cost_usd"] == 0) == row["_reused"]
        sent = [row["_custom_id"] for row in rows if not row["_reused"]]
        assert len(sent) == len({*sent}) <= len({*self.texts[run]})

    def finish(self) -> None:
        """End all runs that are there, and count what was sent."""
        for run in self.texts:
            self.do(Action(run, [], 1, None, delete=False))
        batches = self.sandbox.batches()
        batches = sorted(batches, key=lambda batch: batch.created_at)[self.before :]
        assert len({batch.first_custom_id for batch in batches}) == len(batches)
        assert sum(batch.requests for batch in batches) <= self.least
        shutil.rmtree(self.folder)


def play(sandbox: Sandbox, todo: list[Action]) -> None:
    """Do all actions in a world of their own."""
    sandbox.set_faults(_QUICK)
    world = World(sandbox)
    for action in todo:
        world.do(action)
    world.finish()


@given(todo=st.lists(actions, min_size=2, max_size=5))
@settings(max_examples=4)
def test_rows_are_answered_with_the_fewest_requests(
    sandbox: Sandbox, todo: list[Action]
) -> None:
    """Each row has the answer of a usual run, and nothing is sent that is known."""
    play(sandbox, todo)


@pytest.mark.long
@given(todo=st.lists(actions, min_size=3, max_size=12))
@settings(max_examples=150)
def test_so_it_is_in_long_histories(sandbox: Sandbox, todo: list[Action]) -> None:
    """The same holds for many runs that are killed, continued and deleted."""
    play(sandbox, todo)
