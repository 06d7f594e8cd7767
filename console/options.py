"""The options that several commands share, each declared once."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..data.job_fields import (
    CHANGEABLE,
    JOB_FIELDS,
    LIMITS,
    OUTPUT,
    PANELS,
    REQUEST,
    RUN,
    SIZE,
    JobField,
)
from ..errors import InputError

__all__ = [
    "AllJobOptions",
    "AsJson",
    "BatchId",
    "Changes",
    "Faults",
    "FilePath",
    "Input",
    "Overwrite",
    "RequestOptions",
    "RunDir",
    "Target",
    "TryOptions",
    "Wait",
    "expanded",
    "job_option",
    "pairs",
]

_SHOWN = 100
"""Characters of a wrong value in its error."""

AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON instead, one object a line.")
]
BatchId = Annotated[
    str, typer.Option(metavar="ID", help="The ID of the batch, as `list` shows it.")
]
FilePath = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="The request file: JSON lines.",
        readable=False,  # opening the file gives a better error, with exit code 1
    ),
]
RunDir = Annotated[
    str,
    typer.Argument(
        metavar="RUN_DIR",
        help="The run's folder, its URL (s3://...), or its name as `runs` shows it.",
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait",
        help="Wait until the run is done, or end once its batches are created and let"
        " `resume` continue.",
        rich_help_panel=RUN,
    ),
]
Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="The rows: a .csv, .tsv, .jsonl, .parquet or .xlsx file, .csv.gz and the"
        " like, a glob of these, a URL (s3://...), or - for JSON lines on standard"
        " input.",
    ),
]

Faults = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Faults that the sandbox injects, as YAML or JSON; needs --sandbox.",
        readable=False,
        show_default="nothing",
        rich_help_panel=RUN,
    ),
]


@dataclass(frozen=True, slots=True)
class _Computed:
    """Marks a parameter that is computed from the options a function declares."""

    function: Callable[..., Any]


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each `_Computed` parameter of a command by its options."""
    parameters = inspect.signature(command, eval_str=True).parameters
    flat: dict[str, inspect.Parameter] = {}
    computed: dict[str, tuple[Callable[..., Any], list[str]]] = {}
    for name, parameter in parameters.items():
        marks = getattr(parameter.annotation, "__metadata__", ())
        if marks and isinstance(marks[0], _Computed):
            function = marks[0].function
            options = inspect.signature(function, eval_str=True).parameters
            computed[name] = (function, [*options])
            flat |= options
        else:
            flat[name] = parameter

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        for name, (function, options) in computed.items():
            values[name] = function(**{each: values.pop(each) for each in options})
        command(**values)

    # Typer reads both. A required option may come after one with a default.
    with_options.__signature__ = inspect.Signature([*flat.values()])  # type: ignore[attr-defined]
    with_options.__annotations__ = {
        name: each.annotation for name, each in flat.items()
    }
    return with_options


def _target(
    *,
    use_anthropic: Annotated[
        bool,
        typer.Option("--use-anthropic", help="The same as --provider anthropic."),
    ] = False,
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The provider: openai (default), anthropic, gemini, azure, groq,"
            " deepinfra, openrouter, dashscope, doubleword, kimi, zhipu, parasail,"
            " nebius, together, voyage, ogx, aibrix, llm-d, anthropic-aws,"
            " anthropic-gcp, mistral, bedrock, or one that an installed package adds.",
        ),
    ] = None,
) -> str:
    from ..providers import DEFAULT_PROVIDER, get_vendor  # noqa: PLC0415 - for help

    flagged = "anthropic" if use_anthropic else None
    if flagged and provider not in {None, flagged}:
        raise typer.BadParameter(
            f"--use-anthropic and --provider {provider} contradict each other."
        )
    try:
        return get_vendor(flagged or provider or DEFAULT_PROVIDER).name
    except InputError as exc:
        raise typer.BadParameter(str(exc), param_hint="--provider") from exc


Target = Annotated[str, _Computed(_target)]
"""The name of the provider."""


def _option(panel: str, name: str, field: JobField) -> inspect.Parameter:
    """Return the option that sets a field of `BatchJob`."""
    kind: Any = field.kind
    default = inspect.Parameter.empty if field.default is ... else field.default
    if kind is dict:
        name, kind, default = "param", list[str], None
    option = typer.Option(
        f"--{field.option or name.replace('_', '-')}",
        help=field.help,
        metavar=field.metavar,
        show_default=field.shown or True,
        min=field.bounds.get("ge", field.bounds.get("gt")),
        max=field.bounds.get("le"),
        rich_help_panel=panel,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[kind | None if default is None else kind, option],
        default=default,
    )


def _job_options(*panels: str, optional: str | None = None) -> _Computed:
    """Return the options in these panels; their value is a dict of job fields.

    The one that is `optional` may be left out though the field has no default.
    """
    return _fields(
        _option(
            panel, name, replace(field, default=None) if name == optional else field
        )
        for panel in panels
        for name, field in PANELS[panel].items()
    )


def _changes() -> _Computed:
    """Return the options of a retry; their value has the fields that are given."""
    every = _fields(
        _option(panel, name, replace(field, default=None, shown="unchanged"))
        for panel in (REQUEST, LIMITS)
        for name, field in PANELS[panel].items()
        if name in CHANGEABLE
    )

    @functools.wraps(every.function)
    def given(**values: Any) -> dict[str, Any]:
        found = every.function(**values)
        return {name: value for name, value in found.items() if value not in (None, {})}

    return _Computed(given)


def _fields(options: Iterable[inspect.Parameter]) -> _Computed:
    """Return options whose value is a dict of job fields."""

    def fields(**given: Any) -> dict[str, Any]:
        texts = pairs(given.pop("param"), "--param")
        return {
            **given,
            "params": {key: _json(key, text) for key, text in texts.items()},
        }

    fields.__signature__ = inspect.Signature([*options])  # type: ignore[attr-defined]
    return _Computed(fields)


_ALL = REQUEST, SIZE, OUTPUT, LIMITS, RUN
AllJobOptions = Annotated[dict[str, Any], _job_options(*_ALL)]
TryOptions = Annotated[dict[str, Any], _job_options(*_ALL, optional="output")]
Changes = Annotated[dict[str, Any], _changes()]
RequestOptions = Annotated[dict[str, Any], _job_options(REQUEST, SIZE)]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help=JOB_FIELDS["overwrite"].help)
]


def job_option(name: str, shown: str | None = None) -> Any:
    """Return the option of a job's field for another command.

    Args:
        name: Of the field.
        shown: What the help page shows as the default; None: that of the field.
    """
    field = JOB_FIELDS[name]
    return typer.Option(
        metavar=field.metavar,
        help=field.help,
        show_default=shown or field.shown or True,
    )


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


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _json(key: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (RecursionError, ValueError) as exc:
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
        quoted = json.dumps(text)
        raise typer.BadParameter(
            f"{text!r} is no JSON; for a text write {key}='{quoted}'.",
            param_hint="--param",
        ) from exc
