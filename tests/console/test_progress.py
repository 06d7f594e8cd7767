"""Tests of progress: bars for a person, lines for a pipe."""

from __future__ import annotations

import io
import threading

import pyte
import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from batchwright.console.progress import Bars, progress_shown
from batchwright.models import RunEvent
from batchwright.runs.events import bytes_told, listening
from batchwright.runs.report.event_text import describe


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (RunEvent(kind="reading", done=1234), "Reading rows: 1,234"),
        (
            RunEvent(kind="generated", done=12, total=1),
            "Made 12 requests for 1 batch",
        ),
        (
            RunEvent(kind="uploading", done=500_000, total=1_000_000),
            "Uploading: 500.0 kB of 1.0 MB",
        ),
        (RunEvent(kind="submitted", batch_id="b"), "Created batch b"),
        (
            RunEvent(kind="submitted", batch_id="b", done=1200),
            "Created batch b (1,200 requests)",
        ),
        (
            RunEvent(kind="submitted", batch_id="b", text="found again"),
            "Created batch b (found again)",
        ),
        (
            RunEvent(kind="waiting", done=3, total=10),
            "Waiting for answers: 3 of 10",
        ),
        (
            RunEvent(kind="downloaded", batch_id="b", done=9, text="expired"),
            "Downloaded 9 results of b (expired)",
        ),
        (
            RunEvent(kind="round", done=4, text="1"),
            "Round 1 sends 4 requests again",
        ),
        (RunEvent(kind="finished", text="out.csv"), "Wrote out.csv"),
    ],
)
def test_an_event_in_words(event: RunEvent, line: str) -> None:
    """Each kind has one plain line, with its units."""
    assert describe(event) == line


def test_a_pipe_hears_each_event_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Waiting is said when it moves; bytes and rows in between are not."""
    uploaded = bytes_told("uploading")
    with progress_shown("Beginning") as tell, listening(tell):
        for done in (0, 0, 5, 5, 10):
            tell(RunEvent(kind="waiting", done=done, total=10))
            uploaded(done, 10)
        tell(RunEvent(kind="notice", text="[bold]kept as it is"))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "Beginning",
        "Waiting for answers: 0 of 10",
        "Waiting for answers: 5 of 10",
        "Waiting for answers: 10 of 10",
        "Note: [bold]kept as it is",
    ]


def test_many_batches_are_one_bar() -> None:
    """Bytes of all units add up in one bar, told from many threads at once."""
    console = Console(file=io.StringIO(), force_terminal=True)
    with Progress(TextColumn("{task.description}"), console=console) as progress:
        bars = Bars(progress, "Beginning")

        def upload(shard: str) -> None:
            for done in range(0, 101, 10):
                bars.tell(RunEvent(kind="uploading", shard=shard, done=done, total=100))

        threads = [threading.Thread(target=upload, args=(f"{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (task,) = progress.tasks
        assert (task.completed, task.total) == (800, 800)
        assert task.fields["amount"] == "800 bytes/800 bytes"
        bars.tell(RunEvent(kind="submitted", batch_id="b"))
        assert progress.tasks == []


def test_lines_leave_no_bar_behind() -> None:
    """Whatever is printed while bars are redrawn, only lines stay, few for batches."""
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=20)
    columns = TextColumn("{task.description}"), BarColumn()
    with Progress(
        *columns, console=console, transient=True, refresh_per_second=1000
    ) as progress:
        bars = Bars(progress, None)
        for n in range(200):
            bars.tell(RunEvent(kind="uploading", shard=f"{n}", done=1, total=1))
            bars.tell(RunEvent(kind="downloading", shard=f"{n}", done=1, total=1))
            bars.tell(RunEvent(kind="submitted", shard=f"{n}", batch_id=f"{n}"))
            bars.tell(
                RunEvent(kind="downloaded", shard=f"{n}", batch_id=f"{n}", done=1)
            )
            bars.tell(RunEvent(kind="notice", text=f"{n}"))
        counts = [(task.description, task.fields["amount"]) for task in progress.tasks]
        assert counts == [("Batches created", "200"), ("Batches downloaded", "200")]
        bars.tell(RunEvent(kind="finished", text="out.csv"))
    screen = pyte.Screen(60, 500)
    assert isinstance(console.file, io.StringIO)
    pyte.Stream(screen).feed(console.file.getvalue().replace("\n", "\r\n"))
    lines = [line.strip() for line in screen.display if line.strip()]
    said = ("Created batch {}", "Downloaded 1 result of {}", "Note: {}")
    whole = [text.format(n) for n in range(8) for text in said]
    whole += [f"Note: {n}" for n in range(8, 200)]
    assert lines == [*whole, "Wrote out.csv"]
