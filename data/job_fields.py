"""The fields of a job: type, default, bounds and help, each declared once.

`BatchJob` and the options of the command line are both built from this table. It is
apart from `BatchJob` because Pydantic takes 80 ms to import, half of a help page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

__all__ = ["JOB_FIELDS", "LIMITS", "OUTPUT", "REQUEST", "RUN", "SIZE", "JobField"]

REQUEST = "Request"
SIZE = "Size of a batch"
OUTPUT = "Output"
LIMITS = "Limits and rounds"
RUN = "Run"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobField:
    """One field of `BatchJob`, and the option that sets it."""

    help: str
    kind: type = str
    default: Any = None
    """`...` for a field that must be given."""
    bounds: Mapping[str, Any] = field(default_factory=dict)
    """`ge`, `gt` and `le`, as Pydantic names them."""
    panel: str | None = None
    """Where the help page lists the option; None for a field without an option."""
    metavar: str | None = None
    shown: str | None = None
    """What the help page says in place of a default that is None."""

    @property
    def is_required(self) -> bool:
        """Whether the field must be given."""
        return isinstance(self.default, EllipsisType)


JOB_FIELDS = {
    "input": JobField(
        help="The rows: a .csv, .parquet, .jsonl or .ndjson file, a glob of these, or"
        " an fsspec URL (s3://...); {date:%Y-%m-%d} becomes the day.",
        default=...,
    ),
    "output": JobField(
        help="The table to write: .parquet, .csv or .jsonl; a path or an fsspec URL;"
        " {date:%Y-%m-%d} becomes the day.",
        default=...,
        panel=OUTPUT,
        metavar="FILE",
    ),
    "overwrite": JobField(
        help="Replace an output that exists.", kind=bool, default=False, panel=OUTPUT
    ),
    "answer_prefix": JobField(
        help="Text before the name of each column of the answer.",
        panel=OUTPUT,
        metavar="TEXT",
        shown="none",
    ),
    "model": JobField(
        help="The model. A name that begins with claude means Anthropic, all others"
        " OpenAI; anthropic/NAME and openai/NAME name the provider.",
        default=...,
        panel=REQUEST,
        metavar="NAME",
    ),
    "prompt": JobField(
        help="The user message, a Jinja2 template: {{ name }} is the column of that"
        " name.",
        panel=REQUEST,
        metavar="TEXT",
    ),
    "system": JobField(
        help="The system text, a Jinja2 template like the prompt.",
        panel=REQUEST,
        metavar="TEXT",
    ),
    "messages": JobField(
        help="A YAML or JSON file with a list of messages, instead of prompt and"
        " system text.",
        panel=REQUEST,
        metavar="FILE",
    ),
    "response_model": JobField(
        help="What each answer must be: file.py:Class, package.module:Class or a JSON"
        " Schema file.",
        panel=REQUEST,
        metavar="MODEL",
        shown="plain text",
    ),
    "mode": JobField(
        help="How an answer is made to fit the response model: json_schema, tools (a"
        " forced tool call), or auto: json_schema if the model supports it.",
        default="auto",
        panel=REQUEST,
        metavar="MODE",
    ),
    "endpoint": JobField(
        help="The API endpoint: /v1/chat/completions, /v1/responses, /v1/embeddings or"
        " /v1/messages.",
        panel=REQUEST,
        metavar="PATH",
        shown="by the model",
    ),
    "max_tokens": JobField(
        help="Limit of one answer, in tokens.",
        kind=int,
        bounds={"ge": 1},
        panel=REQUEST,
        metavar="TOKENS",
        shown="the model's limit; Anthropic: 4096",
    ),
    "temperature": JobField(
        help="Sampling temperature, from 0 (least random) to 2.",
        kind=float,
        bounds={"ge": 0, "le": 2},
        panel=REQUEST,
        metavar="X",
        shown="the model's",
    ),
    "params": JobField(
        help="Another parameter of each request, such as seed=7; repeatable.",
        kind=dict,
        default={},
        panel=REQUEST,
        metavar="KEY=JSON",
    ),
    "cache_system": JobField(
        help="Mark the system text for Anthropic's prompt cache.",
        kind=bool,
        default=False,
        panel=REQUEST,
    ),
    "max_requests_per_batch": JobField(
        help="Limit of one batch, in requests.",
        kind=int,
        bounds={"ge": 1},
        panel=SIZE,
        metavar="N",
        shown="the provider's limit",
    ),
    "max_bytes_per_batch": JobField(
        help="Limit of one batch, in bytes of its request file.",
        kind=int,
        bounds={"ge": 1},
        panel=SIZE,
        metavar="BYTES",
        shown="the provider's limit",
    ),
    "max_in_flight": JobField(
        help="Limit of batches that are at the provider at the same time.",
        kind=int,
        default=20,
        bounds={"ge": 1},
        panel=LIMITS,
        metavar="N",
    ),
    "max_rounds": JobField(
        help="How many times requests that failed for a passing reason are sent again.",
        kind=int,
        default=2,
        bounds={"ge": 0},
        panel=LIMITS,
        metavar="N",
    ),
    "reask": JobField(
        help="How many times an answer that does not fit the response model is sent"
        " back to the model, with its errors.",
        kind=int,
        default=0,
        bounds={"ge": 0},
        panel=LIMITS,
        metavar="N",
    ),
    "canary": JobField(
        help="Send this many first rows alone; the others follow if enough succeed.",
        kind=int,
        bounds={"ge": 1},
        panel=LIMITS,
        metavar="ROWS",
        shown="off",
    ),
    "canary_success": JobField(
        help="Share of the canary rows that must succeed, from 0 to 1.",
        kind=float,
        default=0.9,
        bounds={"ge": 0, "le": 1},
        panel=LIMITS,
        metavar="SHARE",
    ),
    "max_cost_usd": JobField(
        help="Create no batch that may take the cost of the run over this amount, in"
        " US dollars; needs a limit of tokens.",
        kind=float,
        bounds={"gt": 0},
        panel=LIMITS,
        metavar="USD",
        shown="no limit",
    ),
    "metadata": JobField(
        help="Pairs of texts that are stored with each batch at OpenAI.",
        kind=dict,
        default={},
    ),
    "credentials": JobField(
        help="The Prefect block with the key: `openai-credentials/NAME`,"
        " `anthropic-credentials/NAME` or `secret/NAME`; never a key. Without it the"
        " worker's environment must have the key.",
    ),
    "sandbox": JobField(
        help="Synthetic answers from a local server: no key, no network, no cost.",
        kind=bool,
        default=False,
        panel=RUN,
    ),
}
