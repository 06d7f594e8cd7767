"""Prefect's server of this process, where no setting names another one.

Prefect would start one by itself. This one starts while other things are imported,
ends with the process however that ends, and says at once why it did not start.
Importing this module does not import Prefect.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock

from ..errors import ServerStartError, in_one_line

__all__ = ["api_url", "drop_server", "kill_server", "start_early", "start_server"]

_PROGRAM = Path(__file__).with_name("embedded.py")
_FACTORY = "prefect.server.api.server:create_app"
_EMBEDDED = {
    # What Prefect sets for a server that it starts for itself.
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    # A block registers its own type when it is saved. Without the memo, a later server
    # would take them all for registered.
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "0",
    "PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION": "0",
}
_NEWER = "Can't locate revision"
"""In what Alembic says of a revision that it does not know."""
_LARGE_BYTES = 100 << 20
"""Size of a database from which on old events are removed at each start."""
_GRACE_SECONDS = 6
"""How long its last writes may take; it ends by itself before that."""


class _Server:
    """A server process; it ends when `line` is closed."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.line, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - this interpreter
                [sys.executable, "-P", str(_PROGRAM), _FACTORY],
                env={**_spared(), **os.environ, **settings, **_EMBEDDED},
                stdin=theirs.fileno(),
                # It outlives a signal to this process's group, so that Prefect can
                # record that the flow run was stopped.
                start_new_session=True,
            )
        self.url = ""

    def wait_until_ready(self, timeout_seconds: float) -> str:
        """Return the address of its API.

        Raises:
            ServerStartError: It did not start.
        """
        if not self.url:
            said = self._first_line(timeout_seconds)
            if not said.startswith("http://"):
                self.kill()
                raise ServerStartError(_sentence(said))
            self.url = said
        return self.url

    def _first_line(self, timeout_seconds: float) -> str:
        self.line.settimeout(timeout_seconds)
        try:
            with self.line.makefile(encoding="utf-8") as told:
                if line := told.readline().strip():
                    return line
        except TimeoutError:
            return f"it was not ready after {timeout_seconds:g} s"
        return f"its process ended with code {self.process.wait()}"

    def end(self) -> None:
        """Let it write what it was told last, and wait for its end."""
        self.line.close()
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


_lock = Lock()
_server: _Server | None = None


def start_early() -> None:
    """Start the server beside the import of Prefect, if no variable names another.

    Prefect's other settings may name one all the same; `drop_server` ends this one.
    """
    if "prefect" not in sys.modules and not os.environ.get("PREFECT_API_URL"):
        start_server()


def start_server(settings: Callable[[], dict[str, str]] = dict) -> None:
    """Start the server, unless it runs; `api_url` waits until it is ready.

    Args:
        settings: Returns variables of its environment besides those of this process;
            takes 0.1 s where it asks Prefect.
    """
    global _server  # noqa: PLW0603 - one for the process
    with _lock:
        if _server is None or _server.process.poll() is not None:
            _server = _Server(settings())
            # Called after what Prefect registers later, which sends the last events.
            atexit.register(_server.end)


def api_url(timeout_seconds: float) -> str:
    """Return the address of the API of the server that was started.

    Raises:
        ServerStartError: It did not start, which is known as soon as it has ended.
    """
    if _server is None:
        raise AssertionError("no server was started")
    return _server.wait_until_ready(timeout_seconds)


def drop_server(url: str) -> None:
    """End the server that was started early, if Prefect uses another one, at `url`."""
    if _server is not None and _server.url != url:
        _server.kill()


def kill_server() -> None:
    """End the server at once, if there is one; may be called from any thread."""
    if _server is not None:
        _server.kill()


def _home() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")


def _spared() -> dict[str, str]:
    """Return what a single flow does without, unless the environment says otherwise."""
    spared = {
        "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "0",  # automations
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }
    database = _home() / "prefect.db"
    if not database.exists() or database.stat().st_size < _LARGE_BYTES:
        spared["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] = ","  # of nothing
    return spared


def _sentence(said: str) -> str:
    reason = in_one_line(said)
    if _NEWER in said:
        reason = f"a newer Prefect has migrated its database ({reason})"
    return (
        f"Prefect's local server did not start: {reason}. Its folder is {_home()}; set"
        " PREFECT_HOME to another one, or PREFECT_API_URL to a server that runs."
    )
