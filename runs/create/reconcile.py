"""Find out what became of a create call that nobody saw the answer of.

Where batches carry our token, a match is proof. Where they carry nothing (the vendor's
`creation` is `candidates`), a batch that is newer than the claim's baseline, of exactly
as many requests and on no record here is taken for ours provisionally, and its results
prove it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from ...errors import ResultsGoneError
from ...models import Batch
from ...providers import Provider, get_vendor
from ...settings import get_settings
from ..directory.attempts import Attempt, Attempts
from ..events import emit
from ..pause import patiently, pause
from .claim import Known, check_scope, close_unsent

__all__ = ["OwnsLine", "reconcile"]

OwnsLine = Callable[[bytes], bool]
"""Whether a raw result line answers a request of this file."""

_LISTINGS = 3


def reconcile(
    attempts: Attempts,
    provider: Provider,
    *,
    owns: OwnsLine,
    elsewhere: Callable[[], AbstractSet[str]],
    recorded: AbstractSet[str] = frozenset(),
    wait: bool = True,
) -> Attempt | None:
    """Settle the last attempt, a claim without a batch.

    A claim whose batch proved foreign is looked into again as an attempt of its own.

    Args:
        attempts: The records of the file.
        provider: Where its batch may have been created.
        owns: Tells our result lines from another client's.
        elsewhere: Batches on record in this run and its neighbours.
        recorded: Batches of this run, by which the account is checked.
        wait: Whether to keep looking as long as it takes; else one look.

    Returns:
        The attempt, now with its batch, or closed as not created. None: it is
        still open which of several batches is ours, or one look was not enough.

    Raises:
        RunBusyError: Another process is looking into it.
        ScopeError: The key is another account's, so absence proves nothing.
    """
    attempt = attempts.last
    if attempt is None or not attempt.is_lost:
        return attempt
    if attempt.ended is not None:
        attempt = attempts.claim(attempt.intent)
    settings = get_settings()
    started = time.monotonic()
    listings = 0
    emit("notice", text=f"Looking for the batch of a lost call, {attempts.prefix}")
    while True:
        account = patiently(provider.account, "Looking at the account")
        check_scope(
            account,
            provider,
            Known(batch_ids=recorded, account=attempt.intent.account),
        )
        candidates = _candidates(attempts, attempt, provider, elsewhere())
        listings += 1
        ours, undecided = _decide(candidates, provider, owns)
        if ours is not None:
            alone = len(candidates) == 1 and not _carries_token(provider)
            attempts.record(attempt, ours, provisional=alone)
            emit("submitted", batch_id=ours.id, text="found again")
            return attempt
        if not undecided:
            elapsed = time.monotonic() - started
            if listings >= _LISTINGS and elapsed >= settings.settle_seconds:
                close_unsent(attempts, attempt, "No batch came of the create call.")
                return attempt
        if not wait:
            return None
        pause(
            settings.poll_seconds
            if undecided
            else settings.settle_seconds / (_LISTINGS - 1)
        )


def _candidates(
    attempts: Attempts, attempt: Attempt, provider: Provider, known: AbstractSet[str]
) -> list[Batch]:
    found = patiently(lambda: provider.find(attempt.intent), "A listing")
    taken = known | attempts.batch_ids
    return [batch for batch in found if batch.id not in taken]


def _decide(
    candidates: list[Batch], provider: Provider, owns: OwnsLine
) -> tuple[Batch | None, bool]:
    """Return our batch if it is known, and whether it may still be among them."""
    if not candidates:
        return None, False
    if _carries_token(provider) or len(candidates) == 1:
        return candidates[-1], False  # the oldest with the token, or provisional
    open_ones = [batch for batch in candidates if not batch.status.is_final]
    for batch in candidates:
        if batch.status.is_final and _is_ours(batch, provider, owns):
            return batch, False
    return None, bool(open_ones)


def _carries_token(provider: Provider) -> bool:
    return get_vendor(provider.name).creation != "candidates"


def _is_ours(batch: Batch, provider: Provider, owns: OwnsLine) -> bool:
    with tempfile.TemporaryDirectory(prefix="batchwright-") as folder:
        path = Path(folder) / "results.jsonl"
        try:
            patiently(lambda: provider.download(batch, path), "A download")
        except ResultsGoneError:
            return False
        with path.open("rb") as lines:
            return any(owns(line) for line in lines)
