"""Writes run directories that later versions must continue, in one archive per state.

Run it in the environment of the version whose runs are to be kept, before the next
version changes anything:

    python tests/upgrade/make_fixtures.py

It writes `tests/upgrade/VERSION/PROVIDER-STATE.tar.gz`. Each archive contains the files
of a job, its run directory, the state folder of the sandbox that played the provider,
and `fixture.json`: where and when these were written, the command of the run, and what
`status` printed. Only commands are used, and processes are stopped with SIGKILL.

An archive that exists is kept: only the version itself could write it again. Names
given as arguments (`openai-open`) choose archives.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batchwright.providers.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
ROWS = [
    {"id": "0001", "email": "Dear friend, send me your bank details today."},
    {"id": "0002", "email": "Sync moved to Friday, 10:30, same room"},
    {"id": "0003", "email": 'Über "Größe", 日本語 and 🦜'},
    {"id": "0004", "email": "You won.\nReply at once!"},
    {"id": "0005", "email": " leading and trailing blanks "},
    {"id": "0006", "email": "The invoice is attached."},
]
LABEL = '''\
"""The answer that is wanted for each email."""

from typing import Literal

from pydantic import BaseModel


class Label(BaseModel):
    """Whether an email is spam."""

    label: Literal["SPAM", "NOT_SPAM"]
    score: int
'''
QUICK = {"validating": 0, "in_progress": 0.1, "finalizing": 0}
HOUR = {"in_progress": 3600}
TIMEOUT_SECONDS = 60
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "BATCHWRIGHT_ROUND_SECONDS": "0.05",
}


class Scene:
    """A folder with a job in it, and the sandbox that plays the provider."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder = folder
        self.provider = provider
        self.command: list[str] = []
        """The command that started the run; the tests give it again."""
        folder.mkdir(parents=True)
        self.sandbox = Sandbox(folder / "sandbox").start()
        self.model_file = folder / "label.py"
        self.model_file.write_text(LABEL, encoding="utf-8")
        with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(ROWS[0]))
            writer.writeheader()
            writer.writerows(ROWS)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
        (folder / "in.jsonl").write_text(lines, encoding="utf-8")
        pq.write_table(pa.Table.from_pylist(ROWS), folder / "in.parquet")

    @property
    def run_dir(self) -> Path:
        """The run directory."""
        return self.folder / "runs" / "run"

    def happens(self, *batches: dict[str, Any], **faults: Any) -> None:
        """Set what the provider does; a batch without a rule takes an hour."""
        self.sandbox.set_faults({"durations": HOUR, "batches": batches, **faults})

    def run(self, kind: str, *options: str, labelled: bool = True) -> list[str]:
        """Return the command of a run from a table to a table of the same kind."""
        model = ("--response-model", f"{self.model_file}:Label") if labelled else ()
        self.command = [
            "run",
            str(self.folder / f"in.{kind}"),
            *("--model", MODELS[self.provider]),
            *("--prompt", "Classify this email: {{ email }}"),
            *("--output", str(self.folder / f"out.{kind}")),
            *("--run-dir", str(self.run_dir)),
            *("--max-requests-per-batch", "3"),
            *model,
            *options,
        ]
        return self.command

    def call(self, *command: str, code: int = 0) -> str:
        """Run a command to its end; returns its standard output."""
        done = subprocess.run(
            self._whole(command),
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != code:
            raise SystemExit(f"{command}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def kill(self, command: list[str], when: Callable[[], bool]) -> None:
        """Run a command, and stop it with SIGKILL as soon as `when` is true."""
        process = subprocess.Popen(
            self._whole(command),
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not when():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise SystemExit(f"{command} did not reach the point to stop it at")
            time.sleep(0.005)
        process.kill()
        process.wait()

    def has(self, pattern: str, count: int = 1) -> bool:
        """Whether `count` files of the run directory match the pattern."""
        return len(list(self.run_dir.glob(pattern))) == count

    def calls(self, operation: str) -> int:
        """Return how many calls of this operation the provider received."""
        return sum(call.operation == operation for call in self.sandbox.calls())

    def _whole(self, command: tuple[str, ...] | list[str]) -> list[str]:
        return [sys.executable, "-m", "batchwright.cli", *command]

    def _environment(self) -> dict[str, str]:
        return os.environ | SETTINGS | self.sandbox.environment()


def run_open(scene: Scene) -> None:
    """Both batches run."""
    scene.happens()
    scene.call(*scene.run("csv", "--no-wait"))


def run_sandbox(scene: Scene) -> None:
    """Both batches run, in the sandbox that `--sandbox` keeps in the run directory."""
    scene.call(*scene.run("jsonl", "--no-wait", "--sandbox"))


def run_canary(scene: Scene) -> None:
    """The canary's batch runs, and the job has a cost limit."""
    limits = ("--max-tokens", "50", "--max-cost-usd", "5", "--canary", "2")
    scene.happens()
    scene.call(*scene.run("parquet", "--no-wait", "--mode", "tools", *limits))


def run_half(scene: Scene) -> None:
    """The results of one batch are downloaded; the other batch runs."""
    scene.happens({"nth": [1], "durations": QUICK})
    command = scene.run("parquet")
    scene.kill(command, lambda: scene.has("shards/*/attempts/000.ended.json"))


def run_parked(scene: Scene) -> None:
    """One batch runs; the other was refused with `token_limit_exceeded`."""
    scene.happens(limits={"openai_enqueued_tokens": 500})
    scene.call(*scene.run("jsonl", "--no-wait"))
    while any(batch.status == "validating" for batch in scene.sandbox.batches()):
        time.sleep(0.05)
    scene.call("resume", str(scene.run_dir), "--no-wait", code=4)
    (ended,) = scene.run_dir.glob("shards/*/attempts/000.ended.json")
    if json.loads(ended.read_bytes())["verdict"] != "parked":
        raise SystemExit(f"{ended} is not parked")


def run_rounds(scene: Scene) -> None:
    """Two requests failed with 500; the batch of round 1, with both, runs."""
    answers = [{"status": 500, "nth": [2]}]
    scene.happens({"nth": [1, 2], "durations": QUICK, "answers": answers})
    command = scene.run("csv")
    scene.kill(command, lambda: scene.has("rounds/1/*/attempts/000.batch.json"))


def run_reask(scene: Scene) -> None:
    """Two answers were invalid; the batch that sends them back runs."""
    answers = [{"kind": "wrong_shape", "nth": [2]}]
    scene.happens({"nth": [1, 2], "durations": QUICK, "answers": answers})
    command = scene.run("parquet", "--reask", "1")
    scene.kill(command, lambda: scene.has("rounds/1/*/attempts/000.batch.json"))


def run_lost(scene: Scene) -> None:
    """One batch runs; another was created, but the answer of the call was lost."""
    stall = {"operation": "create", "do": "stall", "nth": [2], "seconds": 600}
    scene.happens(calls=[stall])
    scene.kill(
        scene.run("jsonl", labelled=False),
        lambda: (
            scene.sandbox.created() == 2 and scene.has("shards/*/attempts/*.batch.json")
        ),
    )


def run_unsent(scene: Scene) -> None:
    """One batch runs; another was claimed, but the call created nothing."""
    drop = {"operation": "create", "do": "drop", "nth": [2]}
    scene.happens(calls=[drop])
    scene.kill(
        scene.run("parquet"),
        lambda: (
            scene.calls("create") == 2 and scene.has("shards/*/attempts/*.batch.json")
        ),
    )


def run_downloaded(scene: Scene) -> None:
    """All results of two rounds are downloaded, but no table is written yet."""
    answers = [{"status": 500, "nth": [2]}]
    scene.happens({"nth": [1, 2], "durations": QUICK, "answers": answers})
    command = scene.run("csv")
    scene.kill(command, lambda: scene.has("rounds/1/*/attempts/000.batch.json"))
    scene.sandbox.settle()
    scene.model_file.unlink()  # so that parsing stops
    scene.call("resume", str(scene.run_dir), code=1)
    scene.model_file.write_text(LABEL, encoding="utf-8")


def run_done(scene: Scene) -> None:
    """The run is done, and every row succeeded."""
    scene.happens(durations=QUICK)
    scene.call(*scene.run("csv" if scene.provider == "anthropic" else "parquet"))


def run_failed(scene: Scene) -> None:
    """The run is done, and the model refused one row of each batch."""
    answers = [{"kind": "refusal", "nth": [2]}]
    scene.happens({"answers": answers}, durations=QUICK)
    scene.call(*scene.run("jsonl"), code=3)


def run_cancelled(scene: Scene) -> None:
    """The run is cancelled: one batch was downloaded, one is stopping, one not sent."""
    scene.happens({"nth": [1], "durations": QUICK})
    few = ("--max-requests-per-batch", "2", "--max-in-flight", "1")
    command = scene.run("csv", *few)
    scene.kill(command, lambda: scene.has("shards/*/attempts/*.batch.json", 2))
    scene.call("cancel", "--run-dir", str(scene.run_dir))


def run_cancelled_done(scene: Scene) -> None:
    """The cancelled run is done: its table has what was answered."""
    run_cancelled(scene)
    scene.call("resume", str(scene.run_dir), code=3)


def file_open(scene: Scene) -> None:
    """The batch of a request file runs."""
    scene.happens()
    scene.call(*_requests(scene))
    scene.call(*scene.command)


def file_lost(scene: Scene) -> None:
    """The batch of a request file was created, but the answer was lost."""
    stall = {"operation": "create", "do": "stall", "nth": [1], "seconds": 600}
    scene.happens(calls=[stall])
    scene.call(*_requests(scene))
    scene.kill(scene.command, lambda: scene.sandbox.created() == 1)


def _requests(scene: Scene) -> list[str]:
    """Set the command that sends a request file; return the one that writes it."""
    path = str(scene.folder / "requests.jsonl")
    scene.command = ["create-from-file", "--file-path", path]
    scene.command += ["--provider", scene.provider]
    return [
        "generate",
        str(scene.folder / "in.csv"),
        *("--model", MODELS[scene.provider]),
        *("--prompt", "Classify this email: {{ email }}"),
        *("--output", path),
    ]


STATES = {
    function.__name__.replace("_", "-").removeprefix("run-"): function
    for function in (
        run_open,
        run_sandbox,
        run_canary,
        run_half,
        run_parked,
        run_rounds,
        run_reask,
        run_lost,
        run_unsent,
        run_downloaded,
        run_done,
        run_failed,
        run_cancelled,
        run_cancelled_done,
        file_open,
        file_lost,
    )
}
OPENAI_ONLY = {"parked"}
"""States that exist at OpenAI only."""
EXIT_CODES = {"done": 0, "failed": 3, "cancelled": 3, "cancelled-done": 3}
"""Of `status`; 4 for the others, which are open."""


def make(archive: Path, provider: str, state: str) -> None:
    """Write the archive of one state."""
    # A run records absolute paths, so the folder says nothing about the machine.
    folder = Path(tempfile.gettempdir()) / "batchwright-fixtures" / provider / state
    shutil.rmtree(folder, ignore_errors=True)
    scene = Scene(folder, provider)
    try:
        STATES[state](scene)
        status = None
        if scene.run_dir.exists():
            code = EXIT_CODES.get(state, 4)
            said = scene.call("status", str(scene.run_dir), "--json", code=code)
            status = {"code": code, "report": json.loads(said)}
    finally:
        scene.sandbox.stop()
    facts = {
        "folder": str(folder),
        "url": scene.sandbox.url,
        "written_at": datetime.now(UTC).isoformat(),
        "command": scene.command,
        "status": status,
    }
    path = folder / "fixture.json"
    path.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "x:gz") as file:
        file.add(folder, ".", filter=_anonymous)
    shutil.rmtree(folder)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def main() -> None:
    """Write the archives that are named, or all."""
    home = tempfile.mkdtemp(prefix="batchwright-prefect-")
    os.environ |= {"PREFECT_HOME": home} | SETTINGS
    # One server for all commands: a killed command would leave its own one running.
    from prefect.server.api.server import SubprocessASGIServer

    target = Path(__file__).parent / version("batchwright")
    # It reports the calls that are still held back when a sandbox stops.
    logging.getLogger("uvicorn.error").disabled = True
    server = SubprocessASGIServer()
    server.start(timeout=180)
    try:
        os.environ["PREFECT_API_URL"] = server.api_url
        for state in STATES:
            for provider in MODELS:
                name = f"{provider}-{state}"
                if provider == "anthropic" and state in OPENAI_ONLY:
                    continue
                archive = target / f"{name}.tar.gz"
                if archive.exists() or name not in (sys.argv[1:] or [name]):
                    continue
                make(archive, provider, state)
                sys.stdout.write(f"{name}\n")
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
