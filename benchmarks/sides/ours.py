"""What batchwright does with rows, requests and results."""

from __future__ import annotations

from pathlib import Path

import genai_prices.data  # noqa: F401 - as below
import pyarrow.compute
import pyarrow.parquet  # noqa: F401 - as below
from _data import NONCE, SHARD_ROWS
from _model import PROMPT, Ticket
from _rich import Claim
from bare import conversations
from pydantic import BaseModel

from batchwright.data.custom_id import row_ids
from batchwright.data.job import BatchJob
from batchwright.data.requests.check import check_file
from batchwright.data.requests.generate import write_shards
from batchwright.data.resolve import ResolvedJob, resolve
from batchwright.data.results.block import Reading
from batchwright.data.results.row_ids import RowIds
from batchwright.data.rows.source import open_rows
from batchwright.data.tables.concat import concat_parts
from batchwright.data.tables.formats import part_name
from batchwright.data.tables.join import BatchOutput, ShardRows, write_part
from batchwright.models import Outcome
from batchwright.providers import get_format

__all__ = ["check", "create", "generate", "join", "parse", "read"]

# Loaded when needed: no side's imports are counted.
get_format("openai")
get_format("anthropic")

_MODELS = {"Claim": Claim, "Ticket": Ticket}
_MODEL = f"{Path(__file__).parents[1] / '_model.py'}:Ticket"


def _job(source: str, output: str) -> ResolvedJob:
    return resolve(
        BatchJob(
            input=source,
            output=output,
            model="gpt-5-mini",
            prompt=PROMPT,
            response_model=_MODEL,
        )
    )


def generate(source: str, folder: str, keep_rows: str = "yes") -> dict[str, int]:
    """Rows to request files: split, digests, synced; the rows kept beside them."""
    job = _job(source, f"{folder}/out.parquet")
    ids, keep = row_ids(NONCE), keep_rows == "yes"
    shards = write_shards(job, get_format("openai"), ids, Path(folder), keep_rows=keep)
    rows = size = 0
    for shard in shards:  # put where a run has them
        made = shard.requests
        where = made.path.with_suffix("")
        where.mkdir()
        made.path.rename(where / "requests.jsonl")
        if keep:
            shard.rows_path.rename(where / f"rows{shard.rows_path.suffix}")
        rows += made.requests
        size += made.bytes
    return {"rows": rows, "bytes": size}


def create(rows: str, foreign: str, target: str) -> None:
    """Messages to a request file, without a run."""
    model: type[BaseModel] = Claim if foreign == "foreign" else Ticket
    messages = conversations(rows, foreign)
    BatchJob.create_from_messages(messages, "gpt-5-mini", model, file_path=target)


def read(source: str, folder: str) -> dict[str, int]:
    """Rows of an input, each kept in the file of its shard."""
    rows = open_rows(source)
    kept_path = Path(folder) / f"rows{rows.store_suffix}"
    store = rows.store(kept_path)
    count = kept = 0
    for block in rows.blocks():
        store.add(block.records)
        count += len(block)
        if count - kept >= SHARD_ROWS:
            kept = count
            store.close()
            store = rows.store(kept_path)
    store.close()
    return {"rows": count}


def check(path: str) -> dict[str, object]:
    """Check a request file."""
    found = check_file(Path(path), get_format("openai"))
    return {
        "requests": found.requests,
        "lines": [[each.line, each.code] for each in found.problems],
    }


def parse(path: str, model: str = "Ticket") -> dict[str, int]:
    """A result file to model instances."""
    good, bad = BatchJob.parse_from_file(path, _MODELS[model])
    return {"good": len(good), "bad": len(bad)}


def join(
    source: str, folder: str, shards: str, suffix: str, rows: str
) -> dict[str, int]:
    """Results of each shard, all rounds, to one table in input order."""
    output = f"{folder}/out{suffix}"
    job = _job(source, output)
    answer, fmt = job.answer(), get_format("openai")
    parts, succeeded, first = [], 0, 0
    for index in range(int(shards)):
        where = Path(folder) / f"{index:05}"
        (kept,) = where.glob("rows.*")
        count = min(50_000, int(rows) - first)
        part = where / part_name(output)
        tally = write_part(
            ShardRows(
                path=kept,
                ids=RowIds(NONCE, first, count),
                first_row=first,
                count=count,
                absent=lambda _: (Outcome.MISSING, "no line"),
                columns={"id": "int64", "text": "string"},
            ),
            [BatchOutput(path, path.stem) for path in sorted(where.glob("round-*"))],
            part,
            Reading(answer, fmt, job.template.model),
        )
        succeeded += tally.outcomes.get(Outcome.SUCCEEDED, 0)
        parts.append(part)
        first += count
    concat_parts(parts, output)
    return {"succeeded": succeeded}
