"""Runs a sandbox in a process of its own: prints its URL, serves until it is killed."""

from __future__ import annotations

import json
import sys

from batchwright.sandbox import Sandbox, serve


def announce(sandbox: Sandbox) -> None:
    """Tell the parent process where to find it."""
    print(sandbox.url, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    folder, faults = sys.argv[1:]
    serve(state_dir=folder, faults=json.loads(faults), ready=announce)
