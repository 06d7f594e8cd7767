"""Draws `img/*.svg` from what a terminal shows: `python docs/_screenshots.py`.

A run with three batches goes to a sandbox whose clock stands still until it is moved,
so every picture has the same text; times, IDs and folders are replaced by examples.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pyte
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.text import Text

from batchwright.sandbox import Sandbox

TARGET = Path(__file__).with_name("img")
WIDTHS = (80, 140)

_EXAMPLES = Path(__file__).parents[1] / "examples"
_TIMES = 100
_ROWS = 12 * _TIMES
_FAULTS = {
    "durations": {"in_progress": 3600},
    "batches": [{"answers": [{"kind": "refusal", "nth": [7]}]}],
}
_RUN = """\
run emails.csv --model gpt-5-mini \\
    --prompt "Classify this email: {{ email }}" \\
    --response-model email_model.py:Classification \\
    --output labels.csv --max-requests-per-batch 400
"""
_LIST = "list --limit 5 --poll 1\n"

_SHORT = "/tmp"  # noqa: S108 - `TMPDIR` may be longer, and lines would fold elsewhere
_EXAMPLE_OF = (
    (re.compile(rf"{_SHORT}/batchwright-\w{{8}}"), "/home/ann/projects/emails"),
    (re.compile(r"labels-[0-9a-f]{8}"), "labels-f686e5f6"),
    (re.compile(r"20\d\d-\d\d-\d\d"), "2026-11-23"),
    (re.compile(r"\b\d\d:\d\d:\d\d"), "09:30:00"),
    (re.compile(r"\b\d:\d\d:\d\d"), "0:12:34"),
    (re.compile(r"\b\d+\.\d s\b"), "9.9 s"),
    (re.compile(r"[\d,]+ out"), "13,800 out"),
    (re.compile(r"\$0\.\d{4}"), "$0.0359"),
    (re.compile(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]"), "⠹"),
)
_ID = re.compile(r"batch_s\w*…?\w*")
_EXAMPLE_ID = "batch_sandbox_68f0c1d2e3b4a59687786{:03}"
_COLOURS = {"brown": "yellow"}
_CLIPS = re.compile(
    r'(?s)<clipPath id="t-line-\d+">.*?</clipPath>\s*| clip-path="url\(#t-line-\d+\)"'
)
_LINES = 32
_PATIENCE_SECONDS = 120


class Terminal:
    """A command on a terminal of so many columns, drawn as it goes."""

    def __init__(self, command: str, columns: int, folder: Path, **env: str) -> None:
        """Start `batchwright COMMAND` in `folder`."""
        self.screen = pyte.Screen(columns, _LINES)
        self._stream = pyte.ByteStream(self.screen)
        typed = f"$ batchwright {command}".replace("\n", "\r\n")
        self._stream.feed(typed.encode())
        self._main, child = pty.openpty()
        size = struct.pack("HHHH", _LINES, columns, 0, 0)
        fcntl.ioctl(child, termios.TIOCSWINSZ, size)
        joined = command.replace("\\\n", " ")
        variables = {
            **{k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS"}},
            "TERM": "xterm-256color",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "BATCHWRIGHT_RUNS_DIR": "runs",
            "BATCHWRIGHT_POLL_SECONDS": "0.2",
            "BATCHWRIGHT_MAX_POLL_SECONDS": "0.2",
        }
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" -m batchwright.cli {joined}', sys.executable],
            stdin=child,
            stdout=child,
            stderr=child,
            cwd=folder,
            env={**variables, **env},
            start_new_session=True,
        )
        os.close(child)

    def read_until(self, done: Callable[[str], bool] | None) -> None:
        """Draw until the screen's text is as wanted, or (None) the command ended.

        Raises:
            TimeoutError: It never came.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while done is None or not done("\n".join(self.screen.display)):
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self._main], [], [], left)[0]:
                raise TimeoutError("\n".join(self.screen.display))
            try:
                data = os.read(self._main, 65536)
            except OSError:  # how Linux says that the other side is closed
                data = b""
            if not data:
                break
            self._stream.feed(data)

    def end(self) -> None:
        """Draw all that is left, and wait for the end."""
        self.read_until(None)
        os.close(self._main)
        self.process.wait(30)

    def picture(self, title: str) -> str:
        """Return the screen as SVG, without what differs from one time to the next."""
        lines = [_line(self.screen, number) for number in range(_LINES)]
        while not lines[-1].plain.strip():
            lines.pop()
        console = Console(
            record=True, width=self.screen.columns, file=StringIO(), force_terminal=True
        )
        for line in _with_example_ids(lines):
            console.print(_with_examples(line), soft_wrap=True)
        console.print()  # or the last line loses its descenders
        # Nothing is fetched from anywhere to show it.
        template = re.sub(r"(?s)@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT)
        drawn = console.export_svg(title=title, code_format=template, unique_id="t")
        return _CLIPS.sub("", drawn)


def _line(screen: pyte.Screen, number: int) -> Text:
    row = screen.buffer[number]
    text = Text()
    for column in range(screen.columns):
        cell = row[column]
        colour = _COLOURS.get(cell.fg, cell.fg)
        if re.fullmatch(r"[0-9a-f]{6}", colour):
            colour = f"#{colour}"
        text.append(cell.data, Style(color=colour, bold=cell.bold, italic=cell.italics))
    text.rstrip()
    return text


def _replaced(line: Text, start: int, end: int, example: str) -> Text:
    style = line.get_style_at_offset(Console(), start)
    return Text.assemble(line[:start], (example, style), line[end:])


def _with_examples(line: Text) -> Text:
    for pattern, example in _EXAMPLE_OF:
        for found in reversed([*pattern.finditer(line.plain)]):
            line = _replaced(line, *found.span(), example)
    return line


def _with_example_ids(lines: list[Text]) -> Iterator[Text]:
    """Number IDs as they come, apart for lines that begin alike: threads overtake."""
    numbers: Counter[str] = Counter()
    for line in lines:
        if (found := _ID.search(line.plain)) is None:
            yield line
            continue
        before = line.plain[: found.start()]
        numbers[before] += 1
        example = _EXAMPLE_ID.format(numbers[before])
        head, cut, tail = found[0].partition("…")
        if cut:
            example = f"{example[: len(head)]}{cut}{example[-len(tail) :]}"
        yield _replaced(line, *found.span(), example)


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder with rows and a response model; its path has a fixed length."""
    with tempfile.TemporaryDirectory(prefix="batchwright-", dir=_SHORT) as name:
        folder = Path(name)
        head, _, rows = (_EXAMPLES / "emails.csv").read_text("utf-8").partition("\n")
        (folder / "emails.csv").write_text(f"{head}\n{rows * _TIMES}", "utf-8")
        model = (_EXAMPLES / "email_model.py").read_text("utf-8")
        (folder / "email_model.py").write_text(model, "utf-8")
        yield folder


def draw(columns: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the pictures of a run at one width, by file name."""
    with _folder() as folder, Sandbox(faults=_FAULTS, time_scale=0) as sandbox:
        env = {**sandbox.environment(), **environment}
        run = Terminal(_RUN, columns, folder, **env)
        run.read_until(lambda text: f"0/{_ROWS:,}" in text)
        sandbox.advance(1801)
        run.read_until(
            lambda text: re.search(r"600/1,200 \d:\d\d:\d\d", text) is not None
        )
        half = run.picture("A run that waits")
        listed = Terminal(_LIST, columns, folder, **env)
        listed.read_until(lambda text: "┘" in text)
        batches = listed.picture("The batches of an account")
        sandbox.advance(3600)
        listed.end()
        run.end()
        return {
            f"run-{columns}.svg": half,
            f"list-{columns}.svg": batches,
            f"summary-{columns}.svg": run.picture("A run that is done"),
        }


def render(environment: Mapping[str, str]) -> dict[str, str]:
    """Return all pictures by file name."""
    with ThreadPoolExecutor(len(WIDTHS)) as pool:
        drawn = pool.map(lambda columns: draw(columns, environment), WIDTHS)
        return {name: picture for part in drawn for name, picture in part.items()}


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for name, picture in render({}).items():
        (TARGET / name).write_text(picture, encoding="utf-8", newline="\n")
