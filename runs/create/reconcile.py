"""Find out whether a create call whose answer was lost created a batch.

Where batches carry our token, a match is proof. Where they carry nothing (the vendor's
`creation` is `candidates`), a batch that is newer than the claim, has exactly as many
requests and is on no record here may be ours. Its results prove it; until it has ended,
a single one is taken provisionally.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from ...errors import ResultsGoneError
from ...models import Batch, BatchStatus, Intent
from ...providers import Provider, get_vendor
from ...settings import get_settings
from ..directory.access import Known, checked_account
from ..directory.attempts import Attempt, Attempts
from ..events import emit
from ..pause import patiently, pause

__all__ = ["OwnsLine", "answers_ours", "reconcile"]

OwnsLine = Callable[[bytes], bool]
"""Whether a raw result line answers a request of this file."""

_LISTINGS = 3


def reconcile(
    attempts: Attempts,
    provider: Provider,
    *,
    owns: OwnsLine,
    recorded: Callable[[], AbstractSet[str]] = frozenset,
    own: AbstractSet[str] = frozenset(),
    again: Callable[[Intent], Batch] | None = None,
) -> Attempt:
    """Settle the last attempt, a claim without a batch; looks as long as it takes.

    A claim whose batch proved to be another client's becomes an attempt of its own.

    Args:
        attempts: The records of the file.
        provider: Where its batch may have been created.
        owns: Tells our result lines from another client's.
        recorded: Returns the batches that are on record elsewhere.
        own: Batches of this run, which the key must see.
        again: Sends the create call again; for a vendor that takes the token as the
            key of the call, so that it makes no second batch.

    Returns:
        The attempt, now with its batch, or closed as not created.

    Raises:
        RunBusyError: Another process settles it.
        ScopeError: The key is another account's, so absence proves nothing.
    """
    attempt = attempts.last
    if attempt is None or not attempt.is_lost:
        raise AssertionError("only a claim without a batch is settled")
    if attempt.ended is not None:
        attempt = attempts.claim(attempt.intent)
    intent, settle_seconds = attempt.intent, get_settings().settle_seconds
    known = Known(own, intent.account)
    started = time.monotonic()
    listings = 0
    refuted: set[str] = set()
    text = f"Looking for the batch of a lost call, {attempts.prefix}"
    emit("notice", text=text.rstrip(", "))
    if again is not None and get_vendor(provider.name).creation == "key":
        patiently(lambda: checked_account(provider, known), "Looking at the account")
        attempts.record(attempt, again(intent))
        return attempt
    while True:
        patiently(lambda: checked_account(provider, known), "Looking at the account")
        found = patiently(lambda: provider.find(intent), "A listing")
        listings += 1
        taken = attempts.batch_ids | (recorded() if found else set()) | refuted
        candidates = [batch for batch in found if batch.id not in taken]
        ours, is_proved = _ours(candidates, provider, owns, refuted)
        if ours is not None:
            attempts.record(attempt, ours, provisional=not is_proved)
            emit("submitted", batch_id=ours.id, text="found again")
            return attempt
        if any(not batch.status.is_final for batch in candidates):
            pause(get_settings().poll_seconds)  # their results will tell
            continue
        if listings >= _LISTINGS and time.monotonic() - started >= settle_seconds:
            attempts.close_unsent(attempt, "No batch came of the create call.")
            return attempt
        pause(settle_seconds / (_LISTINGS - 1))


def _ours(
    candidates: list[Batch], provider: Provider, owns: OwnsLine, refuted: set[str]
) -> tuple[Batch | None, bool]:
    """Return our batch, and whether that is proved; None while it may be any of them.

    Those that proved to be another client's are added to `refuted`.
    """
    if get_vendor(provider.name).creation != "candidates":  # they carry our token
        return (candidates[-1] if candidates else None), True  # the oldest
    unproved: list[Batch] = []
    for batch in candidates:
        answers = answers_ours(batch, provider, owns)
        if answers:
            return batch, True
        if answers is None:
            unproved.append(batch)
        else:
            refuted.add(batch.id)
    return (unproved[0] if len(unproved) == 1 else None), False


def answers_ours(batch: Batch, provider: Provider, owns: OwnsLine) -> bool | None:
    """Whether a result of the batch is ours; None while it shows no results."""
    if batch.status is not BatchStatus.ENDED:
        return None
    with tempfile.TemporaryDirectory(prefix="batchwright-") as folder:
        path = Path(folder) / "results.jsonl"
        try:
            patiently(lambda: provider.download(batch, path), "A download")
        except ResultsGoneError:
            if not path.exists() or not path.stat().st_size:
                return None
        with path.open("rb") as lines:
            return any(map(owns, lines))
