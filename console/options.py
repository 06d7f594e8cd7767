"""The options that commands share, declared once with their units and defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "AsJson",
    "BatchId",
    "FilePath",
    "ProviderName",
    "UseAnthropic",
    "pairs",
    "provider_name",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
BatchId = Annotated[
    str, typer.Option(metavar="ID", help="The batch, as `list` shows it.")
]
FilePath = Annotated[
    Path, typer.Option(metavar="FILE", help="JSON lines, one request or result each.")
]
UseAnthropic = Annotated[
    bool,
    typer.Option("--use-anthropic", help="Use the Anthropic API instead of OpenAI's."),
]
ProviderName = Annotated[
    Literal["openai", "anthropic"] | None,
    typer.Option("--provider", help="The same, by name.", show_default="openai"),
]


def provider_name(use_anthropic: bool, provider: str | None) -> str:  # noqa: FBT001 - the two options, as they came
    """Return the provider's name; OpenAI where none was given.

    Raises:
        BadParameter: Two different ones were given.
    """
    if use_anthropic and provider == "openai":
        raise typer.BadParameter(
            "--use-anthropic and --provider openai contradict each other."
        )
    return "anthropic" if use_anthropic else provider or "openai"


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """Split each `KEY=VALUE`.

    Raises:
        BadParameter: No `=`, no key, or the same key twice.
    """
    found: dict[str, str] = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE.", param_hint=option)
        if key in found:
            raise typer.BadParameter(f"{key!r} is given twice.", param_hint=option)
        found[key] = value
    return found
