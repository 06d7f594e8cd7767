"""A job as the user declares it, and as a run keeps it."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict
from upath import UPath

from ..errors import InputError
from ..models import RequestTemplate
from ..providers import split_model
from .answers.response_model import Answer, load_answer
from .job import BatchJob
from .resolve_steps import (
    absolute,
    answer_columns,
    answer_schema,
    base_url_for,
    check_budget,
    endpoint_for,
    resolve_prompt,
)
from .rows.source import open_rows
from .tables.formats import OUTPUT_SUFFIXES

__all__ = ["BatchJob", "ResolvedJob", "check_output", "fill_dates", "resolve"]

_DATE = re.compile(r"\{date:([^}]+)\}")


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
    if not output.lower().endswith(OUTPUT_SUFFIXES):
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
