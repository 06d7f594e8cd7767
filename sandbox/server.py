"""Starts the sandbox: in a thread of this process, or as a server in the foreground."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ..errors import InputError
from .answers.answer import SYNTHETIC
from .answers.upstream import upstream_source
from .engine.backend import Backend, Call, CreatedBatch
from .faults import FaultSource, load_faults
from .http.app import make_app
from .http.uvicorn_server import Protocol, QuickServer
from .http.vendor import Vendor
from .vendors import ANNOUNCED, VENDORS

__all__ = ["Sandbox", "serve"]

_LOOPBACK = ["127.0.0.1", "localhost", "::1", "[::1]"]
"""Names by which a sandbox on loopback is called. Others are refused: a web page whose
own name leads to this machine would otherwise reach the sandbox through a browser."""


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
        self._open()
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        self._resources.callback(thread.join)
        return self

    def run(self, ready: Callable[[Self], None]) -> None:
        """Serve in this thread until interrupted; `ready` is called first."""
        self._open()
        with self._resources:
            ready(self)
            self._serve()

    def stop(self) -> None:
        """Stop serving; a given folder keeps the state."""
        self._server.stop()
        self._resources.close()

    def _open(self) -> None:
        with contextlib.ExitStack() as resources:
            listening = resources.enter_context(self._listen())
            folder = self._state_dir
            if folder is None:
                temporary = tempfile.TemporaryDirectory(prefix="batchwright-sandbox-")
                folder = Path(resources.enter_context(temporary))
            self.backend = Backend(
                folder,
                self._faults,
                self._time_scale,
                {name: vendor.format for name, vendor in VENDORS.items()},
                self._source,
            )
            resources.callback(self.backend.close)
            host = f"[{self._host}]" if ":" in self._host else self._host
            self.url = f"http://{host}:{listening.getsockname()[1]}"
            config = uvicorn.Config(
                TrustedHostMiddleware(
                    make_app(self.backend, VENDORS),
                    allowed_hosts=_LOOPBACK if self._host in _LOOPBACK else ["*"],
                    www_redirect=False,
                ),
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
            self._serve = partial(self._server.run, sockets=[listening])
            self._resources = resources.pop_all()

    def _listen(self) -> socket.socket:
        # asyncio turns Nagle's algorithm off only if the protocol is named; with
        # Nagle's algorithm every response takes 40 ms.
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((self._host, self._port))
        except OSError as exc:
            found.close()
            raise InputError(
                f"The sandbox cannot listen on {self._host}:{self._port}"
                f" ({exc.strerror}); choose another `--port`."
            ) from exc
        found.listen(512)
        return found

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
        return self._variables(VENDORS.values())

    def announced(self) -> dict[str, str]:
        """Return the variables of OpenAI's and Anthropic's SDKs alone."""
        return self._variables(ANNOUNCED)

    def _variables(self, vendors: Iterable[Vendor]) -> dict[str, str]:
        variables: dict[str, str] = {}
        for vendor in vendors:
            path = vendor.sdk_path or vendor.base_path
            variables[vendor.base_url_variable] = self.url + path
            if vendor.key_variable:
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
        " Ctrl-C stops it. To send the SDKs of OpenAI and Anthropic there:\n"
    )
    for name, value in sandbox.announced().items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
