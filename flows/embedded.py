"""The program of the embedded server: Prefect's API for one process.

    python -P embedded.py prefect.server.api.server:create_app

It is a file of its own that imports nothing of batchwright. Its standard input is a
socket: it writes its address there, or why it did not start, and ends as soon as the
other end is closed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from contextlib import suppress
from importlib import import_module
from threading import Thread, Timer
from typing import Any, NoReturn

__all__ = ["main"]

_STANDARD_INPUT = 0
_GRACE_SECONDS = 5
"""How long it may take to record what it was told last."""

_ROUTERS = "API_ROUTERS"
"""The routes of Prefect's API, as its module keeps them."""
_USED = (
    "/flows",
    "/flow_runs",
    "/task_runs",
    "/artifacts",
    "/logs",
    "/events",
    "/admin",
    "/csrf-token",
    "/block_documents",
)
"""What a run of our flows calls. FastAPI prepares routes in their order until one fits,
and those of the whole API take as long as a small run."""


def main(factory: str) -> NoReturn:
    """Serve until the other end of standard input is closed."""
    # Objects made by imports stay; searching them for garbage takes 0.5 s.
    gc.disable()
    code = 0
    try:
        asyncio.run(_serve(_application(factory)))
    except BaseException as exc:  # noqa: BLE001 - whatever it is, it is told
        cause = getattr(exc, "orig", None) or exc  # SQLAlchemy adds its SQL
        with suppress(OSError):
            _tell(" ".join(f"{type(cause).__name__}: {cause}".split()))
        code = 1
    sys.stderr.flush()
    os._exit(code)  # taking the objects apart takes 1 s


def _application(factory: str) -> Any:
    module_name, _, name = factory.partition(":")
    module = import_module(module_name)
    routers = getattr(module, _ROUTERS, ())
    ordered = sorted(routers, key=lambda each: each.prefix not in _USED)
    setattr(module, _ROUTERS, tuple(ordered))
    # Its parts that call it themselves find this app, made without arguments.
    return getattr(module, name)()


async def _serve(app: Any) -> None:
    import uvicorn  # noqa: PLC0415 - an installation without it is told as well

    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))

    def end() -> None:
        os.read(_STANDARD_INPUT, 1)
        deadline = Timer(_GRACE_SECONDS, os._exit, [1])
        deadline.daemon = True
        deadline.start()
        server.should_exit = True

    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Not by uvicorn, which only logs an error in it.
        async with app.router.lifespan_context(app):
            gc.freeze()
            gc.enable()
            Thread(target=end, daemon=True).start()
            _tell(f"http://127.0.0.1:{listener.getsockname()[1]}/api")
            await server.serve([listener])


def _tell(text: str) -> None:
    os.write(_STANDARD_INPUT, f"{text}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
