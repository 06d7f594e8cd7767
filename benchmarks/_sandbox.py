"""A sandbox in a process of its own, so that its work is not counted as ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batchwright.sandbox import Sandbox, serve

__all__ = ["sandbox"]


@contextmanager
def sandbox(folder: Path) -> Iterator[dict[str, str]]:
    """Run one; gives the environment that leads to it, with a Prefect of its own."""
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - a pipe was asked for
            url = server.stdout.readline().strip()
            yield {
                "OPENAI_BASE_URL": f"{url}/openai/v1",
                "OPENAI_API_KEY": Sandbox.api_key,
                "PREFECT_HOME": f"{folder}/prefect",
                "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
            }
        finally:
            server.kill()


def _announce(started: Sandbox) -> None:
    print(started.url, flush=True)


if __name__ == "__main__":
    serve(state_dir=sys.argv[1], ready=_announce)
