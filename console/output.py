"""Where words go: data to standard output, all else to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO

import typer
from pydantic import BaseModel

__all__ = ["is_terminal", "print_json", "say", "use_utf8"]


def use_utf8() -> None:
    """Write UTF-8 whatever the locale; what has no UTF-8 form shows as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches: elsewhere nothing moves, and lines stay plain."""
    return stream.isatty()


def say(text: str) -> None:
    """Tell the person, not the program that reads standard output."""
    typer.echo(text, err=True)


def print_json(models: Iterable[BaseModel]) -> None:
    """Print one JSON object per line."""
    for model in models:
        typer.echo(model.model_dump_json())
