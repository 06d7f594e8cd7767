"""Find or create the directory of a job, and check that it holds the same job."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex

import orjson
from pydantic import BaseModel

from ..data.answers.import_model import portable_model
from ..data.job import BatchJob
from ..data.resolve import ResolvedJob, check_output, fill_dates, resolve
from ..data.rows.source import input_size_and_digest
from ..errors import InputError, RunDiffersError
from .collect.canary import count_canary
from .collect.download import are_results_shown
from .decide.canary import is_enough
from .directory.access import credentials_of, provider_for, with_sandbox
from .directory.deadline import set_deadline
from .directory.lock import locked
from .directory.naming import directory_of, unfinished_directory_of
from .directory.run import Run
from .directory.storage import Directory
from .response_model import name_response_model, note_validators

__all__ = ["changed_input", "open_run", "reopen_run"]


def open_run(
    job: BatchJob,
    run_dir: str | None = None,
    *,
    flow_run: str | None = None,
    anew_since: datetime | None = None,
    when: datetime | None = None,
) -> Run:
    """Open the run of a job: a new one, or the one that its directory holds.

    Args:
        job: What to do.
        run_dir: Its directory; None finds or makes one under `BATCHWRIGHT_RUNS_DIR`.
        flow_run: The flow run that gets a run of its own where there is no `run_dir`.
        anew_since: Without `run_dir`, a run that was done before then is left alone
            and a new one begun; None gives the one of the job, done or not.
        when: The time that fills `{date:...}`; now by default.

    Raises:
        RunDiffersError: The directory holds another job.
        InputError: The job cannot be run as it is.
        MissingKeyError: There is no key to run it with.
    """
    when = when or datetime.now(UTC)
    named = credentials_of(job)
    resolved = resolve(job, base_url=named.base_url if named else None, now=when)
    if run_dir is None:
        directory = (
            directory_of(resolved, flow_run)
            if anew_since is None
            else unfinished_directory_of(resolved, anew_since)
        )
    else:
        directory = Directory(fill_dates(run_dir, when))
    before = _job_of(directory)
    if before is None:
        check_output(resolved.job)
        if not resolved.synthetic:
            provider_for(directory, resolved)  # without a key, nothing is left behind
        if not directory.is_local:
            _check_store(directory)
        set_deadline(directory, resolved.job.finish_by_seconds)
        note_validators(directory, resolved.job)
        with suppress(FileExistsError):
            data = resolved.model_dump_json(indent=1).encode()
            directory.write_once("job.json", data)
        before = _job_of(directory) or resolved
    if before.fingerprint() != resolved.fingerprint():
        raise RunDiffersError(
            f"{directory.url} holds another job: {_difference(before, resolved)}"
            " differ. Give another --run-dir, or continue that job with `batchwright"
            f" resume {directory.url}`."
        )
    run = Run(directory, before)
    if (
        before.response_model_digest != resolved.response_model_digest
        and not directory.exists("done.json")
    ):
        with locked(directory):
            name_response_model(directory, str(resolved.job.response_model))
    return run


def changed_input(run: Run) -> str | None:
    """Return a sentence if the input is not what the run's requests were made from."""
    if not run.directory.exists("plan.json"):
        return None
    plan, location = run.plan(), run.job.job.input
    if plan.input_bytes is None:
        return None
    if input_size_and_digest(location) == (plan.input_bytes, plan.input_digest):
        return None
    return (
        f"{location} has changed since this run read it; the run goes on with the rows"
        " that it read then. For the new rows, give another --run-dir and --output."
    )


def reopen_run(
    run_dir: str,
    *,
    response_model: str | type[BaseModel] | None = None,
    resend_lost: bool = False,
    uncancel: bool = False,
    go_on: bool = False,
    finish_by: float | str | None = None,
) -> Run:
    """Open an existing run to continue it; nothing is compared.

    Args:
        run_dir: Its directory.
        response_model: Parse with this model instead of the job's; it is imported.
        resend_lost: Send requests again whose results are gone at the provider.
        uncancel: Lift a cancellation.
        go_on: Send the rest of a run that its canary stopped.
        finish_by: The run's new deadline, as `finish_by_seconds` of a job.

    Raises:
        InputError: There is nothing of what is asked for, or no such deadline.
    """
    run = Run.load(run_dir)
    directory = run.directory
    with locked(directory):
        set_deadline(directory, finish_by)
        _look_again(run)
        if uncancel:
            if not directory.exists("cancelled.json"):
                raise InputError(f"{directory.url} is not cancelled; drop --uncancel.")
            run.reopen()
            directory.remove("cancelled.json")
        if go_on:
            state = run.state()
            count = count_canary(run, state)
            if count is None or is_enough(state.job.job, count):
                raise InputError(
                    f"{directory.url} is not stopped by its canary; drop --go-on."
                )
            mark = orjson.dumps({"at": datetime.now(UTC)})
            directory.write(state.own_name("go-on.json"), mark)
        if resend_lost:
            state = run.state()
            if not state.gone_shards:
                raise InputError(
                    f"No results of {directory.url} are lost; drop --resend-lost."
                )
            run.reopen()
            # The round is named, so that a crash in between cannot send them twice.
            number = len(state.rounds) + 1
            directory.write("resend-lost.json", orjson.dumps({"round": number}))
        if response_model is not None:
            named = portable_model(response_model)
            if isinstance(named, str):
                name_response_model(directory, named)
            elif named == run.newest_job().job.response_model:
                directory.remove("response-model")
            else:
                raise InputError(
                    f"{named.get('title')} has another JSON Schema than the response"
                    f" model of {directory.url}, and cannot be imported; put it into a"
                    " file, and name it as `file.py:Class`."
                )
            run.reopen()
    return Run.load(run_dir)  # remembers no record that was removed


def _look_again(run: Run) -> None:
    """Reopen shards whose lost results the provider shows again, while it keeps any."""
    gone = run.state().gone_shards
    if not gone:
        return
    with with_sandbox(run.directory, run.job):
        for shard in gone:
            if shard.last and are_results_shown(run, shard.last):
                run.reopen()
                shard.attempts.reopen(shard.last)


def _check_store(directory: Directory) -> None:
    """Refuse a store that replaces a file where it was asked to create one.

    Some services with an S3 API ignore that condition, and no claim is safe there.
    """
    probe = f".probe-{token_hex(4)}"
    directory.write_once(probe, b"")
    try:
        directory.write_once(probe, b"")
    except FileExistsError:
        return
    finally:
        directory.remove(probe)
    raise InputError(
        f"A run directory on {directory.url} is not safe, because that store creates a"
        " file that is there already; it must refuse a PUT with `If-None-Match: *`."
    )


def _job_of(directory: Directory) -> ResolvedJob | None:
    return Run.load(directory.url).job if directory.exists("job.json") else None


def _difference(before: ResolvedJob, now: ResolvedJob) -> str:
    names: list[str] = []
    old, new = (
        each.model_dump(mode="json", exclude={"response_model_digest"})
        for each in (before, now)
    )
    for name in old:
        if name == "job":
            names += [key for key in old[name] if old[name][key] != new[name][key]]
        elif old[name] != new[name]:
            names.append(name)
    return ", ".join(f"`{name}`" for name in names)
