"""Get one request file to the provider exactly once, without a run around it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import orjson

from ...data.requests.check import check_file, describe_problems
from ...data.requests.writer import RequestWriter
from ...errors import CreationUnknownError, InputError
from ...models import Batch
from ...providers import Progress, Provider
from ..directory.attempts import Attempt, Attempts, Records
from ..directory.lock import locked
from ..directory.storage import Directory
from ..events import bytes_told
from .claim import RequestFile, create_batch
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

    The attempts are on record in `<requests_path>.batch/`, so that a call that
    lost its answer is settled before anything is sent. A file whose content has
    changed since is a new file.

    Args:
        requests_path: The request file.
        provider: Where the batch is created.
        label: Tells batches of the same file apart; a new label is a new batch.
        metadata: The user's own pairs for the batch, where the provider takes any.
        again: Create another batch also where the file already has one.
        progress: Told of bytes sent.

    Raises:
        InputError: The file would be refused; the text lists the problems.
        RunBusyError: Another process is submitting this file.
        ProviderError: The provider refused the batch.
    """
    facts = _facts(requests_path, provider, metadata)
    directory = Directory(f"{requests_path}.batch")
    folder = label or ""
    with locked(directory):
        names = [
            name for name in directory.names() if name.rpartition("/")[0] == folder
        ]
        prefix = f"{folder}/" if folder else ""
        attempts = Attempts.read(Records(directory), prefix, names)
        made = tuple(each.batch.id for each in attempts.all if each.batch)
        last = attempts.last
        was_lost = last is not None and last.is_lost
        if was_lost:
            last = _find_again(attempts, requests_path, provider)
        if (
            last is not None
            and last.batch is not None
            and (was_lost or (not again and last.intent.digest == facts.digest))
        ):
            batch_id = last.batch.id
            batch = provider.retrieve(batch_id)
            return Submitted(batch, tuple(set(made) - {batch_id}), adopted=True)
        try:
            attempt = create_batch(
                attempts,
                facts,
                requests_path,
                provider,
                progress=progress,
                patient=False,
            )
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
    """Create as many batches as the provider's limits make of one request file.

    Each is yielded before the next one is created.

    A file within the limits is one batch. Otherwise its parts lie beside it in
    `<requests_path>.parts/`, with their attempts, as `submit_file` keeps them.

    Raises:
        InputError: The file would be refused for more than its size.
    """
    check = check_file(requests_path, provider, bytes_told("checking"))
    over = [each for each in check.problems if each.code in _OVER_LIMITS]
    if not over:
        yield submit_file(
            requests_path,
            provider,
            metadata=metadata,
            again=again,
            progress=progress,
        )
        return
    if check.problem_count > len(over):
        raise InputError(describe_problems(requests_path, check))
    folder = Directory(f"{requests_path}.parts")
    with folder.scratch() as scratch:
        writer = RequestWriter(scratch, provider.limits)
        with requests_path.open("rb") as lines:
            for line in lines:
                writer.add(line if line.endswith(b"\n") else line + b"\n")
        names = []
        for file in writer.close():
            names.append(file.path.name)
            folder.adopt(file.path, file.path.name)
    # A call that stopped halfway left parts behind: only those are made, even
    # `again`. Where all parts have equally many batches, each gets another.
    paths = map(folder.local_path, names)
    parts = {path: _batches_made(path) for path in paths}
    fewest = min(parts.values())
    for path, made in parts.items():
        yield submit_file(
            path,
            provider,
            metadata=metadata,
            again=again and made == fewest,
            progress=progress,
        )


def _batches_made(path: Path) -> int:
    directory = Directory(f"{path}.batch")
    names = [name for name in directory.names() if "/" not in name]
    attempts = Attempts.read(Records(directory), "", names)
    return sum(1 for each in attempts.all if each.batch)


def _find_again(attempts: Attempts, path: Path, provider: Provider) -> Attempt:
    def owns(line: bytes) -> bool:
        return provider.decode(line).custom_id in ids

    ids = set(_ids(path))
    attempt = reconcile(attempts, provider, owns=owns, elsewhere=frozenset)
    if attempt is None:
        raise AssertionError("a patient reconciliation ends")
    return attempt


def _ids(path: Path) -> Iterator[str]:
    with path.open("rb") as lines:
        for line in lines:
            if line.strip():
                yield orjson.loads(line)["custom_id"]


def _facts(
    path: Path, provider: Provider, metadata: dict[str, str] | None
) -> RequestFile:
    check = check_file(path, provider, bytes_told("checking"))
    if check.problems:
        raise InputError(describe_problems(path, check))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return RequestFile(
        token=f"{digest[:12]}-{token_hex(4)}",
        requests=check.requests,
        bytes=check.bytes,
        digest=digest,
        endpoint=check.endpoint,
        metadata=metadata or {},
    )
