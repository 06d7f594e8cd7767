"""Create the batch of one request file exactly once, without a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from ...data.requests.check import FileCheck, check_file, describe_problems
from ...data.requests.writer import RequestWriter
from ...errors import CreationUnknownError, InputError
from ...models import Batch
from ...providers import Progress, Provider
from ..directory.attempts import Attempt, Attempts, Records
from ..directory.lock import locked
from ..directory.storage import Directory
from ..events import bytes_told
from .claim import NewBatch, create_batch
from .reconcile import reconcile

__all__ = ["Submitted", "submit_file", "submit_parts"]

_OVER_LIMITS = {"too_many_tasks", "too_large"}


@dataclass(frozen=True, slots=True)
class Submitted:
    """The batch of a request file."""

    batch: Batch
    earlier: tuple[str, ...] = ()
    """Batches that were made from this file before."""
    adopted: bool = False
    """Whether it existed already: re-attached, or found after a lost answer."""


def submit_file(
    requests_path: Path,
    provider: Provider,
    *,
    label: str | None = None,
    metadata: dict[str, str] | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> Submitted:
    """Create a batch from a request file, or re-attach to the one it already has.

    The attempts are on record in `<requests_path>.batch/`, so that a call whose
    answer was lost is settled before anything is sent. A file whose content has
    changed since is a new file. A new `label`, or `again`, asks for another batch of
    the same file. `metadata` is dropped where the provider takes none.

    Raises:
        InputError: The file would be refused; the text lists the problems. Or the
            label cannot name a folder.
        RunBusyError: Another process is submitting this file.
        ProviderError: The provider refused the batch.
    """
    _check_label(label or "first")
    check = check_file(requests_path, provider, bytes_told("checking"))
    if check.problems:
        raise InputError(describe_problems(requests_path, check))
    new = _new_batch(requests_path, check, metadata)
    with locked(Directory(f"{requests_path}.batch")):
        attempts = _attempts(requests_path, label)
        made = tuple(each.batch.id for each in attempts.all if each.batch)
        last = attempts.last
        if last is not None and last.is_lost:
            last = _find_again(attempts, requests_path, provider)
            is_ours = last.batch is not None
        else:
            is_ours = (
                last is not None and last.intent.digest == new.digest and not again
            )
        if last is not None and last.batch is not None and is_ours:
            batch = provider.retrieve(last.batch.id)
            return Submitted(batch, tuple(set(made) - {batch.id}), adopted=True)
        try:
            attempt = create_batch(attempts, new, provider, progress=progress)
        except CreationUnknownError:
            attempt = _find_again(attempts, requests_path, provider)
            if attempt.batch is None:
                raise
        if attempt is None or attempt.batch is None:
            raise AssertionError("a created attempt has a batch")
        return Submitted(attempt.batch, made)


def submit_parts(
    requests_path: Path,
    provider: Provider,
    *,
    metadata: dict[str, str] | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> Iterator[Submitted]:
    """Create as many batches of one request file as the provider's limits demand.

    Each is yielded before the next one is created. A file within the limits is one
    batch. Otherwise its parts are beside it in `<requests_path>.parts/`, with their
    attempts, as `submit_file` keeps them.

    Raises:
        InputError: The file would be refused for more than its size.
    """
    check = check_file(requests_path, provider, bytes_told("checking"))
    over = [each for each in check.problems if each.code in _OVER_LIMITS]
    if check.problem_count > len(over):
        raise InputError(describe_problems(requests_path, check))
    parts = _split(requests_path, provider) if over else [requests_path]
    # A call that stopped halfway created the batches of some parts: only the others
    # are created, even `again`. Where all have equally many, each gets another.
    batches = {path: len(_attempts(path).batch_ids) for path in parts}
    fewest = min(batches.values())
    for path, count in batches.items():
        yield submit_file(
            path,
            provider,
            metadata=metadata,
            again=again and count == fewest,
            progress=progress,
        )


def _split(path: Path, provider: Provider) -> list[Path]:
    """Write the parts of a request file that is over the provider's limits."""
    folder = Directory(f"{path}.parts")
    with folder.scratch() as scratch:
        writer = RequestWriter(scratch, provider.limits)
        with path.open("rb") as lines:
            for line in lines:
                writer.add(line if line.endswith(b"\n") else line + b"\n")
        files = writer.close()
        for file in files:
            folder.adopt(file.path, file.path.name)
    return [folder.local_path(file.path.name) for file in files]


def _check_label(label: str) -> None:
    """Refuse a label whose records would lie elsewhere, and not be found again."""
    if re.search(r"[/\\\0]|^\.{1,2}$|^\.tmp-", label):
        raise InputError(
            f"The label {label!r} cannot name a folder: it may have no slash, and not"
            " be '.' or '..'."
        )


def _attempts(path: Path, label: str | None = None) -> Attempts:
    directory = Directory(f"{path}.batch")
    folder = label or ""
    return Attempts.read(
        Records(directory),
        f"{folder}/" if folder else "",
        [name for name in directory.names() if name.rpartition("/")[0] == folder],
    )


def _find_again(attempts: Attempts, path: Path, provider: Provider) -> Attempt:
    with path.open("rb") as lines:
        ids = {provider.check(line)[0] for line in lines if not line.isspace()}
    return reconcile(
        attempts, provider, owns=lambda line: provider.decode(line).custom_id in ids
    )


def _new_batch(
    path: Path, check: FileCheck, metadata: dict[str, str] | None
) -> NewBatch:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return NewBatch(
        path=path,
        token=f"{digest[:12]}-{token_hex(4)}",
        requests=check.requests,
        bytes=check.bytes,
        digest=digest,
        endpoint=check.endpoint,
        metadata=metadata or {},
    )
