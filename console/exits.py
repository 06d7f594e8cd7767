"""From what happened to an exit code and one sentence."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import BatchNotEndedError, BatchwrightError

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "NOT_READY",
    "OK",
    "SOME_FAILED",
    "USAGE",
    "Group",
    "say",
]

OK = 0
FAILED = 1
USAGE = 2
SOME_FAILED = 3
NOT_READY = 4
INTERRUPTED = 130


def say(text: str) -> None:
    """Print one line of chatter, where it does not mix with data."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the command line


class Group(TyperGroup):
    """Commands whose errors end in one sentence, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn our errors and an interrupt into an exit code."""
        try:
            return super().invoke(ctx)
        except BatchNotEndedError as exc:
            say(str(exc))
            raise typer.Exit(NOT_READY) from exc
        except BatchwrightError as exc:
            if os.environ.get("BATCHWRIGHT_DEBUG"):
                raise
            say(f"Error: {exc}")
            raise typer.Exit(FAILED) from exc
        except KeyboardInterrupt as exc:
            raise typer.Exit(INTERRUPTED) from exc
        except BrokenPipeError as exc:
            # The reader has seen enough (`| head`); that is no failure of ours.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
            raise typer.Exit(OK) from exc
