"""The documented commands, done on this machine: a server, a work pool, a worker."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)

from batchwright.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 120
_SHELL = """
set -euo pipefail; [ ! -f "$STATE" ] || . "$STATE"; cd "$PWD"
{}
export -p > "$STATE"
"""


def documented(name: str, section: str) -> list[str]:
    """Return the commands of the first block in a page's section, one per command."""
    page = (ROOT / name).read_text(encoding="utf-8")
    _, _, text = page.partition(f"\n## {section}\n")
    found = re.search(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, section
    return found[1].replace("\\\n", "").splitlines()


def eventually(what: str, met: Callable[[], Any]) -> Any:
    """Return what `met` returns as soon as it is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := met()):
        assert time.monotonic() < deadline, f"{what}: not in {DEADLINE_SECONDS} s"
        time.sleep(0.3)  # each look costs the server as much as it costs us
    return found


class Platform:
    """A Prefect server with a worker, and what they were told."""

    def __init__(self, folder: Path, sandbox: Sandbox, migrated: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self.api_url = f"http://127.0.0.1:{self._port}/api"
        self.sandbox = sandbox
        self.trial = ""
        """The last of the documented commands: it runs something."""
        self.home = folder / "labels"
        self.runs = self.home / "batchwright-runs"
        self._folder = folder
        self._log = folder / "log"
        self._state = folder / "state"
        prefect_home = folder / "prefect"
        prefect_home.mkdir()
        shutil.copy(migrated, prefect_home / "prefect.db")
        self._environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PWD": str(folder),
            "STATE": str(self._state),
            "PREFECT_HOME": str(prefect_home),
            "PREFECT_SERVER_API_PORT": self._port,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # the least there is
            "PREFECT_LOGGING_TO_API_ENABLED": "true",
            **sandbox.environment(),
        }
        del self._environment["BATCHWRIGHT_RUNS_DIR"]
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def log(self) -> str:
        """All that was printed."""
        return self._log.read_text(encoding="utf-8")

    def type(self, command: str) -> None:
        """Do what a person does who types the command in an empty folder."""
        command = command.replace("4200", self._port)
        in_background = command.endswith("&")
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/bash", "-c", _SHELL.format(command.removesuffix("&"))],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if in_background:
            self._running[command] = process
            if "server" in command:
                eventually("the server is up", self._is_up)
        else:
            try:
                assert process.wait(DEADLINE_SECONDS) == 0, self.log
            finally:
                _kill(process.pid)

    def _is_up(self) -> bool:
        with suppress(httpx2.TransportError):
            return httpx2.get(f"{self.api_url}/health").is_success
        return False

    def kill(self, word: str) -> str:
        """End a background command at once, as a dying machine does."""
        command = next(each for each in self._running if word in each)
        process = self._running.pop(command)
        _kill(process.pid)
        process.wait()
        return command

    @staticmethod
    def eventually(what: str, met: Callable[[], Any]) -> Any:
        """Return what `met` returns as soon as it is true."""
        return eventually(what, met)

    def trigger(self, deployment: str, **parameters: Any) -> FlowRun:
        """Ask a deployment for a flow run."""
        return run_deployment(deployment, parameters=parameters, timeout=0)

    def deploy(self, flow: str, source: str) -> str:
        """Deploy a user's own flow; returns the deployment's name."""
        script = self.home / f"{flow}.py"
        script.write_text(source, encoding="utf-8")
        here = {"directory": str(self.home)}
        with get_client(sync_client=True) as client:
            client.create_deployment(
                client.create_flow_from_name(flow.replace("_", "-")),
                name="mine",
                entrypoint=f"{script}:{flow}",
                work_pool_name="batchwright",
                pull_steps=[{"prefect.deployments.steps.set_working_directory": here}],
            )
        return f"{flow.replace('_', '-')}/mine"

    def now(self, run: FlowRun) -> FlowRun:
        """Return the flow run as the server has it."""
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run.id)

    def reaches(self, run: FlowRun, *names: str) -> FlowRun:
        """Wait until the flow run is in one of these states, and no other for good."""

        def met() -> FlowRun | None:
            seen = self.now(run)
            if seen.state_name in names:
                return seen
            assert seen.state is None or not seen.state.is_final(), (
                f"{seen.state}\n{self.log}"
            )
            return None

        found: FlowRun = eventually(" or ".join(names), met)
        return found

    def process_of(self, run: FlowRun) -> int:
        """Return the process that the worker started for the flow run."""
        place = eventually("its process", lambda: self.now(run).infrastructure_pid)
        return int(place.rpartition(":")[2])

    def is_alive(self, run: FlowRun) -> bool:
        """Whether the flow run's process still exists."""
        try:
            os.kill(self.process_of(run), 0)
        except ProcessLookupError:
            return False
        return True

    def stop(self) -> None:
        """Leave no process behind."""
        worker = next((each for each in self._running if "worker" in each), None)
        if worker is not None:
            with get_client(sync_client=True) as client:
                for run in client.read_flow_runs():
                    if run.state_name in {"Running", "Cancelling"}:
                        _kill(self.process_of(run))
        for word in ("worker", "server"):
            with suppress(StopIteration):
                self.kill(word)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextmanager
def _platform(folder: Path, migrated: Path) -> Iterator[Platform]:
    with Sandbox() as sandbox:
        platform = Platform(folder, sandbox, migrated)
        settings = {
            PREFECT_API_URL: platform.api_url,
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        }
        with temporary_settings(settings):
            try:
                *setup, platform.trial = documented("docs/prefect.md", "A deployment")
                assert {*documented("README.md", "A schedule")} <= {
                    *setup,
                    platform.trial,
                }
                for command in setup:
                    platform.type(command)
                yield platform
            finally:
                platform.stop()


@pytest.fixture(scope="package")
def platform(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path
) -> Iterator[Platform]:
    """Type what is documented, all but the last command, once for these tests."""
    with _platform(tmp_path_factory.mktemp("platform"), migrated) as platform:
        with get_client(sync_client=True) as client:
            sweep = client.read_deployment_by_name("advance-runs/advance-runs")
            # Its schedule is seen in the test of the deployments; sweeps are asked for.
            client.pause_deployment(sweep.id)
        yield platform
