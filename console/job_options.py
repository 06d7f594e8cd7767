"""The options that make a job; `run` and `generate` share them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..models import Endpoint, Mode

__all__ = [
    "AnswerPrefix",
    "CacheSystem",
    "Canary",
    "CanarySuccess",
    "EndpointOption",
    "Input",
    "MaxBytesPerBatch",
    "MaxCostUsd",
    "MaxInFlight",
    "MaxRequestsPerBatch",
    "MaxRounds",
    "MaxTokens",
    "MessagesFile",
    "ModeOption",
    "Model",
    "Output",
    "Overwrite",
    "Params",
    "Prompt",
    "Reask",
    "ResponseModel",
    "RunDir",
    "RunDirArgument",
    "System",
    "Temperature",
    "UseSandbox",
    "Wait",
    "json_pairs",
]

_REQUESTS = "What is asked"
_LIMITS = "How much, how often"
_OUTPUT = "What is written"
_RUN = "The run"

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="Rows: .csv, .parquet, .jsonl, a glob, an fsspec URL, or - for JSON lines"
        " on standard input.",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME",
        help="The model; claude... means Anthropic, openai/... and anthropic/... say"
        " it outright.",
        rich_help_panel=_REQUESTS,
    ),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="The user's turn, with columns as {{ name }}.",
        rich_help_panel=_REQUESTS,
    ),
]
System = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="The system text, with columns as {{ name }}.",
        rich_help_panel=_REQUESTS,
    ),
]
MessagesFile = Annotated[
    str | None,
    typer.Option(
        "--messages",
        metavar="FILE",
        help="A YAML or JSON list of messages, instead of --prompt.",
        rich_help_panel=_REQUESTS,
    ),
]
ResponseModel = Annotated[
    str | None,
    typer.Option(
        "--response-model",
        metavar="MODEL",
        help="What an answer must be: file.py:Class, package.module:Class or a JSON"
        " Schema file. Without it: plain text.",
        rich_help_panel=_REQUESTS,
    ),
]
ModeOption = Annotated[
    Mode,
    typer.Option(
        "--mode",
        help="How the answer is held to the response model; auto takes what the model"
        " knows.",
        rich_help_panel=_REQUESTS,
    ),
]
EndpointOption = Annotated[
    Endpoint | None,
    typer.Option(
        "--endpoint",
        help="The API's path; by default the provider's chat.",
        rich_help_panel=_REQUESTS,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Tokens of one answer at most. Default: the model's own limit; 4096 for"
        " Anthropic.",
        rich_help_panel=_REQUESTS,
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=2,
        metavar="X",
        help="0 to 2. Default: the model's own.",
        rich_help_panel=_REQUESTS,
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="K=JSON",
        help="Another parameter of the request body, sent as it is. Repeatable.",
        rich_help_panel=_REQUESTS,
    ),
]
CacheSystem = Annotated[
    bool,
    typer.Option(
        "--cache-system",
        help="Mark the system text for Anthropic's prompt cache.",
        rich_help_panel=_REQUESTS,
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        metavar="FILE",
        help="The table to write: .parquet, .csv or .jsonl.",
        rich_help_panel=_OUTPUT,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Replace an existing output.", rich_help_panel=_OUTPUT
    ),
]
AnswerPrefix = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Put before each answer field to name its column.",
        rich_help_panel=_OUTPUT,
    ),
]
MaxRequestsPerBatch = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Requests in one batch at most. Default: the provider's limit.",
        rich_help_panel=_LIMITS,
    ),
]
MaxBytesPerBatch = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Bytes in one batch at most. Default: the provider's limit.",
        rich_help_panel=_LIMITS,
    ),
]
MaxInFlight = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="Batches at the provider at the same time.",
        rich_help_panel=_LIMITS,
    ),
]
MaxRounds = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="Further rounds for requests that are worth another try.",
        rich_help_panel=_LIMITS,
    ),
]
Reask = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="Rounds in which an invalid answer goes back with what is wrong.",
        rich_help_panel=_LIMITS,
    ),
]
Canary = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Send the first N rows alone, and the rest if enough succeed.",
        rich_help_panel=_LIMITS,
    ),
]
CanarySuccess = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        metavar="X",
        help="Share of the canary that must succeed, 0 to 1.",
        rich_help_panel=_LIMITS,
    ),
]
MaxCostUsd = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="USD",
        help="Create no batch that may pass this; needs --max-tokens.",
        rich_help_panel=_LIMITS,
    ),
]


RunDir = Annotated[
    str | None,
    typer.Option(
        "--run-dir",
        metavar="DIR",
        help="The run's folder or URL. Default: one under BATCHWRIGHT_RUNS_DIR, named"
        " after the output.",
        rich_help_panel=_RUN,
    ),
]
RunDirArgument = Annotated[
    str, typer.Argument(metavar="RUN_DIR", help="The run's folder or URL.")
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait",
        help="Wait until the run is done; otherwise end after submission.",
        rich_help_panel=_RUN,
    ),
]
UseSandbox = Annotated[
    bool,
    typer.Option(
        "--sandbox",
        help="Synthetic answers from a local server: no key, no network, no cost.",
        rich_help_panel=_RUN,
    ),
]


def json_pairs(values: list[str] | None) -> dict[str, Any]:
    """Split each `K=JSON`; text that is no JSON is taken as text."""
    import json  # noqa: PLC0415 - only commands that build requests need it

    found: dict[str, Any] = {}
    for value in values or ():
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{value!r} is not K=JSON.", param_hint="--param")
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found
