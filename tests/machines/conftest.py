"""What `deployments/compose.yaml` says, done on this machine without containers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
DEADLINE_SECONDS = 180
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}")
_FAST = {
    "PREFECT_WORKER_QUERY_SECONDS": "0.5",
    "BATCHWRIGHT_POLL_SECONDS": "0.05",
    "BATCHWRIGHT_MAX_POLL_SECONDS": "0.3",
    "BATCHWRIGHT_RETRY_SECONDS": "0.05",
}


def eventually(what: str, met: Callable[[], Any]) -> Any:
    """Return what `met` returns as soon as it is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := met()):
        assert time.monotonic() < deadline, f"{what}: not in {DEADLINE_SECONDS} s"
        time.sleep(0.5)  # each look costs a process or a client
    return found


class Compose:
    """The compose file, its variables filled in from a shell as compose does."""

    def __init__(self, shell: Mapping[str, str]) -> None:
        self._shell = shell
        self.text = (DEPLOYMENTS / "compose.yaml").read_text(encoding="utf-8")
        self.services: dict[str, dict[str, Any]] = yaml.safe_load(self.text)["services"]

    def environment(self, service: str) -> dict[str, str]:
        """Return a service's variables; those without a value are the shell's own."""
        given = self.services[service]["environment"]
        filled = {
            name: self._shell.get(name) if value is None else self._fill(value)
            for name, value in given.items()
        }
        return {name: value for name, value in filled.items() if value is not None}

    def _fill(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            name, kind, other = found.groups()
            assert kind != ":?" or self._shell.get(name), f"{name}: {other}"
            return self._shell.get(name) or (other if kind == ":-" else "")

        return _VARIABLE.sub(value, text)


class Machine:
    """A home, a folder for data and a log, and the commands that run there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self._log = folder / "log"
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PREFECT_HOME": str(folder / "home"),
            "BATCHWRIGHT_HOME": str(self.data),
            **environment,
        }

    @property
    def log(self) -> str:
        """All that was printed there."""
        return self._log.read_text(encoding="utf-8")

    @contextmanager
    def running(self, command: list[str], cwd: Path) -> Iterator[Any]:
        """Run a command for the block; neither it nor its children outlive that."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def succeeds(self, command: list[str], cwd: Path | None = None) -> bool:
        """Whether the command ends well."""
        with self.running(command, cwd or self.data) as process:
            return bool(process.wait(DEADLINE_SECONDS) == 0)


class Cluster:
    """PostgreSQL, a Prefect server and two workers, each with a home of its own."""

    def __init__(self, folder: Path, shell: Mapping[str, str], database: str) -> None:
        self._folder = folder
        self._compose = Compose(shell)
        self._ports = {"4200": _free_port()}
        self._database = urlsplit(database)
        self.api_url = f"http://127.0.0.1:{self._ports['4200']}/api"
        self.workers: list[Machine] = []

    @contextmanager
    def up(self) -> Iterator[Cluster]:
        """Do what `docker compose up` does, in its order."""
        with ExitStack() as stack:
            address = {
                "PREFECT_SERVER_DATABASE_HOST": self._database.hostname or "",
                "PREFECT_SERVER_DATABASE_PORT": str(self._database.port),
                "PREFECT_SERVER_DATABASE_NAME": self._database.path.lstrip("/"),
                "PREFECT_SERVER_DATABASE_USER": self._database.username or "",
            }
            server = self._machine("server", "server", address)
            command = self._here(self._compose.services["server"]["command"])
            stack.enter_context(server.running(command, server.data))
            self._healthy("server", server)
            setup = self._machine("setup", "setup")
            project = self._folder / "project"
            init = [sys.executable, "-m", "batchwright", "init", str(project)]
            subprocess.run(init, capture_output=True, check=True)
            command = self._compose.services["setup"]["command"]
            command = [each.replace("$$", "$") for each in command]
            assert setup.succeeds(command, project), setup.log
            for name in ("one", "two"):
                self._ports["8080"] = _free_port()
                port = {"PREFECT_WORKER_WEBSERVER_PORT": str(self._ports["8080"])}
                worker = self._machine("worker", name, port)
                command = [*self._compose.services["worker"]["command"]]
                command[command.index("--limit") + 1] = "1"
                stack.enter_context(worker.running(command, worker.data))
                self.workers.append(worker)
            self._healthy("worker", worker)
            yield self

    def _machine(
        self, service: str, name: str, more: Mapping[str, str] | None = None
    ) -> Machine:
        environment = self._compose.environment(service) | _FAST | dict(more or {})
        if "PREFECT_API_URL" in environment:
            environment["PREFECT_API_URL"] = self.api_url
        return Machine(self._folder / name, environment)

    def _healthy(self, service: str, machine: Machine) -> None:
        test = self._here(self._compose.services[service]["healthcheck"]["test"][1:])
        eventually(f"{service} is healthy", lambda: machine.succeeds(test))

    def _here(self, command: list[str]) -> list[str]:
        text = "\0".join(command).replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - replaced
        for port, free in self._ports.items():
            text = text.replace(port, str(free))
        return text.split("\0")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def cluster(
    database: str, bucket: str, sandbox: Any, tmp_path: Path
) -> Iterator[Cluster]:
    """Run the compose file's services, with run directories on S3."""
    shell = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
    shell |= sandbox.environment()
    shell |= {"POSTGRES_PASSWORD": "secret", "BATCHWRIGHT_RUNS_DIR": f"{bucket}/runs"}
    with Cluster(tmp_path, shell, database).up() as running:
        yield running


@pytest.fixture(name="eventually")
def _eventually() -> Callable[[str, Callable[[], Any]], Any]:
    """Give `eventually` to the tests."""
    return eventually
