"""The options that commands share, declared once with their units and defaults."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, get_type_hints

import typer

__all__ = [
    "AsJson",
    "BatchId",
    "Provider",
    "Target",
    "expanded",
    "pairs",
]

Provider = Literal["openai", "anthropic"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
BatchId = Annotated[str, typer.Option(help="The batch, as `list` names it.")]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Which provider a command talks to."""

    use_anthropic: Annotated[
        bool,
        typer.Option("--use-anthropic", help="Use Anthropic instead of OpenAI."),
    ] = False
    provider: Annotated[
        Provider | None,
        typer.Option(help="The same by name.", show_default="openai"),
    ] = None

    @property
    def name(self) -> Provider:
        """The provider's name; OpenAI where none was given.

        Raises:
            BadParameter: Two different ones were given.
        """
        if self.use_anthropic and self.provider == "openai":
            raise typer.BadParameter("--use-anthropic and --provider openai disagree.")
        return "anthropic" if self.use_anthropic else self.provider or "openai"


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the fields of its dataclass parameters as options.

    The command line sees one option per field; the command gets the dataclass.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += _options_of(groups[parameter.name])
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    @functools.wraps(command)
    def with_groups(**values: Any) -> None:
        for name, kind in groups.items():
            taken = {each.name: values.pop(each.name) for each in fields(kind)}
            values[name] = kind(**taken)
        command(**values)

    keyword_only = inspect.Parameter.KEYWORD_ONLY
    in_order = [each.replace(kind=keyword_only) for each in parameters]
    with_groups.__signature__ = inspect.Signature(in_order)  # type: ignore[attr-defined] # read by Typer
    with_groups.__annotations__ = {each.name: each.annotation for each in in_order}
    return with_groups


def _options_of(kind: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[each.name],
            default=inspect.Parameter.empty if _is_required(each) else _default(each),
        )
        for each in fields(kind)
    ]
