"""Find or create the directory of a job, and check that it holds the same job."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from secrets import token_hex

import orjson

from ..data.job import BatchJob
from ..data.resolve import ResolvedJob, check_output, fill_dates, resolve
from ..errors import InputError, RunDiffersError, RunFinishedError
from ..settings import get_settings
from .collect.download import are_results_shown
from .directory.access import credentials_of, provider_for, with_sandbox
from .directory.lock import locked
from .directory.run import Run
from .directory.storage import Directory

__all__ = ["open_run", "reopen_run"]


def open_run(
    job: BatchJob,
    run_dir: str | None = None,
    *,
    name: str | None = None,
    when: datetime | None = None,
) -> Run:
    """Open the run of a job: a new one, or the one that its directory holds.

    Args:
        job: What to do.
        run_dir: Its directory; None makes one under `BATCHWRIGHT_RUNS_DIR`.
        name: The name of that directory, to which the job's fingerprint is added;
            None names it after the output, and refuses a run there that is done.
        when: The time that fills `{date:...}`; now by default.

    Raises:
        RunDiffersError: The directory holds another job.
        RunFinishedError: The run of the output's name is done.
        InputError: The job cannot be run as it is.
        MissingKeyError: There is no key to run it with.
    """
    when = when or datetime.now(UTC)
    named = credentials_of(job)
    resolved = resolve(job, base_url=named.base_url if named else None, now=when)
    if run_dir is None:
        root = get_settings().runs_dir.rstrip("/")
        stem = name or PurePosixPath(resolved.job.output).stem
        directory = Directory(f"{root}/{stem}-{resolved.fingerprint()[:8]}")
        if name is None and directory.exists("done.json"):
            raise RunFinishedError(
                f"This job is done already; its report is {directory.url}/report.md."
                " To run it again, give another --run-dir (and --output or"
                " --overwrite)."
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
    return Run(directory, before)


def reopen_run(
    run_dir: str,
    *,
    response_model: str | None = None,
    resend_lost: bool = False,
    uncancel: bool = False,
) -> Run:
    """Open an existing run to continue it; nothing is compared.

    Args:
        run_dir: Its directory.
        response_model: Parse with this model instead of the job's.
        resend_lost: Send requests again whose results are gone at the provider.
        uncancel: Lift a cancellation.
    """
    run = Run.load(run_dir)
    directory = run.directory
    with locked(directory):
        if not resend_lost:
            _look_again(run)
        if uncancel:
            if not directory.exists("cancelled.json"):
                raise InputError(f"{directory.url} is not cancelled; drop --uncancel.")
            _reopen(run)
            directory.remove("cancelled.json")
        if resend_lost:
            state = run.state()
            if not state.gone_shards:
                raise InputError(
                    f"No results of {directory.url} are lost; drop --resend-lost."
                )
            _reopen(run)
            # The round is named, so that a crash in between cannot send them twice.
            number = len(state.rounds) + 1
            directory.write("resend-lost.json", orjson.dumps({"round": number}))
        if response_model is not None:
            directory.write("response-model", response_model.encode())
            _reopen(run)
    return Run.load(run_dir)  # remembers no record that was removed


def _look_again(run: Run) -> None:
    """Reopen shards whose lost results the provider shows again, while it keeps any."""
    gone = run.state().gone_shards
    if not gone:
        return
    with with_sandbox(run.directory, run.job):
        for shard in gone:
            if shard.last and are_results_shown(run, shard.last):
                _reopen(run)
                shard.attempts.reopen(shard.last)


def _reopen(run: Run) -> None:
    """Remove what was concluded from the results; the results themselves stay."""
    run.directory.remove("done.json")
    for name in run.directory.names():
        if name.endswith("/tally.json"):
            run.directory.remove(name)


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
    data = directory.read("job.json")
    return None if data is None else ResolvedJob.model_validate_json(data)


def _difference(before: ResolvedJob, now: ResolvedJob) -> str:
    names: list[str] = []
    old, new = before.model_dump(mode="json"), now.model_dump(mode="json")
    for name in old:
        if name == "job":
            names += [key for key in old[name] if old[name][key] != new[name][key]]
        elif old[name] != new[name]:
            names.append(name)
    return ", ".join(f"`{name}`" for name in names)
