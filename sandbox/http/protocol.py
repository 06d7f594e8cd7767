"""The server's connections, so that a fault can break one."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["TRANSPORTS", "Protocol"]

TRANSPORTS: dict[tuple[tuple[str, int], ...], asyncio.Transport] = {}
"""Open connections by the addresses of client and server."""


class Protocol(H11Protocol):
    """Remembers its connection, so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own annotation
        super().connection_made(transport)
        names = ("peername", "sockname")
        self._ends = tuple(transport.get_extra_info(name)[:2] for name in names)
        TRANSPORTS[self._ends] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        TRANSPORTS.pop(self._ends, None)
        super().connection_lost(exc)
