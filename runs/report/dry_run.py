"""What a job would send and cost, measured on its requests; nothing is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ...data.bounds import most_output_tokens
from ...data.custom_id import row_ids
from ...data.job import BatchJob
from ...data.prices import price
from ...data.requests.generate import write_shards
from ...data.resolve import resolve
from ...models import RunEvent, Usage
from ...providers import get_format

__all__ = ["DryRun", "dry_run"]

_BYTES_PER_TOKEN = 4
_SAMPLES = 3
_IDS = row_ids("00000000")


class DryRun(BaseModel):
    """The size of a job before anything is sent."""

    model_config = ConfigDict(frozen=True)

    provider: str
    model: str
    requests: int
    bytes: int
    batches: int
    input_tokens: int
    """Estimated."""
    basis: str
    """How the tokens were estimated."""
    input_usd: float | None
    """Cost of the estimated input at the batch price; None where it is unknown."""
    most_output_usd: float | None
    """Cost if every answer is as long as `max_tokens`; None where it is unknown."""
    samples: tuple[str, ...]
    """The first three requests."""


def dry_run(job: BatchJob, tell: Callable[[RunEvent], None] = lambda _: None) -> DryRun:
    """Make every request of the job as a run would, measure them, keep none.

    Disk is used for one batch at a time.

    Raises:
        InputError: The job cannot be run as it is.
    """
    resolved = resolve(job)
    provider, template = resolved.provider, resolved.template
    fmt = get_format(provider, resolved.base_url)
    requests = size = batches = 0
    samples: list[str] = []
    with tempfile.TemporaryDirectory(prefix="batchwright-") as folder:
        for shard in write_shards(resolved, fmt, _IDS, Path(folder), tell):
            made = shard.requests
            if not samples:
                with made.path.open("rb") as lines:
                    first = islice(lines, _SAMPLES)
                    samples = [line.decode().rstrip("\n") for line in first]
            made.path.unlink()
            shard.rows_path.unlink()
            requests += made.requests
            size += made.bytes
            batches += 1
    tokens = size // _BYTES_PER_TOKEN
    # Priced request by request: long inputs have a price of their own.
    one_input = price(
        provider, template.model, Usage(input_tokens=max(1, tokens // requests))
    )
    most_output = most_output_tokens(template)
    one_output = most_output and price(
        provider, template.model, Usage(output_tokens=most_output)
    )
    return DryRun(
        provider=provider,
        model=template.model,
        requests=requests,
        bytes=size,
        batches=batches,
        input_tokens=tokens,
        basis=f"{_BYTES_PER_TOKEN} bytes of a request line taken for one token",
        input_usd=None if one_input is None else one_input * requests,
        most_output_usd=None if one_output is None else one_output * requests,
        samples=tuple(samples),
    )
