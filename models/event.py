"""Progress as data: what the command line and the tasks show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .batch import Batch

__all__ = ["EventKind", "RunEvent"]

EventKind = Literal[
    "started",     # text: the run directory
    "checking",    # done/total: bytes of a request file
    "reading",     # done: rows read
    "generated",   # done: requests, total: shards
    "uploading",   # done/total: bytes of this shard
    "submitted",   # batch_id, done: requests
    "waiting",     # done/total: requests over all batches
    "ended",       # batch_id, text: the provider's word
    "downloading", # done/total: bytes of this shard
    "downloaded",  # done: results of this shard
    "asking",      # done/total: requests of this shard that are asked in realtime
    "asked",       # done: results of this shard that were asked for in realtime
    "round",       # done: requests that are sent again
    "parked",      # text: why a batch waits for capacity
    "writing",     # done/total: rows
    "notice",      # text: something a person should know, said once
    "finished",    # text: the output
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One thing that happened in a run."""

    kind: EventKind
    shard: str | None = None
    """`shards/00000`, or `rounds/1/00000` of a further round."""
    batch_id: str | None = None
    done: int | None = None
    total: int | None = None
    text: str | None = None
    batches: tuple[Batch, ...] = ()
    """For `waiting`: open batches as the provider showed them."""
