"""The server that Prefect starts in a process that has no address of one."""

from __future__ import annotations

import os
import subprocess
import sys

from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings

__all__ = ["Server", "kill_server"]


class Server(SubprocessASGIServer):
    """The server that Prefect starts for itself, but one that ends with this process.

    Its standard input is a pipe from here, which the operating system closes however
    this process ends. In a session of its own, it outlives a signal to this process's
    group, so that Prefect can record that the flow run was stopped.
    """

    def _run_uvicorn_command(self) -> subprocess.Popen[bytes]:
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        factory = "prefect.server.api.server:create_app"
        options = ["--host", "127.0.0.1", "--port", str(self.port)]
        options += ["--log-level", "error", "--lifespan", "on"]
        return subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-c", _SERVE, "--factory", factory, *options],
            env={**os.environ, **_EMBEDDED, **settings},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )


def kill_server() -> None:
    """End the server that Prefect started in this process at once; it takes 2 s."""
    process = SubprocessASGIServer().server_process
    if process is not None:
        process.kill()


_EMBEDDED = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}
"""What Prefect sets for the server that it starts for itself."""

_SERVE = """\
import os, runpy, sys, threading

def end_with_parent():
    os.read(0, 1)
    os._exit(0)

threading.Thread(target=end_with_parent, daemon=True).start()
runpy.run_module("uvicorn", run_name="__main__", alter_sys=True)
"""
