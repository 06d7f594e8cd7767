"""Request files of a run whose rows other runs may have answered."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import genai_prices.data  # noqa: F401 - as below
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from _model import PROMPT

from batchwright.data.job import BatchJob
from batchwright.data.reuse.index import IndexWriter
from batchwright.providers import get_format
from batchwright.runs.directory.run import Run
from batchwright.runs.generate import generate_shards
from batchwright.runs.open import open_run

__all__ = ["generate", "make", "scan"]

get_format("openai")
pa.scalar(0)  # imports pandas, where that is installed
os.environ.setdefault("OPENAI_API_KEY", "sk-never-sent")
_PER_BATCH = 50_000
_MODEL = f"{Path(__file__).parents[1] / '_model.py'}:Ticket"


def make(root: str, runs: str, rows: str) -> dict[str, int]:
    """Write the indexes of runs that answered other requests; says their size."""
    size = 0
    for run in range(int(runs)):
        folder = Path(root, f"run-{run:03}")
        for shard in range(int(rows) // _PER_BATCH):
            attempts = folder / f"shards/{shard:05}/attempts"
            attempts.mkdir(parents=True)
            index = IndexWriter()
            for row in range(_PER_BATCH):
                index.add(secrets.token_bytes(16), row * 1000)
            data = index.to_bytes(None)
            size += len(data)
            (attempts / "000.index.arrow").write_bytes(data)
            (attempts / "000.ended.json").touch()
        (folder / "plan.json").touch()
        (folder / "job.json").touch()
    return {"bytes": size}


def generate(source: str, root: str, reuse: str) -> dict[str, int]:
    """Rows to the plan of a run, as its first step does it."""
    job = BatchJob(
        input=source,
        output=f"{root}/out.parquet",
        model="gpt-5-mini",
        prompt=PROMPT,
        response_model=_MODEL,
        reuse=reuse == "yes",
    )
    run = open_run(job, f"{root}/new-{secrets.token_hex(4)}")
    generate_shards(run)
    return {"rows": Run.load(run.directory.url).plan().rows}


def scan(root: str) -> dict[str, int]:
    """Read the indexes, and do nothing with them."""
    return {
        "bytes": sum(
            len(path.read_bytes()) for path in Path(root).rglob("*.index.arrow")
        )
    }
