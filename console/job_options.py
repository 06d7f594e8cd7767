"""The options that make a job; `run` takes all of them, `generate` those it needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import typer

from .options import pairs

__all__ = ["RESPONSE_MODEL", "Input", "LimitOptions", "RequestOptions"]

_ASKED = "What is asked"
_LIMITS = "Limits and further tries"

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="The rows: a .csv, .parquet or .jsonl, a glob of these, a URL (s3://...),"
        " or - for JSON lines on standard input.",
    ),
]
RESPONSE_MODEL = (
    "What an answer must be: file.py:Class, package.module:Class or a JSON Schema file."
)


class _Options:
    def as_fields(self) -> dict[str, Any]:
        """Return what was given, under the names of `BatchJob`."""
        return {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type] # every heir is a dataclass


@dataclass(frozen=True, kw_only=True)
class RequestOptions(_Options):
    """What goes into each request."""

    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The model. claude... asks Anthropic, all others OpenAI;"
            " anthropic/NAME and openai/NAME say it outright.",
            rich_help_panel=_ASKED,
        ),
    ]
    prompt: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The user's message; {{name}} is the column of that name.",
            rich_help_panel=_ASKED,
        ),
    ] = None
    system: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The system text; {{name}} is the column of that name.",
            rich_help_panel=_ASKED,
        ),
    ] = None
    messages: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A YAML or JSON list of messages, instead of --prompt and --system.",
            rich_help_panel=_ASKED,
        ),
    ] = None
    response_model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help=RESPONSE_MODEL,
            show_default="plain text",
            rich_help_panel=_ASKED,
        ),
    ] = None
    mode: Annotated[
        Literal["auto", "json_schema", "tools"],
        typer.Option(
            metavar="MODE",
            help="How answers are held to it: json_schema, tools (a forced tool call),"
            " or auto: json_schema where the model knows it.",
            rich_help_panel=_ASKED,
        ),
    ] = "auto"
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The API to ask: /v1/chat/completions, /v1/responses, /v1/embeddings"
            " or /v1/messages.",
            show_default="by the model",
            rich_help_panel=_ASKED,
        ),
    ] = None
    max_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="TOKENS",
            help="Most tokens of one answer.",
            show_default="the model's limit; Anthropic: 4096",
            rich_help_panel=_ASKED,
        ),
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=2,
            metavar="X",
            help="How much chance decides; 0 is least.",
            show_default="the model's",
            rich_help_panel=_ASKED,
        ),
    ] = None
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=JSON",
            help="Another parameter of each request, such as seed=7; repeatable.",
            rich_help_panel=_ASKED,
        ),
    ] = None
    cache_system: Annotated[
        bool,
        typer.Option(
            "--cache-system",
            help="Mark the system text for Anthropic's prompt cache.",
            rich_help_panel=_ASKED,
        ),
    ] = False
    max_requests_per_batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Most requests in one batch.",
            show_default="the provider's limit",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    max_bytes_per_batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="BYTES",
            help="Most bytes of requests in one batch.",
            show_default="the provider's limit",
            rich_help_panel=_LIMITS,
        ),
    ] = None

    def as_fields(self) -> dict[str, Any]:
        """Return what was given, under the names of `BatchJob`.

        Raises:
            BadParameter: A `--param` that is no `KEY=JSON`.
        """
        given = super().as_fields()
        texts = pairs(given.pop("param"), "--param")
        given["params"] = {key: _json(key, text) for key, text in texts.items()}
        return given


@dataclass(frozen=True, kw_only=True)
class LimitOptions(_Options):
    """How a run spends what it may spend."""

    max_in_flight: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Most batches at the provider at the same time.",
            rich_help_panel=_LIMITS,
        ),
    ] = 20
    max_rounds: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="How often requests that failed for a passing reason are sent again.",
            rich_help_panel=_LIMITS,
        ),
    ] = 2
    reask: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="How often an answer that does not fit the response model goes back"
            " to the model, with what is wrong.",
            rich_help_panel=_LIMITS,
        ),
    ] = 0
    canary: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="ROWS",
            help="Send so many first rows alone; the others follow if enough succeed.",
            show_default="off",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    canary_success: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of the --canary rows that is enough.",
            rich_help_panel=_LIMITS,
        ),
    ] = 0.9
    max_cost_usd: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="USD",
            help="Create no batch that may take the run over this; needs --max-tokens.",
            show_default="no limit",
            rich_help_panel=_LIMITS,
        ),
    ] = None


def _json(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as exc:
        quoted = json.dumps(text)
        raise typer.BadParameter(
            f"{text!r} is no JSON; for a text write {key}='{quoted}'.",
            param_hint="--param",
        ) from exc
