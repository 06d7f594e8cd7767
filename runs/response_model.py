"""The response model of a run: which code its directory may have imported.

A class is imported from the file that the user named when the run began, or later with
`--response-model`, as long as the file is unchanged. Who can write into the directory
can name other code, so only the directories of trusted people are safe to continue.
"""

from __future__ import annotations

import os
import stat

from ..data.answers.import_model import model_file
from ..data.answers.load import resolve_response_model, unkept_validators
from ..data.answers.response_model import AnswerReader
from ..data.files import absolute
from ..data.job import BatchJob
from ..data.resolve import ResolvedJob
from ..data.results.tally import ShardTally
from ..errors import InputError
from .directory.reading import read_record
from .directory.run import Run
from .directory.storage import Directory

__all__ = [
    "answer_of",
    "missing_validators",
    "name_response_model",
    "note_validators",
]

_NAME = "response-model"
"""The file with a class that was named later, and in a second line its digest."""


_VALIDATORS = "validators"
"""The file with the name of a class that has some, and cannot be imported."""


def note_validators(directory: Directory, job: BatchJob) -> None:
    """Note that a new run has validators that only this process knows."""
    if (name := unkept_validators(job.response_model)) is not None:
        directory.write(_VALIDATORS, name.encode())


def missing_validators(run: Run) -> str | None:
    """Return a sentence if validators of the run are, or would be, left out here."""
    directory = run.directory
    name = directory.read(_VALIDATORS)
    if name is None:
        return None
    if directory.exists("done.json"):
        tally = f"{run.plan().shards[0].path}/tally.json"
        applied = read_record(directory, tally, ShardTally).by_class
    else:
        own = unkept_validators(run.newest_job().job.response_model)
        applied = own is not None or directory.exists(_NAME)
    if applied:
        return None
    return (
        f"The validators of {name.decode()} are not applied: the class is known only to"
        " the process that began this run, so its answers fit the JSON Schema alone. To"
        " apply them, give the class:"
        f" `batchwright.open_run({directory.url!r}, response_model=...)`."
    )


def answer_of(run: Run) -> AnswerReader:
    """Return what the answers of a run are validated against.

    Raises:
        InputError: Its code is not what the user named, or does not load.
    """
    directory, job = run.directory, run.newest_job()
    named = (directory.read(_NAME) or b"").decode()
    text, _, digest = named.partition("\n")
    model = text or job.job.response_model
    if isinstance(model, str) and not model.endswith(".json"):
        file = model_file(model)
        if file and not (digest if text else job.response_model_digest):
            _check_owner(run, job, model)
        if file and directory.is_local and file.is_relative_to(directory.url):
            raise InputError(
                f"The response model {model!r} is in the run directory itself, from"
                " which no code is imported. Copy it to another folder, and name it"
                f" there by `batchwright resume {directory.url} --response-model ...`."
            )
    return job.answer(text or None, digest or None)


def name_response_model(directory: Directory, response_model: str) -> None:
    """Record the response model that the user names for a run, as it is now.

    Raises:
        InputError: It does not load.
    """
    resolved = resolve_response_model(response_model)
    text = resolved.stored
    if not isinstance(text, str):
        text = absolute(response_model)
    directory.write(_NAME, f"{text}\n{resolved.digest or ''}".encode())


def _check_owner(run: Run, job: ResolvedJob, model: str) -> None:
    """Refuse code without a digest, unless version 0.1 left it out for this user."""
    directory = run.directory
    if job.response_model_digest is None and directory.is_local:
        found = [directory.local_path(name).stat() for name in ("", "job.json")]
        if all(
            each.st_uid == os.geteuid() and not each.st_mode & stat.S_IWOTH
            for each in found
        ):
            return
    raise InputError(
        f"{directory.url} does not say what the code of its response model {model!r}"
        " was, so anybody who can write there may have named it. If you trust that"
        f" code, name it by `batchwright resume {directory.url} --response-model ...`."
    )
