"""What a job would send and cost, measured on its requests; nothing is sent."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from ...data.bounds import most_output_tokens
from ...data.custom_id import row_ids
from ...data.job import BatchJob
from ...data.prices import price
from ...data.requests.generate import prompt_of, write_shards
from ...data.resolve import ResolvedJob, resolve
from ...data.rows.block import first_rows
from ...data.rows.source import open_rows
from ...models import RunEvent, Usage
from ...providers import Format, get_format
from ..decide.budget import most_usd

if TYPE_CHECKING:
    from ..reuse.preview import Preview

__all__ = ["DryRun", "SamplePrompt", "dry_run", "sample_prompts"]

_BYTES_PER_TOKEN = 4
_SAMPLES = 3
_NONCE = "00000000"
_IDS = row_ids(_NONCE)


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
    rows: int
    """More than requests where `reuse` leaves some out."""
    answered: int = 0
    """Requests that other runs have the answer to."""
    shared: int = 0
    """Rows whose request is equal to that of a row before."""
    saved_usd: float | None = 0.0
    """What the answers of other runs cost; None where it is unknown."""
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


def dry_run(
    job: BatchJob,
    tell: Callable[[RunEvent], None] = lambda _: None,
    *,
    run_dir: str | None = None,
) -> DryRun:
    """Make every request of the job as a run would, measure them, keep none.

    Disk is used for one batch at a time.

    Args:
        job: What the run would do.
        tell: Called with its progress.
        run_dir: Where the run would be; answers of the runs beside it are reused. None:
            in `BATCHWRIGHT_RUNS_DIR`.

    Raises:
        InputError: The job cannot be run as it is.
    """
    resolved = resolve(job)
    provider, template = resolved.provider, resolved.template
    fmt = get_format(provider, resolved.base_url)
    samples: list[str] = []
    batches: list[tuple[int, int]] = []
    empty: Counter[str] = Counter()
    preview = _preview(resolved, fmt) if job.reuse else None
    with tempfile.TemporaryDirectory(prefix="batchwright-") as folder:
        see = preview.see if preview else None
        for shard in write_shards(resolved, fmt, _IDS, Path(folder), tell, see=see):
            made = shard.requests
            if not samples:
                with made.path.open("rb") as lines:
                    first = islice(lines, _SAMPLES)
                    samples = [line.decode().rstrip("\n") for line in first]
            made.path.unlink()
            shard.rows_path.unlink()
            batches.append((made.requests, made.bytes))
            empty.update(shard.empty)
    rows = sum(requests for requests, _ in batches)
    reused: dict[str, Any] = {}
    if preview:
        reused = preview.find(run_dir)
        batches = [*preview.batches()]
    requests = sum(requests for requests, _ in batches)
    size = sum(size for _, size in batches)
    tokens = size // _BYTES_PER_TOKEN
    # Priced request by request: long inputs have a price of their own.
    one_input = price(
        provider,
        template.known_model,
        Usage(input_tokens=max(1, tokens // max(1, requests))),
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
        batches=len(batches),
        input_tokens=tokens,
        basis=f"{_BYTES_PER_TOKEN} bytes of a request line taken for one token",
        input_usd=None if one_input is None else one_input * requests,
        most_output_usd=None if one_output is None else one_output * requests,
        most_usd=_most(resolved, batches),
        most_realtime_usd=(
            None
            if job.finish_by_seconds is None
            else _most(resolved, batches, realtime=True)
        ),
        max_cost_usd=job.max_cost_usd,
        rows=rows,
        **reused,
        empty_values=dict(empty),
        samples=tuple(samples),
        prompts=tuple(islice(sample_prompts(resolved), _SAMPLES)),
    )


def _most(
    job: ResolvedJob, batches: Sequence[tuple[int, int]], *, realtime: bool = False
) -> float | None:
    """Return what is reserved for all batches together; None: unknown."""
    reserved = [most_usd(job, *batch, realtime=realtime) for batch in batches]
    known = [usd for usd in reserved if usd is not None]
    return sum(known) if len(known) == len(reserved) else None


def _preview(job: ResolvedJob, fmt: Format) -> Preview:
    from ..reuse.preview import Preview  # noqa: PLC0415 - pyarrow takes 100 MB

    return Preview(job, fmt, _NONCE)


def sample_prompts(job: ResolvedJob) -> Iterator[SamplePrompt]:
    """Yield the messages of each row, with a system text that is the same for all."""
    system, prompt = job.template.system, prompt_of(job)
    constant = [] if system is None else [{"role": "system", "content": system}]
    blocks = open_rows(job.job.input, job.job.encoding).blocks()
    for block in first_rows(blocks, job.job.limit):
        for index in range(len(block)):
            row = block.part(index, index + 1)
            messages = (*constant, *map(dict, prompt(row.values[0])))
            yield SamplePrompt(row=row.where(), messages=messages)
