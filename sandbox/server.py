"""Starts the sandbox: in a thread of this process, or as a server in the foreground."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import uvicorn

from ..errors import InputError
from .answers.answer import SYNTHETIC
from .answers.upstream import upstream_source
from .engine.backend import Backend, Call, CreatedBatch
from .faults import FaultSource, load_faults
from .http.app import make_app
from .http.protocol import Protocol
from .http.quick_server import QuickServer
from .vendors import VENDORS

__all__ = ["Sandbox", "serve"]


class Sandbox:
    """A local server of the batch APIs, as a context manager.

    Answers are synthetic and free. Every key is an account of its own; a key that
    looks real is refused.
    """

    api_key = "sandbox-key"

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
        """Read the faults; the server starts with `start` or `with`.

        Args:
            state_dir: Folder of batches and files; None: a temporary one, deleted at
                the end.
            port: 0 takes a free one.
            faults: Faults to inject, as for `load_faults`.
            time_scale: Virtual seconds per real second.
            upstream: Base URL of an OpenAI-compatible chat API that gives the answers,
                such as `http://localhost:11434/v1`.
            host: Address to listen on; others can connect unless it is loopback.
        """
        self._state_dir = None if state_dir is None else Path(state_dir)
        self._faults = load_faults(faults)
        self._time_scale = time_scale
        self.upstream = upstream
        self._source = SYNTHETIC if upstream is None else upstream_source(upstream)
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
        """Serve in a thread of this process, until `stop`.

        Raises:
            InputError: The port is taken, the folder is in use, or a fault is wrong.
        """
        self._bind()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        return self

    def run(self, ready: Callable[[Self], None]) -> None:
        """Serve in this thread until interrupted; `ready` is called first."""
        self._bind()
        try:
            ready(self)
            self._server.run(sockets=[self._socket])
        finally:
            self._close()

    def stop(self) -> None:
        """Stop serving; a given folder keeps the state."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join()
        self._close()

    def _bind(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only if the protocol is named; with
        # Nagle's algorithm every response takes 40 ms.
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
            formats = {name: vendor.format for name, vendor in VENDORS.items()}
            self.backend = Backend(
                folder, self._faults, self._time_scale, formats, self._source
            )
        except (InputError, OSError):
            self._release()
            raise
        name = f"[{self._host}]" if family == socket.AF_INET6 else self._host
        self.url = f"http://{name}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(self.backend, VENDORS),
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

    def base_url(self, vendor: str) -> str:
        """Return the base URL of one vendor's API.

        Raises:
            InputError: The sandbox does not serve this vendor's API.
        """
        if vendor not in VENDORS:
            raise InputError(
                f"The sandbox does not serve the API of {vendor!r}, only those of"
                f" {', '.join(VENDORS)}; run this job without the sandbox."
            )
        return self.url + VENDORS[vendor].base_path

    @property
    def openai_base_url(self) -> str:
        """The value for `OPENAI_BASE_URL`."""
        return self.base_url("openai")

    @property
    def anthropic_base_url(self) -> str:
        """The value for `ANTHROPIC_BASE_URL`."""
        return self.base_url("anthropic")

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point the SDKs to this sandbox."""
        variables: dict[str, str] = {}
        for name, vendor in VENDORS.items():
            variables[vendor.base_url_variable] = self.base_url(name)
            variables[vendor.key_variable] = self.api_key
        return variables

    def set_faults(self, faults: FaultSource) -> None:
        """Change the faults; existing batches keep theirs."""
        self.backend.set_faults(load_faults(faults))

    def advance(self, seconds: float) -> None:
        """Move the virtual clock forward."""
        self.backend.clock.advance(seconds)
        self.backend.save_clock()

    def settle(self, timeout_seconds: float | None = 60) -> None:
        """Let every batch end now: wait for the work, then move the clock.

        Raises:
            TimeoutError: The work took longer, in real seconds.
        """
        self.backend.settle(timeout_seconds)

    def created(self) -> int:
        """Return the number of batches that were created here."""
        return len(self.batches())

    def batches(self) -> list[CreatedBatch]:
        """Return every batch of every account, oldest first."""
        return self.backend.batches()

    def calls(self) -> list[Call]:
        """Return the calls that arrived, oldest first, without their keys."""
        return list(self.backend.calls)


def serve(ready: Callable[[Sandbox], None] | None = None, **options: Any) -> None:
    """Serve until interrupted.

    Args:
        ready: Called when the server accepts connections; None prints the variables
            to export on standard output, and a sentence on standard error.
        options: As for `Sandbox`.

    Raises:
        InputError: The port is taken, the folder is in use, or a fault is wrong.
    """
    with contextlib.suppress(KeyboardInterrupt):
        Sandbox(**options).run(ready or _announce)


def _announce(sandbox: Sandbox) -> None:
    answers = "come from its upstream" if sandbox.upstream else "are synthetic"
    sys.stderr.write(
        f"The batchwright sandbox runs at {sandbox.url}; its answers {answers}."
        " Ctrl-C stops it. To send both SDKs there:\n"
    )
    for name, value in sandbox.environment().items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
