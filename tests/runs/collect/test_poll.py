"""Tests of `runs.poll`: a run's batches are seen, whatever else the account holds."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from batchwright.models import BatchStatus
from batchwright.providers import get_provider
from batchwright.runs.collect.poll import Poller
from batchwright.sandbox import Sandbox
from batchwright.sandbox.engine.store import BatchRow

PROVIDERS = ["openai", "anthropic"]
BOTH = pytest.mark.parametrize("provider", PROVIDERS)
OURS = 1000
THEIRS = 5000
MOST_CALLS = 14


def stock(
    sandbox: Sandbox, provider: str, ids: list[str], *, ready: bool = False
) -> dict[str, datetime]:
    """Put batches into the account, oldest first, without 6,000 calls to make them.

    Returns:
        When each was created.
    """
    store = sandbox.backend.store
    now = sandbox.backend.clock.now()
    with store.transaction():
        for batch_id in ids:
            row = BatchRow(
                id=batch_id,
                provider=provider,
                account=sandbox.backend.account_of(sandbox.api_key),
                created_at=now - 60,
                plan="{}",
                endpoint="/v1/responses",
                total=1,
                succeeded=int(ready),
                validated=True,
                ready=ready,
            )
            store.add(row)
    return dict.fromkeys(ids, datetime.fromtimestamp(now - 60, UTC))


@pytest.mark.parametrize(("provider", "most_looks"), [("openai", 5), ("anthropic", 1)])
def test_a_thousand_among_five_thousand_of_others(
    provider: str, most_looks: int, sandbox: Sandbox
) -> None:
    """Each look is under 15 calls, and a few looks have seen them all."""
    ids = [f"batch_ours_{number}" for number in range(OURS)]
    theirs = [f"batch_theirs_{number}" for number in range(THEIRS)]
    mixed = ids + theirs
    random.Random(1).shuffle(mixed)  # noqa: S311 - an order, no secret
    created = stock(sandbox, provider, mixed, ready=True)
    poller = Poller(get_provider(provider))
    open_batches = {batch_id: created[batch_id] for batch_id in ids}
    looks = 0
    while open_batches:
        before = len(sandbox.calls())
        seen = poller.look(open_batches)
        assert len(sandbox.calls()) - before <= MOST_CALLS
        looks += 1
        assert looks <= most_looks
        for batch_id, batch in seen.items():
            assert batch is not None
            assert batch.status is BatchStatus.ENDED
            del open_batches[batch_id]


@BOTH
def test_new_batches_of_others_hide_nothing(provider: str, sandbox: Sandbox) -> None:
    """The next look goes on where the last one ended, also while the list grows."""
    ids = [f"batch_ours_{number}" for number in range(10)]
    open_batches = stock(sandbox, provider, ids)
    stock(sandbox, provider, [f"batch_theirs_{number}" for number in range(2000)])
    poller = Poller(get_provider(provider))
    seen: set[str] = set()
    for look in range(3):
        stock(sandbox, provider, [f"batch_new_{look}_{number}" for number in range(9)])
        seen |= poller.look(open_batches).keys()
    assert seen == set(ids)


@BOTH
def test_what_no_listing_shows_is_retrieved(provider: str, sandbox: Sandbox) -> None:
    """Absence from a list is no state: each is asked for by its ID, some at a time."""
    ids = [f"batch_ours_{number}" for number in range(20)]
    open_batches = stock(sandbox, provider, ids)
    # A clock that is far ahead makes the listing end before it reaches them.
    later = {each: at + timedelta(days=1) for each, at in open_batches.items()}
    later["batch_of_nobody"] = next(iter(later.values()))
    poller = Poller(get_provider(provider))
    seen = poller.look(later)
    assert seen == {}
    for _ in range(3):
        before = len(sandbox.calls())
        seen |= poller.look(later)
        assert len(sandbox.calls()) - before <= MOST_CALLS + 1
    assert seen.pop("batch_of_nobody") is None
    assert seen.keys() == set(ids)


@BOTH
def test_a_few_are_not_looked_for_in_a_list(provider: str, sandbox: Sandbox) -> None:
    """Up to three batches cost a call each, however full the account is."""
    open_batches = stock(sandbox, provider, ["batch_a", "batch_b", "batch_c"])
    stock(sandbox, provider, [f"batch_theirs_{number}" for number in range(200)])
    seen = Poller(get_provider(provider)).look(open_batches)
    assert seen.keys() == set(open_batches)
    assert {call.operation for call in sandbox.calls()} == {"retrieve"}


@BOTH
def test_a_listing_that_breaks_off_is_begun_again(
    provider: str, sandbox: Sandbox
) -> None:
    """A failed poll is repeated, and no batch is taken for absent because of it."""
    ids = [f"batch_ours_{number}" for number in range(10)]
    open_batches = stock(sandbox, provider, ids)
    stock(sandbox, provider, [f"batch_theirs_{number}" for number in range(1100)])
    # The SDKs try three times by themselves.
    fault = {"operation": "list", "do": "status", "status": 503, "nth": [2, 3, 4]}
    sandbox.set_faults({"calls": [fault | {"retry_after_ms": 1}]})
    seen = Poller(get_provider(provider)).look(open_batches)
    assert seen.keys() == set(ids)
    assert None not in seen.values()


@pytest.mark.long
@BOTH
def test_a_run_with_a_thousand_batches_in_flight(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It stays under 15 calls a look and 300 MB, among 5,000 batches of others."""
    theirs = [f"batch_theirs_{number}" for number in range(THEIRS)]
    sandbox.set_faults({"durations": {"in_progress": 80_000}})
    stock(sandbox, provider, theirs[: THEIRS // 2])
    script = Path(__file__).with_name("many_in_flight.py")
    with subprocess.Popen(
        [sys.executable, str(script), provider, str(tmp_path), str(OURS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "submitted\n"
        stock(sandbox, provider, theirs[THEIRS // 2 :])
        found = json.loads(process.communicate("\n", timeout=300)[0])
    assert sandbox.created() == OURS + THEIRS
    assert found["seen"] == OURS
    assert max(found["calls"]) <= MOST_CALLS
    assert found["peak_mb"] < 300
