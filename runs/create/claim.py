"""Create one batch exactly once: claim, send, record.

Creating costs money, and neither provider takes an idempotency key. So the
claim is on record before the call, the call is sent once, and the batch's ID is
on record before anything else happens. Whatever breaks in between leaves a
claim without a batch, and `reconcile` settles that before anything is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ...errors import (
    CreationUnknownError,
    ProviderError,
    ScopeError,
    UnknownBatchError,
)
from ...models import Account, Intent
from ...providers import Progress, Provider
from ...settings import get_settings
from ..directory.attempts import Attempt, Attempts
from ..directory.records import Ended, Verdict
from ..pause import patiently

__all__ = ["Known", "RequestFile", "check_scope", "close_unsent", "create_batch"]


@dataclass(frozen=True, kw_only=True)
class RequestFile:
    """The facts of a request file that a claim puts on record."""

    token: str
    """Unique to the file; the attempt's number is added."""
    requests: int
    bytes: int
    digest: str
    endpoint: str
    metadata: dict[str, str] = field(default_factory=dict)
    reserved_usd: float | None = None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is on record of the account in which a batch is made."""

    batch_ids: AbstractSet[str] = frozenset()
    """Batches that its key must see."""
    account: Account | None = None
    """Whose they are."""


def create_batch(
    attempts: Attempts,
    file: RequestFile,
    path: Path,
    provider: Provider,
    *,
    known: Known | None = None,
    wanted: Callable[[], bool] = lambda: True,
    progress: Progress | None = None,
    patient: bool = True,
) -> Attempt | None:
    """Create the next attempt's batch; the last attempt must be over.

    A request file that an earlier attempt has sent up is not sent up again.

    Args:
        attempts: The records of this file.
        file: Its facts.
        path: Where it lies on this machine.
        provider: Where the batch is created.
        known: By what the account is checked, before anything is sent.
        wanted: Asked right before the claim; if it says no, nothing is created.
        progress: Told of bytes sent.
        patient: Whether calls before the claim are tried again while they fail.

    Returns:
        The attempt; None where its batch is no longer wanted.

    Raises:
        RunBusyError: Another process claimed this attempt first.
        ScopeError: The key is another account's; nothing was sent.
        CreationUnknownError: The batch may exist; the claim stays for `reconcile`.
        ProviderError: The provider refused; there is no batch.
    """
    uploaded = attempts.uploaded(file.digest)

    def upload() -> str | None:
        return provider.upload(path, progress, earlier=uploaded)

    if patient:
        account = patiently(provider.account, "Looking at the account")
        if known:
            check_scope(account, provider, known)
        file_id = patiently(upload, "The upload")
    else:
        account, file_id = provider.account(), upload()
    if not wanted():
        return None
    number = attempts.last.number + 1 if attempts.last else 0
    intent = Intent(
        token=f"{file.token}-{number}",
        claimed_at=datetime.now(UTC),
        requests=file.requests,
        bytes=file.bytes,
        digest=file.digest,
        endpoint=file.endpoint,
        account=account,
        input_file_id=file_id,
        reserved_usd=file.reserved_usd,
        metadata=file.metadata,
    )
    attempt = attempts.claim(intent)
    return _send(attempts, attempt, path, provider, progress)


def _send(
    attempts: Attempts,
    attempt: Attempt,
    path: Path,
    provider: Provider,
    progress: Progress | None,
) -> Attempt:
    # A machine that slept since the claim may have been given up for dead.
    late_seconds = time.time() - attempt.intent.claimed_at.timestamp()
    if not 0 <= late_seconds < get_settings().settle_seconds:
        raise CreationUnknownError(
            f"The claim {attempt.intent.token} is {late_seconds:.0f} s old, so nothing"
            " is sent under it; resume the run, or submit the file again, and it is"
            " settled."
        )
    try:
        batch = provider.create(path, attempt.intent, progress)
    except CreationUnknownError:
        raise
    except ProviderError as exc:
        close_unsent(attempts, attempt, str(exc))
        raise
    attempts.record(attempt, batch)
    return attempt


def close_unsent(attempts: Attempts, attempt: Attempt, text: str) -> None:
    """Write down that this claim made no batch."""
    ended = Ended(verdict=Verdict.NOT_CREATED, at=datetime.now(UTC), text=text)
    attempts.close(attempt, ended)


def check_scope(account: Account, provider: Provider, known: Known) -> None:
    """Make sure that this key sees the batches that the run has already made.

    Response headers settle it where both sides name organisation and project;
    otherwise one recorded batch must be retrievable.

    Raises:
        ScopeError: It is another account.
    """
    if known.account is not None:
        pairs = (
            (known.account.organization, account.organization),
            (known.account.project, account.project),
        )
        for before, now in pairs:
            if before and now and before != now:
                raise ScopeError(
                    f"This key belongs to {now!r}, but the batches of this run belong"
                    f" to {before!r}; set the key that started the run. Nothing was"
                    " sent."
                )
        if all(before and now for before, now in pairs):
            return
    if not known.batch_ids:
        return
    batch_id = max(known.batch_ids)
    try:
        patiently(lambda: provider.retrieve(batch_id), "Looking at a batch of the run")
    except UnknownBatchError as exc:
        raise ScopeError(
            f"This key does not see batch {batch_id}, which this run created; set the"
            " key that started the run. Nothing was sent."
        ) from exc
