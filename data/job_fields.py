"""The fields of a job: type, default, bounds and help, each declared once.

`BatchJob` and the options of the command line are both built from this table. It is
apart from `BatchJob` because Pydantic takes 80 ms to import, half of a help page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "CHANGEABLE",
    "JOB_FIELDS",
    "LIMITS",
    "OUTPUT",
    "PANELS",
    "REQUEST",
    "RUN",
    "SIZE",
    "JobField",
]

REQUEST = "Request"
SIZE = "Size of a batch"
OUTPUT = "Output"
LIMITS = "Limits and rounds"
RUN = "Run"


@dataclass(frozen=True, slots=True)
class JobField:
    """One field of `BatchJob`, and the option that sets it."""

    help: str
    kind: type = str
    default: Any = None
    """`...` for a field that must be given."""
    metavar: str | None = None
    shown: str | None = None
    """What the help page shows as the default, in place of None."""
    bounds: Mapping[str, Any] = field(default_factory=dict)
    """`ge`, `gt` and `le`, as Pydantic names them."""
    option: str | None = None
    """The name of the option; None: that of the field."""


PANELS = {
    REQUEST: {
        "model": JobField(
            "The model. A name that begins with claude means Anthropic, all others"
            " OpenAI; PROVIDER/NAME says it outright, as in groq/NAME.",
            default=...,
            metavar="NAME",
        ),
        "prompt": JobField(
            "The user message, a Jinja2 template: {{ name }} is the column of "
            "that name; @FILE reads it from a file.",
            metavar="TEXT",
        ),
        "system": JobField(
            "The system text, a template or @FILE like the prompt.", metavar="TEXT"
        ),
        "same_prompt": JobField(
            "Allow a prompt that names no column, so that each row is sent the same.",
            bool,
            default=False,
        ),
        "messages": JobField(
            "A YAML or JSON file with a list of messages, instead of prompt and"
            " system text.",
            metavar="FILE",
        ),
        "attachments": JobField(
            "The folder of the images and PDFs that a messages file names; a path"
            " that a row fills in must stay inside.",
            metavar="DIR",
            shown="the folder of the messages file",
        ),
        "response_model": JobField(
            "What each answer must be: file.py:Class, package.module:Class or a"
            " JSON Schema file.",
            metavar="MODEL",
            shown="plain text",
        ),
        "mode": JobField(
            "How an answer is made to fit the response model: json_schema, "
            "tools (a forced tool call), or auto: json_schema if the model "
            "supports it.",
            default="auto",
            metavar="MODE",
        ),
        "endpoint": JobField(
            "The API endpoint: /v1/chat/completions, /v1/responses, "
            "/v1/embeddings, /v1/messages, /v1/generateContent, /converse or /invoke.",
            metavar="PATH",
            shown="by the model",
        ),
        "max_tokens": JobField(
            "Limit of one answer, in tokens.",
            int,
            metavar="TOKENS",
            shown="the model's limit; Anthropic: 4096",
            bounds={"ge": 1},
        ),
        "temperature": JobField(
            "Sampling temperature, from 0 (least random) to 2.",
            float,
            metavar="X",
            shown="the model's",
            bounds={"ge": 0, "le": 2},
        ),
        "params": JobField(
            "Another parameter of each request, such as seed=7; repeatable.",
            dict,
            default={},
            metavar="KEY=JSON",
        ),
        "completion_window": JobField(
            "How long a batch may take, as the provider calls it: 24h; some know"
            " others, such as 1h or 7d.",
            metavar="WINDOW",
            shown="the provider's first",
        ),
        "price_model": JobField(
            "The model behind a deployment's name, for prices and capabilities.",
            metavar="NAME",
            shown="the model",
        ),
        "encoding": JobField(
            "The encoding of a text file that is neither UTF-8 nor begins with a BOM:"
            " cp1252, latin-1, shift_jis, ...",
            metavar="NAME",
            shown="UTF-8",
        ),
        "limit": JobField(
            "Take only the first rows of the input, so many at most.",
            int,
            metavar="ROWS",
            shown="all rows",
            bounds={"ge": 1},
        ),
        "cache_system": JobField(
            "Mark the system text for Anthropic's prompt cache.", bool, default=False
        ),
    },
    SIZE: {
        "max_requests_per_batch": JobField(
            "Limit of one batch, in requests.",
            int,
            metavar="N",
            shown="the provider's limit",
            bounds={"ge": 1},
        ),
        "max_bytes_per_batch": JobField(
            "Limit of one batch, in bytes of its request file.",
            int,
            metavar="BYTES",
            shown="the provider's limit",
            bounds={"ge": 1},
        ),
    },
    OUTPUT: {
        "output": JobField(
            "The table to write: .parquet, .csv or .jsonl; a path or an fsspec "
            "URL; {date:%Y-%m-%d} becomes the day.",
            default=...,
            metavar="FILE",
        ),
        "overwrite": JobField("Replace an output that exists.", bool, default=False),
        "answer_prefix": JobField(
            "Text before the name of each column of the answer.",
            metavar="TEXT",
            shown="none",
        ),
    },
    LIMITS: {
        "max_in_flight": JobField(
            "Limit of batches that are at the provider at the same time.",
            int,
            default=20,
            metavar="N",
            bounds={"ge": 1},
        ),
        "max_rounds": JobField(
            "How many times requests that failed temporarily are sent again.",
            int,
            default=2,
            metavar="N",
            bounds={"ge": 0},
        ),
        "reask": JobField(
            "How many times an answer that does not fit the response model is "
            "sent back to the model, with its errors.",
            int,
            default=0,
            metavar="N",
            bounds={"ge": 0},
        ),
        "canary": JobField(
            "Send this many first rows alone; the others follow if enough succeed.",
            int,
            metavar="ROWS",
            shown="off",
            bounds={"ge": 1},
        ),
        "canary_success": JobField(
            "Share of the canary rows that must succeed, from 0 to 1.",
            float,
            default=0.9,
            metavar="SHARE",
            bounds={"ge": 0, "le": 1},
        ),
        "reuse": JobField(
            "Send equal requests once, and take over the answers that other runs in"
            " the same folder have.",
            bool,
            default=False,
        ),
        "max_cost_usd": JobField(
            "Create no batch that may take the cost of the run over this "
            "amount, in US dollars; needs a limit of tokens.",
            float,
            metavar="USD",
            shown="no limit",
            bounds={"gt": 0},
        ),
    },
    RUN: {
        "finish_by_seconds": JobField(
            "When to give up waiting: what no batch has answered by then is asked in"
            " realtime, at the full price. A duration (6h, 90m, 0) or a time of day"
            " with its zone (07:30 Europe/Berlin).",
            metavar="WHEN",
            shown="never",
            option="finish-by",
        ),
        "realtime_concurrency": JobField(
            "Limit of requests that are asked in realtime at the same time.",
            int,
            default=8,
            metavar="N",
            bounds={"ge": 1, "le": 8},
        ),
        "sandbox": JobField(
            "Synthetic answers from a local server: no key, no network, no cost.",
            bool,
            default=False,
        ),
    },
    None: {
        "input": JobField(
            "The rows: a .csv, .tsv, .jsonl, .ndjson, .parquet or .xlsx file, also"
            " with .gz or .zst behind a text format, a glob of these, or an fsspec"
            " URL (s3://...); {date:%Y-%m-%d} becomes the day.",
            default=...,
        ),
        "metadata": JobField(
            "Pairs of texts that are stored with each batch at OpenAI.",
            dict,
            default={},
        ),
        "credentials": JobField(
            "The Prefect block with the key: `openai-credentials/NAME`, "
            "`anthropic-credentials/NAME` or `secret/NAME`; never a key. "
            "Without it the worker's environment must have the key.",
        ),
    },
}
"""Fields by the panel of the help page that lists their options; None: no options."""

CHANGEABLE = {
    *("model", "prompt", "system", "messages", "response_model", "mode"),
    *("max_tokens", "params", "reask", "max_cost_usd"),
}
"""Fields that a retry may change."""

JOB_FIELDS = {name: each for panel in PANELS.values() for name, each in panel.items()}
