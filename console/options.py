"""The options that commands share, declared once with their units and defaults."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ..errors import InputError

__all__ = ["AsJson", "BatchId", "FilePath", "RunDir", "Target", "expanded", "pairs"]

AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON instead, one object a line.")
]
BatchId = Annotated[
    str, typer.Option(metavar="ID", help="The batch, as `list` shows it.")
]
FilePath = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="The requests, as JSON lines.",
        readable=False,  # it is no wrong usage, and opening the file says it better
    ),
]
RunDir = Annotated[
    str,
    typer.Argument(metavar="RUN_DIR", help="The run's folder, or its URL (s3://...)."),
]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Which provider a command talks to."""

    use_anthropic: Annotated[
        bool,
        typer.Option(
            "--use-anthropic",
            help="Use the Anthropic API instead of OpenAI's.",
        ),
    ] = False
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The provider: openai (default), anthropic, or one that an installed"
            " package adds.",
        ),
    ] = None

    @property
    def name(self) -> str:
        """The provider's name; the default where none was given.

        Raises:
            BadParameter: Two different ones were given, or an unknown one.
        """
        from ..providers import DEFAULT_PROVIDER, get_vendor  # noqa: PLC0415 - for help

        flagged = "anthropic" if self.use_anthropic else None
        if flagged and self.provider not in {None, flagged}:
            raise typer.BadParameter(
                f"--use-anthropic and --provider {self.provider} contradict each other."
            )
        name = flagged or self.provider or DEFAULT_PROVIDER
        try:
            return get_vendor(name).name
        except InputError as exc:
            raise typer.BadParameter(str(exc), param_hint="--provider") from exc


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of its dataclass parameters.

    Typer sees the fields; the command gets the dataclass.
    """
    parameters = _parameters(command)
    groups: dict[str, Any] = {
        name: each.annotation
        for name, each in parameters.items()
        if is_dataclass(each.annotation)
    }
    members = {name: _parameters(kind) for name, kind in groups.items()}

    @functools.wraps(command)
    def with_groups(**values: Any) -> None:
        for name, kind in groups.items():
            values[name] = kind(**{each: values.pop(each) for each in members[name]})
        command(**values)

    flat: dict[str, inspect.Parameter] = {}
    for name, parameter in parameters.items():
        flat |= members.get(name, {name: parameter})
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([e.replace(kind=keyword_only) for e in flat.values()])
    with_groups.__signature__ = signature  # type: ignore[attr-defined] # Typer reads it
    with_groups.__annotations__ = {name: each.annotation for name, each in flat.items()}
    return with_groups


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function or dataclass, annotations evaluated."""
    hints = get_type_hints(function, include_extras=True)
    return {
        name: parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
    }


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
