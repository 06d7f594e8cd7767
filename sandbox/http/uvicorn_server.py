"""The web server: it stops at once, and faults can close its connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["TRANSPORTS", "Protocol", "QuickServer"]

TRANSPORTS: dict[tuple[tuple[str, int], ...], asyncio.Transport] = {}
"""Open connections by the addresses of client and server."""


class Protocol(H11Protocol):
    """uvicorn's HTTP protocol, which registers its connection in `TRANSPORTS`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own annotation
        """Register the connection."""
        super().connection_made(transport)
        names = ("peername", "sockname")
        self._ends = tuple(transport.get_extra_info(name)[:2] for name in names)
        TRANSPORTS[self._ends] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        TRANSPORTS.pop(self._ends, None)
        super().connection_lost(exc)


class QuickServer(uvicorn.Server):
    """Stops at once: uvicorn takes 0.2 s, and a test suite starts many sandboxes."""

    _loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Stop it, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stopped.set)

    async def main_loop(self) -> None:
        """Serve until `stop`, or until a signal arrives."""
        self._stopped = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        waits = [
            asyncio.create_task(super().main_loop()),
            asyncio.create_task(self._stopped.wait()),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()

    async def shutdown(
        self,
        sockets: list[socket.socket] | None = None,  # noqa: ARG002 - the sandbox's own
    ) -> None:
        """Close idle connections, and give the other ones time for their response."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            seconds = self.config.timeout_graceful_shutdown
            _, late = await asyncio.wait(self.server_state.tasks, timeout=seconds)
            for task in late:
                task.cancel()
