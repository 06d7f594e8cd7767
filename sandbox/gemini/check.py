"""Reads the file of a new batch; without a request in every line, nothing runs."""

from __future__ import annotations

from typing import Any

import orjson

from ..engine.produce import read_lines
from ..engine.store import BatchRow, Store
from ..engine.timeline import plan_of
from ..faults import Faults

__all__ = ["check_batch"]


def check_batch(row: BatchRow, store: Store, _: Faults, now: float) -> dict[str, Any]:
    """Return columns of the batch's row: what its file holds, or why it is refused."""
    del now
    fail = plan_of(row).effects.fail
    problem = fail[0].message if fail else None
    total, first, seen = 0, None, set()
    for number, line in enumerate(read_lines(store.path(row.input_file_id or "")), 1):
        try:
            request = orjson.loads(line)
            key, _content = request["key"], request["request"].items()
        except (AttributeError, KeyError, TypeError, ValueError):
            problem = problem or f"Line {number} is not a request with a key."
            break
        if not isinstance(key, str) or key in seen:
            problem = problem or f"Line {number} has no key of its own."
            break
        seen.add(key)
        total, first = total + 1, first or key
    if total == 0:
        problem = problem or "The file has no requests."
    errors = orjson.dumps([{"message": problem}]).decode() if problem else None
    return {"total": total, "first_custom_id": first, "errors": errors}
