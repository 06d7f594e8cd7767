"""The options that make a job; `run` takes all of them, `generate` those it needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import typer

from .options import pairs

__all__ = ["Input", "LimitOptions", "RequestOptions", "ResponseModel"]

_ASKED = "What is asked"
_LIMITS = "How much, how often"

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="Rows: .csv, .parquet, .jsonl, a glob, an fsspec URL, or - for JSON lines"
        " on standard input.",
    ),
]
ResponseModel = Annotated[
    str | None,
    typer.Option(
        "--response-model",
        metavar="MODEL",
        help="What an answer must be: path/file.py:Class, package.module:Class or a"
        " JSON Schema file.",
        show_default="plain text",
        rich_help_panel=_ASKED,
    ),
]


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
            help="The model: `claude...` means Anthropic, all else OpenAI;"
            " `openai/...` and `anthropic/...` say it outright.",
            rich_help_panel=_ASKED,
        ),
    ]
    prompt: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The user's turn; a column stands as {{ name }}.",
            rich_help_panel=_ASKED,
        ),
    ] = None
    system: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The system text; a column stands as {{ name }}.",
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
    response_model: ResponseModel = None
    mode: Annotated[
        Literal["auto", "json_schema", "tools"],
        typer.Option(
            help="How the answer is held to the response model; auto takes what the"
            " model knows.",
            rich_help_panel=_ASKED,
        ),
    ] = "auto"
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The API: /v1/chat/completions, /v1/responses, /v1/embeddings or"
            " /v1/messages.",
            show_default="the provider's chat; for embedding models their own",
            rich_help_panel=_ASKED,
        ),
    ] = None
    max_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="TOKENS",
            help="Length of one answer at most.",
            show_default="the model's own limit; 4096 for Anthropic",
            rich_help_panel=_ASKED,
        ),
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=2,
            metavar="X",
            help="How free the answers are.",
            show_default="the model's own",
            rich_help_panel=_ASKED,
        ),
    ] = None
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=JSON",
            help="Another parameter of the request body, sent as it is; repeatable.",
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
            help="Requests in one batch at most.",
            show_default="the provider's limit",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    max_bytes_per_batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="BYTES",
            help="Size of one batch at most.",
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
            help="Batches at the provider at the same time.",
            rich_help_panel=_LIMITS,
        ),
    ] = 20
    max_rounds: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Further rounds for requests that are worth another try.",
            rich_help_panel=_LIMITS,
        ),
    ] = 2
    reask: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Rounds in which an invalid answer goes back with what is wrong.",
            rich_help_panel=_LIMITS,
        ),
    ] = 0
    canary: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="ROWS",
            help="Send so many first rows alone, and the rest if enough succeed.",
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
            help="Share of the canary's rows that must succeed, 0 to 1.",
            rich_help_panel=_LIMITS,
        ),
    ] = 0.9
    max_cost_usd: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="USD",
            help="Create no batch that may pass this; needs --max-tokens.",
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
