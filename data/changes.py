"""A job that was done, with what a retry asks differently."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..errors import InputError
from ..providers import get_vendor, split_model
from .answers.load import resolve_response_model
from .columns import META
from .endpoints import endpoint_for, refuse_foreign_model
from .files import absolute
from .job import BatchJob
from .prompts.files import read_text
from .prompts.named import refuse_same_prompt
from .prompts.prompt import ResolvedPrompt, resolve_prompt
from .resolve import ResolvedJob, check_budget, quoted
from .rows.block import refuse_collisions
from .rows.source import RowSource

__all__ = ["asks_otherwise", "changed_job"]


def changed_job(
    before: ResolvedJob,
    changes: Mapping[str, Any],
    rows: RowSource,
    columns: Collection[str],
) -> ResolvedJob:
    """Return the job with other fields; files that they do not name are not read.

    Args:
        before: As the run keeps it.
        changes: Fields of the job: what is asked, `reask` and `max_cost_usd`. `params`
            are added to the job's.
        rows: Some rows that the run keeps.
        columns: The names of all their columns.

    Raises:
        InputError: The job cannot be run as it is, or the model is another vendor's.
        SchemaError: The provider cannot express the response model.
        ValidationError: A value that a field cannot have.
    """
    fields = {**before.job.model_dump(), **changes}
    fields["params"] = {**before.job.params, **(changes.get("params") or {})}
    job = BatchJob.model_validate(fields)
    provider, model = split_model(job.model)
    if provider != before.provider:
        title, other = (get_vendor(each).title for each in (before.provider, provider))
        raise InputError(
            f"The batches of this run are at {title}, and {job.model!r} is a model of"
            f" {other}. A retry stays with the provider: name {before.provider}/MODEL,"
            " or start a new run."
        )
    template: dict[str, Any] = {
        "model": model,
        "endpoint": endpoint_for(provider, model, job.endpoint),
        "max_tokens": job.max_tokens,
        "params": job.params,
        "mode": job.mode,
    }
    update: dict[str, Any] = {}
    if model != before.template.model:
        if not before.synthetic:
            refuse_foreign_model(provider, model, before.base_url)
        template["base_model"] = None
        job = job.model_copy(update={"price_model": None})
    if not changes.keys().isdisjoint({"prompt", "system", "messages"}):
        job, prompt = _prompt(job, changes)
        if not job.same_prompt:
            refuse_same_prompt(prompt.filled, rows, job.input)
        template["system"] = prompt.system
        update["messages"] = tuple(prompt.messages)
        update["own_messages"] = prompt.own_messages
        update["folder"] = str(prompt.folder)
    if "response_model" in changes:
        answer = resolve_response_model(job.response_model)
        template |= {"answer_schema": answer.schema, "answer_name": answer.name}
        job = job.model_copy(update={"response_model": answer.stored})
        update["response_model_digest"] = answer.digest
    update |= {"job": job, "template": before.template.model_copy(update=template)}
    changed = before.model_copy(update=update)
    refuse_collisions(changed.answer_columns(), [*columns, *META], job.input)
    check_budget(changed)
    return changed


def asks_otherwise(job: ResolvedJob, before: ResolvedJob) -> bool:
    """Whether requests of one job differ from those of the other."""
    return any(
        getattr(job, name) != getattr(before, name)
        for name in ("template", "messages", "own_messages", "folder")
    )


def _prompt(
    job: BatchJob, changes: Mapping[str, Any]
) -> tuple[BatchJob, ResolvedPrompt]:
    """Read what the messages are made of; return it, and the job as it is kept."""
    if "messages" in changes:
        texts = {name: changes.get(name) for name in ("prompt", "system")}
        file, folder = absolute(str(job.messages)), job.attachments
    elif job.messages and "prompt" not in changes:
        raise InputError(
            "The messages of this run are those of a file; give another one with"
            " --messages, or --prompt and --system."
        )
    else:
        texts = {"prompt": read_text(job.prompt), "system": read_text(job.system)}
        file, folder = None, None
    prompt = resolve_prompt(**texts, messages=file, attachments=folder)
    kept = {name: text and quoted(text) for name, text in texts.items()}
    kept |= {"messages": file, "attachments": folder}
    return job.model_copy(update=kept), prompt
