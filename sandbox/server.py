"""Starts the sandbox: beside a test, in this process, or as a server of its own."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import uvicorn

from ..errors import InputError
from .answers.answers import SYNTHETIC
from .answers.upstream import ask_upstream
from .engine.backend import Backend, Call, CreatedBatch
from .http.app import make_app
from .http.protocol import Protocol
from .http.quick_server import QuickServer
from .load import FaultSource, load_faults

__all__ = ["Sandbox", "serve"]

API_KEY = "sandbox-key"


class Sandbox:
    """A local server of both batch APIs, as a context manager.

    It answers with synthetic data, costs nothing, and needs no account: any key that
    does not look real is its own account.
    """

    api_key = API_KEY

    def __init__(
        self,
        state_dir: str | Path | None = None,
        *,
        port: int = 0,
        faults: FaultSource = None,
        time_scale: float = 1.0,
        upstream: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """Prepare it; it starts with `start` or `with`.

        Args:
            state_dir: Where batches and files are kept; a temporary folder that is
                removed at the end if None.
            port: 0 takes a free one.
            faults: What goes wrong, as `load_faults` takes it.
            time_scale: Virtual seconds per real second.
            upstream: Base URL of an OpenAI-compatible chat API that answers instead,
                such as `http://localhost:11434/v1`.
            host: What to listen on; anything but loopback lets others in.
        """
        self._state_dir = None if state_dir is None else Path(state_dir)
        self._faults = load_faults(faults)
        self._time_scale = time_scale
        self.upstream = upstream
        self._ask = SYNTHETIC if upstream is None else ask_upstream(upstream)
        self._host = host
        self._port = port
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(self, *exc: object) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> Self:
        """Serve from a thread of this process, until `stop`.

        Raises:
            InputError: The port is taken, or the folder is in use.
        """
        self._bind()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        return self

    def run(self, ready: Callable[[Self], None] | None = None) -> None:
        """Serve from this thread, until interrupted."""
        self._bind()
        try:
            if ready is not None:
                ready(self)
            self._server.run(sockets=[self._socket])
        finally:
            self._close()

    def stop(self) -> None:
        """Stop serving; state in a given folder stays."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join()
        self._close()

    def _bind(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only where the protocol is named, and
        # with it on every answer takes 40 ms.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((self._host, self._port))
        except OSError as exc:
            self._socket.close()
            raise InputError(
                f"The sandbox cannot listen on {self._host}:{self._port}"
                f" ({exc.strerror}); choose another `--port`."
            ) from exc
        self._socket.listen(512)
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        folder = self._state_dir
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="batchwright-sandbox-")
            folder = Path(self._temporary.name)
        try:
            self.backend = Backend(folder, self._faults, self._time_scale, self._ask)
        except (InputError, OSError):
            self._release()
            raise
        name = f"[{self._host}]" if family == socket.AF_INET6 else self._host
        self.url = f"http://{name}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(self.backend),
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self._server = QuickServer(config)

    def _close(self) -> None:
        self.backend.close()
        self._release()

    def _release(self) -> None:
        self._socket.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def openai_base_url(self) -> str:
        """What `OPENAI_BASE_URL` must be."""
        return f"{self.url}/openai/v1"

    @property
    def anthropic_base_url(self) -> str:
        """What `ANTHROPIC_BASE_URL` must be."""
        return f"{self.url}/anthropic"

    def base_url(self, vendor: str) -> str:
        """Return the base URL of one vendor's API.

        Raises:
            InputError: The sandbox does not have this API.
        """
        urls = {"openai": self.openai_base_url, "anthropic": self.anthropic_base_url}
        if vendor not in urls:
            raise InputError(
                f"The sandbox has no API of {vendor!r}: leave out --sandbox, or take a"
                f" model of {' or '.join(urls)}."
            )
        return urls[vendor]

    def environment(self) -> dict[str, str]:
        """Return the variables that send both SDKs here."""
        return {
            "OPENAI_BASE_URL": self.openai_base_url,
            "OPENAI_API_KEY": self.api_key,
            "ANTHROPIC_BASE_URL": self.anthropic_base_url,
            "ANTHROPIC_API_KEY": self.api_key,
        }

    def set_faults(self, faults: FaultSource) -> None:
        """Change what goes wrong; batches that exist keep what they have."""
        self.backend.set_faults(faults)

    def advance(self, seconds: float) -> None:
        """Move the virtual clock forward."""
        self.backend.clock.advance(seconds)
        self.backend.keep_clock()

    def settle(self, timeout_seconds: float | None = 60) -> None:
        """Let every batch end now: wait for the work, and move the clock.

        Raises:
            TimeoutError: The work took longer, in real seconds.
        """
        self.backend.settle(timeout_seconds)

    def created(self) -> int:
        """Return how many batches were ever created here."""
        return len(self.batches())

    def batches(self) -> list[CreatedBatch]:
        """Return every batch of every account, oldest first."""
        return self.backend.batches()

    def calls(self) -> list[Call]:
        """Return the calls that arrived, oldest first, without their keys."""
        return list(self.backend.calls)


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    state_dir: str | Path | None = None,
    faults: FaultSource = None,
    time_scale: float = 1.0,
    upstream: str | None = None,
    ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        host: What to listen on; anything but loopback lets others in.
        port: 0 takes a free one.
        state_dir: As for `Sandbox`.
        faults: As for `Sandbox`.
        time_scale: Virtual seconds per real second.
        upstream: As for `Sandbox`.
        ready: Called once it can be reached; None prints the variables to export on
            standard output and what else a person should know on standard error.

    Raises:
        InputError: The port is taken, the folder is in use, or a fault is wrong.
    """
    sandbox = Sandbox(
        state_dir,
        port=port,
        faults=faults,
        time_scale=time_scale,
        upstream=upstream,
        host=host,
    )
    with contextlib.suppress(KeyboardInterrupt):
        sandbox.run(ready or _announce)


def _announce(sandbox: Sandbox) -> None:
    answers = "come from its upstream" if sandbox.upstream else "are synthetic"
    sys.stderr.write(
        f"The batchwright sandbox runs at {sandbox.url}; its answers {answers}."
        " Ctrl-C stops it. To send both SDKs there:\n"
    )
    for name, value in sandbox.environment().items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
