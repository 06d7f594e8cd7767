"""A closed world for every test: no network, no keys, no home of the user's."""

from __future__ import annotations

import logging
import os
import pwd
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Any

import certifi
import httpx2
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

# A run syncs what it writes, which costs nothing where the disk is memory. No test
# cuts the power, so each proves the same there.
_MEMORY = Path("/dev/shm")  # noqa: S108 - every file there lies in a folder of ours
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 << 30:
    os.environ.setdefault("TMPDIR", str(_MEMORY))
    tempfile.tempdir = None  # pytest has asked before

# Each client of an SDK reads all certificates of the world, 20 ms long, and none of
# them talks to another machine here.
_CERTIFICATE = Path(tempfile.mkdtemp(prefix="batchwright-certificate-")) / "one.pem"
_end = "-----END CERTIFICATE-----\n"
_CERTIFICATE.write_text(
    Path(certifi.where()).read_text("utf-8").partition(_end)[0] + _end
)

# Each of some hundred processes would compile this package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Prefect reads these when it is first imported.
_HOME = tempfile.mkdtemp(prefix="batchwright-prefect-")
os.environ |= {
    "PREFECT_HOME": _HOME,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "DO_NOT_TRACK": "1",
    "SSL_CERT_FILE": str(_CERTIFICATE),
    # Fast pauses; the promises do not depend on how long they are.
    "BATCHWRIGHT_POLL_SECONDS": "0.02",
    "BATCHWRIGHT_MAX_POLL_SECONDS": "0.1",
    "BATCHWRIGHT_ROUND_SECONDS": "0.02",
    "BATCHWRIGHT_RETRY_SECONDS": "0.01",
    "BATCHWRIGHT_SETTLE_SECONDS": "0.4",
    "BATCHWRIGHT_ABSENCE_SECONDS": "0.4",
    "BATCHWRIGHT_RUNS_DIR": tempfile.mkdtemp(prefix="batchwright-runs-"),
}
for _name in (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "PREFECT_API_URL",
):
    os.environ.pop(_name, None)

# A busy machine is slow, and no test may fail for that. All examples of a test share
# its fixtures, and each is written so.
_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("busy", deadline=None, suppress_health_check=_SLOW)
settings.load_profile("busy")

_CACHE = Path(__file__).parents[1] / ".cache"

_SLOW = (
    "tests/deployments/",
    "test_conformance.py::TestAnthropic",
    "tests/docs/test_examples.py",
    "tests/tasks/test_pages.py",
    "test_conformance.py::TestOpenAI",
    "tests/runs/test_kills.py",
    "tests/flows/test_runners.py",
    "test_conformance.py::TestAnotherPackage",
    "tests/console/test_stopping.py",
    "tests/runs/test_processes.py",
    "tests/runs/test_machine.py",
    "tests/console/test_terminal.py",
    "tests/docs/test_screenshots.py",
    "tests/examples/test_flows.py",
    "tests/tasks/test_credentials.py",
)
"""What takes tens of seconds, in the order in which it is dealt to the workers."""

_connect = socket.socket.connect


def _connect_here(self: socket.socket, address: Any) -> None:
    if self.family in {socket.AF_INET, socket.AF_INET6}:
        host = address[0]
        if host not in {"127.0.0.1", "::1", "localhost"}:
            pytest.fail(f"a test tried to reach {host}", pytrace=False)
    _connect(self, address)


socket.socket.connect = _connect_here  # type: ignore[method-assign]  # a closed world


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run three workers on two cores: many tests wait for a server or a process."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest tests, dealt to the workers.

    Each worker gets consecutive items, and takes half of another's when it has none.
    """
    groups: dict[str, list[pytest.Item]] = {name: [] for name in _SLOW}
    quick: list[pytest.Item] = []
    for item in items:
        names = (name for name in _SLOW if name in item.nodeid)
        groups.get(next(names, ""), quick).append(item)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        slow = [*chain.from_iterable([*groups.values()][worker::workers])]
        room = (len(items) - len(ordered)) // (workers - worker) - len(slow)
        ordered += slow + quick[: max(room, 0)]
        del quick[: max(room, 0)]
    items[:] = ordered + quick


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    for folder in (_HOME, os.environ["BATCHWRIGHT_RUNS_DIR"], _CERTIFICATE.parent):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    """Read the settings anew in each test, since a test may set its own."""
    from batchwright.settings import get_settings

    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_events() -> Iterator[None]:
    """Let go of Prefect's sender of events, which keeps to the server it began with.

    The next test may have another server, where these events would be of nobody.
    """
    yield
    if (worker := sys.modules.get("prefect.events.worker")) is not None:
        worker.EventsWorker.drain_all(timeout=10)


@pytest.fixture(scope="session")
def migrated() -> Path:
    """Give a database of Prefect's server without rows.

    Its migrations take 15 s, so it is made once and kept in `.cache/`.
    """
    kept = _CACHE / f"prefect-{version('prefect')}.db"
    _CACHE.mkdir(exist_ok=True)
    with FileLock(kept.with_suffix(".lock")):
        if not kept.exists():
            made = Path(_HOME) / "made.db"
            url = f"sqlite+aiosqlite:///{made}"
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "prefect",
                    "server",
                    "database",
                    "upgrade",
                    "-y",
                ],
                env={**os.environ, "PREFECT_SERVER_DATABASE_CONNECTION_URL": url},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            _keep(made, kept)
    return kept


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which the session's Prefect server keeps all that it has."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the same for all workers
    home = folder / "prefect"
    home.mkdir(exist_ok=True)
    return home


@pytest.fixture(scope="session")
def prefect_server(prefect_home: Path, migrated: Path) -> Iterator[str]:
    """Share one Prefect server among all workers of the session; gives its API's URL.

    Each of them holds one end of a pipe, whose other end closes with the last one of
    them, and the server with it.
    """
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    users, address = prefect_home / "users", prefect_home / "address"
    with FileLock(prefect_home / "lock"):
        try:
            user = os.open(users, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody has started it, or all who used it are gone
            user = _start_prefect(users, address, migrated)
    settings = {
        PREFECT_API_URL: address.read_text("utf-8"),
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    with temporary_settings(settings):
        yield settings[PREFECT_API_URL]
    os.close(user)


def _start_prefect(users: Path, address: Path, migrated: Path) -> int:
    """Start the server, and return the writing end of its pipe once it is up."""
    shutil.copy(migrated, users.with_name("prefect.db"))
    users.unlink(missing_ok=True)
    os.mkfifo(users)
    reader = os.open(users, os.O_RDONLY | os.O_NONBLOCK)
    user = os.open(users, os.O_WRONLY)
    os.set_blocking(reader, True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    os.posix_spawn(
        sys.executable,
        [sys.executable, str(Path(__file__).with_name("serve_prefect.py")), port],
        os.environ
        | {
            "PREFECT_HOME": str(users.parent),
            "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        },
        file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0)],
    )
    os.close(reader)
    url = f"http://127.0.0.1:{port}/api"
    deadline = time.monotonic() + 180
    while True:
        try:
            httpx2.get(f"{url}/health").raise_for_status()
        except httpx2.HTTPError:
            assert time.monotonic() < deadline, "Prefect's server does not answer"
            time.sleep(0.2)
        else:
            address.write_text(url, "utf-8")
            return user


@pytest.fixture
def recorded(prefect_server: str) -> Callable[[], None]:
    """Return what waits until the server has recorded all task runs so far.

    It records them from events, in their order, so that the last one tells.
    """
    from prefect import task
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    @task
    def last() -> None:
        pass

    def is_recorded(client: Any, task_run_id: Any) -> bool:
        try:
            state = client.read_task_run(task_run_id).state
        except ObjectNotFound:
            return False
        return state is not None and state.is_final()

    def wait() -> None:
        ended = last(return_state=True)
        deadline = time.monotonic() + 60
        with get_client(sync_client=True) as client:
            while not is_recorded(client, ended.state_details.task_run_id):
                assert time.monotonic() < deadline
                time.sleep(0.1)

    return wait


def _keep(database: Path, copy: Path) -> None:
    copy.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as file:
        unfinished = Path(file.name)
    with (
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(unfinished)) as target,
    ):
        source.backup(target)
    unfinished.replace(copy)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run a sandbox, with the environment of both SDKs pointing to it."""
    from batchwright.sandbox import Sandbox

    with Sandbox() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 100 kB: `small` in the test's folder.

    Only root may mount one; with `BATCHWRIGHT_TESTS_REQUIRE_ALL` set, it has to work.
    """
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        missing = "a disk cannot be mounted here, which takes root on Linux"
        if os.environ.get("BATCHWRIGHT_TESTS_REQUIRE_ALL"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    yield folder
    unmount = ["umount", "-l", str(folder)]
    subprocess.run(unmount, check=True)


@pytest.fixture
def enlarge(small_disk: Path) -> Callable[[], None]:
    """Return what gives the small disk all the room that a test may want."""
    command = ["mount", "-o", "remount,size=20m", str(small_disk)]

    def enlarge() -> None:
        subprocess.run(command, check=True)

    return enlarge


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """Find a program that no Python package brings; skip the test where it is absent.

    With `BATCHWRIGHT_TESTS_REQUIRE_ALL` set, as CI does, its absence is a failure.
    """

    def find(*names: str, package: str, folders: str = "") -> str:
        places = [*map(str, Path("/").glob(folders.lstrip("/")))] if folders else []
        path = os.pathsep.join([os.environ["PATH"], *places])
        for name in names:
            if (found := shutil.which(name, path=path)) is not None:
                return found
        missing = f"{names[0]} is not installed (Debian: apt install {package})"
        if os.environ.get("BATCHWRIGHT_TESTS_REQUIRE_ALL"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)

    return find


@pytest.fixture(scope="session")
def browser(program: Callable[..., str]) -> Iterator[Any]:
    """Run a browser without a screen, which reaches nothing beyond this machine."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = program("chromium", "google-chrome", package="chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",  # which needs rights that containers have not
        "--disable-dev-shm-usage",
        "--window-size=1280,1100",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    service = Service(program("chromedriver", package="chromium-driver"))
    with webdriver.Chrome(options=options, service=service) as running:
        yield running


@pytest.fixture(scope="session")
def _postgres(program: Callable[..., str]) -> Iterator[str]:
    """Run a PostgreSQL server for the session, and give its URL without a database."""
    folders = "/usr/lib/postgresql/*/bin"
    initdb = program("initdb", package="postgresql", folders=folders)
    account = None
    if os.getuid() == 0:  # which PostgreSQL refuses to run as
        account = pwd.getpwnam("nobody").pw_uid
    folder = Path(tempfile.mkdtemp(prefix="batchwright-postgres-"))
    if account is not None:
        os.chown(folder, account, -1)
    options = ["-U", "batchwright", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(
        [initdb, *options, "--locale", "C", "-D", str(folder / "data")],
        user=account,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    postgres = Path(initdb).with_name("postgres")
    server = subprocess.Popen(
        # Nothing here outlives a power cut, so nothing is synced.
        [postgres, "-D", "data", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"],
        user=account,
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"postgresql://batchwright@127.0.0.1:{port}"
        _connect_when_ready(url, server)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # its fast shutdown
        server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _connect_when_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"{url}/postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL ended at once"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def database(_postgres: str) -> str:
    """Give the URL of an empty PostgreSQL database."""
    import psycopg

    name = f"test_{secrets.token_hex(4)}"
    with psycopg.connect(f"{_postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{_postgres}/{name}"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Serve S3 for the session; gives its URL."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # One call at a time: moto checks `If-None-Match` before it writes.
    app = DomainDispatcherApplication(create_backend_app)

    def serve(environ: dict[str, Any], start: Any) -> Any:
        if environ["PATH_INFO"].startswith("/careless"):  # a store that lacks it
            environ.pop("HTTP_IF_NONE_MATCH", None)
        return app(environ, start)

    server = make_server("127.0.0.1", 0, serve, threaded=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make an empty bucket; gives its URL."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = f"runs-{secrets.token_hex(4)}"
    httpx2.put(f"{s3}/{name}").raise_for_status()
    return f"s3://{name}"
