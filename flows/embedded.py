"""Prefect's embedded server, which Prefect starts where no API is set."""

from __future__ import annotations

from prefect.server.api.server import SubprocessASGIServer

__all__ = ["kill_embedded_servers"]


def kill_embedded_servers() -> None:
    """End the embedded server at once; Prefect itself would take two seconds."""
    servers = SubprocessASGIServer._instances  # noqa: SLF001 - there is no public list
    for server in servers.values():
        if server.server_process is not None:
            server.server_process.kill()
