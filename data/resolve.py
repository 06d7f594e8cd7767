"""From a job as the user gives it to the job that a run keeps."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict
from upath import UPath

from ..errors import InputError
from ..models import RequestTemplate, Usage
from ..providers import split_model
from .answers.load import load_answer, resolve_response_model
from .answers.response_model import AnswerReader
from .bounds import refuse_unbounded_params
from .columns import META
from .endpoints import (
    base_url_for,
    endpoint_for,
    refuse_foreign_model,
    window_for,
)
from .files import absolute
from .job import BatchJob
from .prices import price
from .rows.block import refuse_collisions
from .rows.source import open_rows
from .tables.formats import OUTPUT_SUFFIXES

__all__ = [
    "ResolvedJob",
    "check_budget",
    "check_output",
    "fill_dates",
    "quoted",
    "resolve",
]

_FINGERPRINT_VERSION = 2
"""Raised where an equal job gets another fingerprint; 0.1 covered every field."""

_DATE = re.compile(r"\{date:([^}]+)\}")


class ResolvedJob(BaseModel):
    """`job.json`: a job with absolute paths, filled dates and loaded templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: BatchJob
    provider: str
    base_url: str
    synthetic: bool
    """Whether the sandbox answers; such a run never continues at a real host."""
    template: RequestTemplate
    """With the system text, where it is the same for every row."""
    messages: tuple[dict[str, Any], ...]
    """The templates of all other messages."""
    own_messages: bool
    """Whether each row brings `messages` of its own."""
    folder: str
    """Where relative paths of images and PDFs in the messages start."""
    response_model_digest: str | None = None
    """SHA-256 of the file of the response model's class, which code is imported from;
    None in a directory of version 0.1."""

    def fingerprint(self) -> str:
        """Return a SHA-256 in hex that equal jobs share, whatever the rows are.

        It leaves out fields that have their default, so that a field that a later
        version adds changes no fingerprint, the code of the response model, whose
        schema is covered, and `same_prompt`, which changes no request.
        """
        data = self.model_dump(
            mode="json",
            exclude_defaults=True,
            exclude={"response_model_digest": True, "job": {"same_prompt"}},
        )
        data["fingerprint_version"] = _FINGERPRINT_VERSION
        return hashlib.sha256(
            orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        ).hexdigest()

    def answer(
        self, response_model: str | None = None, digest: str | None = None
    ) -> AnswerReader:
        """Load the response model that answers are validated against.

        Args:
            response_model: Used instead of the job's; it may differ from what was sent.
            digest: SHA-256 that the file of `response_model` must have.

        Raises:
            InputError: It cannot be loaded, or has changed.
        """
        if response_model is not None:
            return load_answer(response_model, digest=digest)
        return load_answer(
            self.job.response_model,
            self.template.answer_schema,
            digest=self.response_model_digest,
            embedding=self.template.endpoint == "/v1/embeddings",
        )

    def answer_columns(self) -> frozenset[str]:
        """Return the names of the answer's columns in the output, prefix included."""
        prefix = self.job.answer_prefix or ""
        return frozenset(prefix + name for name in self.answer().columns)


def quoted(text: str) -> str:
    """Return a prompt so that `read_text` gives it back, whatever it begins with."""
    return f"@{text}" if text.startswith("@") else text


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
    """Read all that a run needs besides the rows, and refuse what cannot work.

    An output that exists is not refused here but by `check_output`, because it may be
    this run's own.

    Args:
        job: As the user gave it.
        base_url: Where requests go; None reads the SDK's environment variable.
        now: The time that `{date:...}` is filled with.
        with_table: False if only requests are made, so that the answer may have
            columns with names of the input's.

    Raises:
        InputError: The job cannot be run as it is.
        SchemaError: The provider cannot express the response model.
    """
    # A job that is read back has its templates: `status` needs no Jinja2.
    from .prompts.files import read_text  # noqa: PLC0415
    from .prompts.named import refuse_same_prompt  # noqa: PLC0415
    from .prompts.prompt import resolve_prompt  # noqa: PLC0415

    when = now or datetime.now(UTC)
    provider, model = split_model(job.model)
    output = absolute(fill_dates(job.output, when))
    if not output.lower().endswith(OUTPUT_SUFFIXES):
        raise InputError(
            f"The output {output} must end in .parquet, .csv or .jsonl, which says in"
            " what format it is written."
        )
    answer = resolve_response_model(job.response_model)
    texts = {"prompt": read_text(job.prompt), "system": read_text(job.system)}
    prompt = resolve_prompt(**texts, messages=job.messages, attachments=job.attachments)
    template = RequestTemplate(
        model=model,
        endpoint=endpoint_for(provider, model, job.endpoint),
        system=prompt.system,
        answer_schema=answer.schema,
        answer_name=answer.name,
        mode=job.mode,
        max_tokens=job.max_tokens,
        temperature=job.temperature,
        params=job.params,
        cache_system=job.cache_system,
        base_model=job.price_model,
    )
    resolved = ResolvedJob(
        job=job.model_copy(
            update={
                "input": absolute(fill_dates(job.input, when)),
                "output": output,
                "messages": job.messages and absolute(job.messages),
                "attachments": job.attachments and absolute(job.attachments),
                "response_model": answer.stored,
                "completion_window": window_for(provider, job.completion_window),
                # The text of a file; it is not read again.
                **{name: text and quoted(text) for name, text in texts.items()},
            }
        ),
        provider=provider,
        base_url=base_url_for(provider, base_url, synthetic=job.sandbox),
        synthetic=job.sandbox,
        template=template,
        messages=tuple(prompt.messages),
        own_messages=prompt.own_messages,
        folder=str(prompt.folder),
        response_model_digest=answer.digest,
    )
    if not job.sandbox:
        refuse_foreign_model(provider, model, resolved.base_url)
    source = open_rows(resolved.job.input, job.encoding)
    if not job.same_prompt:
        refuse_same_prompt(prompt.filled, source, resolved.job.input)
    if with_table:
        taken = [*(source.columns or ()), *META]
        refuse_collisions(resolved.answer_columns(), taken, resolved.job.input)
    check_budget(resolved)
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


def check_budget(job: ResolvedJob) -> None:
    """Refuse a cost limit that cannot be kept.

    Raises:
        InputError: Requests have no limit of tokens, or no known price.
    """
    if job.job.max_cost_usd is None:
        return
    refuse_unbounded_params(job.template)
    model, usage = job.template.known_model, Usage(input_tokens=1, output_tokens=1)
    if price(job.provider, model, usage) is None:
        raise InputError(
            f"The price of {model!r} is unknown, so --max-cost-usd cannot be kept; drop"
            " it, or take a model with a known price."
        )
