"""What a job would send and cost, measured on its requests; nothing is sent."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ...data.bounds import most_output_tokens
from ...data.custom_id import row_ids
from ...data.job import BatchJob
from ...data.prices import price
from ...data.requests.generate import prompt_of, write_shards
from ...data.resolve import ResolvedJob, resolve
from ...data.rows.source import open_rows
from ...models import RunEvent, Usage
from ...providers import get_format
from ..decide.budget import most_usd

__all__ = ["DryRun", "SamplePrompt", "dry_run"]

_BYTES_PER_TOKEN = 4
_SAMPLES = 3
_IDS = row_ids("00000000")


class SamplePrompt(BaseModel):
    """The messages of one row."""

    model_config = ConfigDict(frozen=True)

    row: str
    """Where the row is in the input."""
    messages: tuple[dict[str, Any], ...]


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
    most_usd: float | None
    """What `max_cost_usd` reserves for all batches together, before any round; None
    without a limit of tokens or a known price."""
    most_realtime_usd: float | None = None
    """What is reserved if the deadline passes before any batch has answered, so that
    all is asked in realtime; None without a deadline, or where it is unknown."""
    max_cost_usd: float | None
    empty_values: dict[str, int]
    """Rows with an empty value, by column that the prompt uses."""
    samples: tuple[str, ...]
    """The first three requests."""
    prompts: tuple[SamplePrompt, ...] = Field(exclude=True)
    """What they say, for people."""

    @property
    def problem(self) -> str | None:
        """Why the run may stop at its cost limit, and the limit that it needs."""
        most, cap = self.most_realtime_usd or self.most_usd, self.max_cost_usd
        if cap is None or most is None or most <= cap:
            return None
        needed = ceil(most * 10_000) / 10_000
        sent = "batches" if self.most_realtime_usd is None else "requests"
        return (
            f"The {sent} may cost {most:,.6f} USD together, which is more than"
            f" --max-cost-usd {cap:,.6f}, so the run stops before it may pass the"
            f" limit. It needs --max-cost-usd {needed:.4f}, or fewer rows, or a"
            " lower --max-tokens."
        )


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
    most: float | None = 0.0
    most_realtime: float | None = None if job.finish_by_seconds is None else 0.0
    empty: Counter[str] = Counter()
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
            reserved = most_usd(resolved, made.requests, made.bytes)
            most = None if most is None or reserved is None else most + reserved
            if most_realtime is not None:
                reserved = most_usd(resolved, made.requests, made.bytes, realtime=True)
                most_realtime = None if reserved is None else most_realtime + reserved
            empty.update(shard.empty)
    tokens = size // _BYTES_PER_TOKEN
    # Priced request by request: long inputs have a price of their own.
    one_input = price(
        provider, template.known_model, Usage(input_tokens=max(1, tokens // requests))
    )
    most_output = most_output_tokens(template)
    one_output = most_output and price(
        provider, template.known_model, Usage(output_tokens=most_output)
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
        most_usd=most,
        most_realtime_usd=most_realtime,
        max_cost_usd=job.max_cost_usd,
        empty_values=dict(empty),
        samples=tuple(samples),
        prompts=tuple(_prompts(resolved)),
    )


def _prompts(job: ResolvedJob) -> Iterator[SamplePrompt]:
    """Yield the messages of the first rows."""
    system, prompt = job.template.system, prompt_of(job)
    constant = [] if system is None else [{"role": "system", "content": system}]
    rows = (
        block.part(row, row + 1)
        for block in open_rows(job.job.input, job.job.encoding).blocks()
        for row in range(len(block))
    )
    for row in islice(rows, _SAMPLES):
        messages = (*constant, *map(dict, prompt(row.values[0])))
        yield SamplePrompt(row=row.where(), messages=messages)
