"""The server's open connections, which a fault may close."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["TRANSPORTS", "Protocol"]

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
