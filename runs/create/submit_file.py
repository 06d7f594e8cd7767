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
from ...providers import Progress, Provider, get_vendor
from ..directory.attempts import Attempts, Records
from ..directory.catalog import recorded_in
from ..directory.lock import locked
from ..directory.records import Ended
from ..directory.storage import Directory
from ..events import bytes_told, emit
from ..pause import patiently
from .claim import NewBatch, create_batch
from .reconcile import answers_ours, reconcile

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
    model: str | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> Submitted:
    """Create a batch from a request file, or re-attach to the one it already has.

    The attempts are on record in `<requests_path>.batch/`, so that a call whose
    answer was lost is settled before anything is sent. A file whose content has
    changed since is a new file. A new `label`, or `again`, asks for another batch of
    the same file. `metadata` is dropped where the provider takes none. `model` is for
    providers whose requests do not name it.

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
    vendor = get_vendor(provider.name)
    if not (model or vendor.names_model):
        raise InputError(
            f"A request file for {vendor.title} does not say which model it is for:"
            " give it as --model."
        )
    new = _new_batch(requests_path, check, metadata, model, provider)
    with locked(Directory(f"{requests_path}.batch")):
        attempts = _attempts(requests_path, label)
        was_unsettled = _settle(attempts, new, provider)
        earlier, last = attempts.own_batch_ids, attempts.last
        if last is not None and last.batch is not None:
            batch_id = last.batch.id
            if last.intent.digest == new.digest and (was_unsettled or not again):
                batch = provider.retrieve(batch_id)
                return Submitted(batch, tuple(earlier - {batch_id}), adopted=True)
            if was_unsettled:
                text = (
                    f"{requests_path} has changed since the call whose response was"
                    f" lost, so another batch is created. If batch {batch_id} is not"
                    " needed, stop it with `batchwright cancel --batch-id"
                    f" {batch_id}`."
                )
                emit("notice", text=text)
        try:
            attempt = create_batch(attempts, new, provider, progress=progress)
        except CreationUnknownError as exc:
            _settle(attempts, new, provider)
            attempt = attempts.last
            if attempt is None or attempt.batch is None:
                raise CreationUnknownError(
                    "The call that creates the batch got no response, and no batch came"
                    " of it; submit the file again."
                ) from exc
        if attempt is None or attempt.batch is None:
            raise AssertionError("a created attempt has a batch")
        return Submitted(attempt.batch, tuple(earlier))


def submit_parts(
    requests_path: Path,
    provider: Provider,
    *,
    metadata: dict[str, str] | None = None,
    model: str | None = None,
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
            model=model,
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


def _settle(attempts: Attempts, new: NewBatch, provider: Provider) -> bool:
    """Find out what became of a lost call; return whether there was one.

    A batch that is only likely to be the one stays so, and this is said.
    """
    last = attempts.last
    if last is None:
        return False

    def owns(line: bytes) -> bool:
        # Claims of version 0.1 name no requests.
        return provider.decode(line).custom_id in (intent.custom_ids or new.custom_ids)

    intent = last.intent
    if last.is_open and last.batch and last.batch.provisional:
        batch_id = last.batch.id
        batch = patiently(lambda: provider.retrieve(batch_id), f"Looking at {batch_id}")
        answers = answers_ours(batch, provider, owns)
        if answers:
            attempts.confirm(last)
        elif answers is not None:
            attempts.close(last, Ended.as_not_ours(batch_id))
    elif not last.is_lost:
        return False
    if last.is_lost:
        last = reconcile(
            attempts,
            provider,
            owns=owns,
            recorded=lambda: recorded_in(_beside(attempts.directory)),
            again=lambda claim: provider.create(new.path, claim),
        )
    if last.batch and last.batch.provisional:
        text = (
            f"It is not proved that batch {last.batch.id} is the one of the call whose"
            " response was lost. It was created since then and has as many requests,"
            " but another client may have created it. Submit the file again once it has"
            " ended: then the custom_ids of its results are compared, before any other"
            " batch is created."
        )
        emit("notice", text=text)
    return True


def _beside(directory: Directory) -> Iterator[Directory]:
    """Yield the records of the request files in the same folder."""
    folder, _, _ = directory.url.rpartition("/")
    for name in Directory(folder or "/").children():
        if name.endswith(".batch"):
            yield Directory(f"{folder}/{name}")


def _new_batch(
    path: Path,
    check: FileCheck,
    metadata: dict[str, str] | None,
    model: str | None,
    provider: Provider,
) -> NewBatch:
    digest = hashlib.sha256()
    first = last = b""
    with path.open("rb") as lines:
        for line in lines:
            digest.update(line)
            if not line.isspace():
                first, last = first or line, line
    ids = {provider.check(line)[0] for line in (first, last)}
    return NewBatch(
        path=path,
        token=f"{digest.hexdigest()[:12]}-{token_hex(4)}",
        requests=check.requests,
        bytes=check.bytes,
        digest=digest.hexdigest(),
        endpoint=check.endpoint,
        model=model,
        metadata=metadata or {},
        custom_ids=tuple(filter(None, ids)),
    )
