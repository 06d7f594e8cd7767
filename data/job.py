"""What the user asks for, declared once: `BatchJob`, and `ResolvedJob` for the run."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from upath import UPath

from ..errors import InputError
from ..models import Endpoint, Mode, RequestTemplate
from ..providers import split_model
from ._import_model import portable_model
from ._resolve import (
    absolute,
    answer_columns,
    answer_schema,
    base_url_for,
    check_budget,
    endpoint_for,
    resolve_prompt,
)
from .messages import create_from_messages, parse_from_file, parse_from_string
from .response_model import Answer, load_answer
from .rows import open_rows

__all__ = ["BatchJob", "ResolvedJob", "check_output", "fill_dates", "resolve"]

_OUTPUTS = (".parquet", ".csv", ".jsonl", ".ndjson")
_DATE = re.compile(r"\{date:([^}]+)\}")

ResponseModel = Annotated[
    str | dict[str, Any] | type[BaseModel] | None,
    BeforeValidator(portable_model),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}
    ),
]
"""A class that is given becomes a string, or a JSON Schema if it has no import path."""


class BatchJob(BaseModel):
    """A table in, a prompt, a model, a typed table out."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    input: str = Field(
        description="Rows: a .csv, .parquet, .jsonl or .ndjson file, a glob of these, or"
        " an fsspec URL. May contain {date:%Y-%m-%d}."
    )
    output: str = Field(
        description="The table to write: .parquet, .csv or .jsonl; a path or an fsspec"
        " URL. May contain {date:%Y-%m-%d}."
    )
    model: str = Field(
        min_length=1,
        description="The provider's name of the model; `claude...` means Anthropic,"
        " `openai/...` and `anthropic/...` say it outright.",
    )
    prompt: str | None = Field(
        default=None, description="The user's turn, a Jinja2 template over the columns."
    )
    system: str | None = Field(
        default=None, description="The system text, a Jinja2 template over the columns."
    )
    messages: str | None = Field(
        default=None,
        description="A YAML or JSON file with a list of messages, instead of `prompt`.",
    )
    response_model: ResponseModel = Field(
        default=None,
        description="`package.module:Class`, `path/to/file.py:Class`, a JSON Schema or"
        " its path; without it the answer is plain text.",
    )
    endpoint: Endpoint | None = Field(
        default=None, description="The API's path; by default the provider's chat."
    )
    mode: Mode = Field(
        default="auto", description="How the answer is held to the response model."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens of one answer at most."
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    params: dict[str, Any] = Field(
        default={}, description="More parameters of the request body, sent as they are."
    )
    overwrite: bool = Field(default=False, description="Replace an existing output.")
    answer_prefix: str | None = Field(
        default=None, description="Put before each answer field to name its column."
    )
    max_requests_per_batch: int | None = Field(
        default=None, ge=1, description="Fewer than the provider's limit."
    )
    max_bytes_per_batch: int | None = Field(
        default=None, ge=1, description="Fewer bytes than the provider's limit."
    )
    max_in_flight: int = Field(
        default=20, ge=1, description="Batches at the provider at the same time."
    )
    max_rounds: int = Field(
        default=2, ge=0, description="Further rounds for requests worth another try."
    )
    reask: int = Field(
        default=0, ge=0, description="Rounds in which an invalid answer is sent back."
    )
    canary: int | None = Field(
        default=None, ge=1, description="Send so many first rows alone."
    )
    canary_success: float = Field(
        default=0.9, ge=0, le=1, description="Share of the canary that must succeed."
    )
    cache_system: bool = Field(
        default=False, description="Mark the system text for Anthropic's prompt cache."
    )
    max_cost_usd: float | None = Field(
        default=None,
        gt=0,
        description="Create no batch that may pass this; US dollars.",
    )
    metadata: dict[str, str] = Field(
        default={}, description="Pairs stored with each batch (OpenAI)."
    )
    sandbox: bool = Field(
        default=False,
        description="Answer with synthetic data from a local server; costs nothing.",
    )

    @property
    def provider(self) -> str:
        """The provider that the model's name means."""
        return split_model(self.model)[0]

    create_from_messages = staticmethod(create_from_messages)
    parse_from_file = staticmethod(parse_from_file)
    parse_from_string = staticmethod(parse_from_string)


class ResolvedJob(BaseModel):
    """`job.json`: a job that no longer depends on where and when it was given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: BatchJob
    """With absolute paths and dates filled in."""
    provider: str
    base_url: str
    synthetic: bool
    """The sandbox answers; such a run never goes on against a real host."""
    template: RequestTemplate
    messages: tuple[dict[str, Any], ...]
    """The conversation as templates; a system text that no row changes is not here."""
    own_messages: bool
    """Each row brings its own `messages`."""
    folder: str
    """Where relative paths of images and files in the messages start."""

    def fingerprint(self) -> str:
        """Return a SHA-256, hex: equal for the same job, whatever the input holds."""
        data = self.model_dump(mode="json")
        return hashlib.sha256(
            orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        ).hexdigest()

    def answer(self, response_model: str | None = None) -> Answer:
        """Load what answers are validated against.

        Args:
            response_model: Another one than the job's; it need not be what was sent.

        Raises:
            InputError: It cannot be loaded, or has changed since `resolve`.
        """
        if response_model is not None:
            return load_answer(response_model)
        return load_answer(
            self.job.response_model,
            self.template.answer_schema,
            embedding=self.template.endpoint == "/v1/embeddings",
        )


def fill_dates(text: str, when: datetime) -> str:
    """Replace each `{date:FORMAT}` by `when` in that strftime format."""
    return _DATE.sub(lambda found: when.strftime(found[1]), text)


def resolve(
    job: BatchJob,
    *,
    base_url: str | None = None,
    now: datetime | None = None,
    with_table: bool = True,
) -> ResolvedJob:
    """Fix everything that a run needs to know, and refuse what cannot work.

    Reads the input's header, the templates and the response model, once. An output
    that exists is not refused here but by `check_output`: it may be this run's own.

    Args:
        job: As the user gave it.
        base_url: Where requests go; None asks the SDK's environment variable.
        synthetic: The sandbox answers.
        now: What `{date:...}` stands for.
        with_table: False where requests alone are wanted, so that the answer's
            columns may have the names of the input's.

    Raises:
        InputError: The job cannot be run as it is.
        SchemaError: The provider cannot express the response model.
    """
    when = now or datetime.now(UTC)
    provider, model = split_model(job.model)
    output = absolute(fill_dates(job.output, when))
    if not output.lower().endswith(_OUTPUTS):
        raise InputError(
            f"The output {output} must end in .parquet, .csv or .jsonl: that says how"
            " it is written."
        )
    schema, response_model, name = answer_schema(job.response_model)
    prompt = resolve_prompt(job.prompt, job.system, job.messages)
    template = RequestTemplate(
        model=model,
        endpoint=endpoint_for(provider, model, job.endpoint),
        system=prompt.system,
        answer_schema=schema,
        answer_name=name,
        mode=job.mode,
        max_tokens=job.max_tokens,
        temperature=job.temperature,
        params=job.params,
        cache_system=job.cache_system,
    )
    resolved = ResolvedJob(
        job=job.model_copy(
            update={
                "input": absolute(fill_dates(job.input, when)),
                "output": output,
                "messages": job.messages and absolute(job.messages),
                "response_model": response_model,
            }
        ),
        provider=provider,
        base_url=base_url_for(provider, base_url, synthetic=job.sandbox),
        synthetic=job.sandbox,
        template=template,
        messages=tuple(prompt.messages),
        own_messages=prompt.own_messages,
        folder=str(prompt.folder),
    )
    source = open_rows(resolved.job.input)
    if with_table:
        names = resolved.answer().columns
        answer_columns(
            names, job.answer_prefix, source.columns or (), resolved.job.input
        )
    check_budget(provider, model, job.max_tokens, job.max_cost_usd)
    return resolved


def check_output(job: BatchJob) -> None:
    """Refuse an output that exists, unless `overwrite` is set.

    Raises:
        InputError: It exists.
    """
    if not job.overwrite and UPath(job.output).exists():
        raise InputError(
            f"{job.output} exists; name another --output, or replace it with"
            " --overwrite."
        )
