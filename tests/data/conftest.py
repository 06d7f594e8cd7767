"""A small run by hand: generate, answer as a provider would, join."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from upath import UPath

from batchwright.data import observed
from batchwright.data.custom_id import row_ids
from batchwright.data.job import BatchJob
from batchwright.data.requests.generate import ShardFiles, write_shards
from batchwright.data.resolve import ResolvedJob, resolve
from batchwright.data.results.block import Reading
from batchwright.data.results.row_ids import RowIds
from batchwright.data.results.store import MEMORY_BYTES
from batchwright.data.results.tally import ShardTally, combine
from batchwright.data.tables.concat import concat_parts
from batchwright.data.tables.formats import part_name
from batchwright.data.tables.join import BatchOutput, ShardRows, write_part
from batchwright.models import Outcome
from batchwright.providers import get_format

NONCE = "0123abcd"


@dataclass
class SmallRun:
    """One job in one folder."""

    job: ResolvedJob
    folder: Path
    shards: list[ShardFiles] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.format = get_format(self.job.provider, self.job.base_url)
        self.shards = list(
            write_shards(self.job, self.format, row_ids(NONCE), self.folder)
        )

    def requests(self) -> list[dict[str, Any]]:
        """Return every request, in the order of the shards."""
        return [
            orjson.loads(line)
            for shard in self.shards
            for line in shard.requests.path.read_bytes().splitlines()
        ]

    def table(self) -> list[dict[str, Any]]:
        """Return the rows of the output."""
        path = UPath(self.job.job.output)
        if path.suffix == ".parquet":
            return list(pq.read_table(str(path)).to_pylist())
        if path.suffix == ".jsonl":
            return [orjson.loads(line) for line in path.read_bytes().splitlines()]
        return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), "")))

    def join(
        self, *result_lines: Iterable[bytes], memory_bytes: int = MEMORY_BYTES
    ) -> ShardTally:
        """Join with result files of these lines and write the output."""
        results = []
        for number, lines in enumerate(result_lines):
            path = self.folder / f"results-{number}.jsonl"
            path.write_bytes(b"".join(lines))
            results.append(BatchOutput(path, f"batch_{number}"))
        parts = []
        tallies = []
        for index, shard in enumerate(self.shards):
            part = self.folder / f"{index}-{part_name(self.job.job.output)}"
            tallies.append(
                write_part(
                    ShardRows(
                        path=shard.rows_path,
                        ids=RowIds(NONCE, shard.first_row, shard.requests.requests),
                        first_row=shard.first_row,
                        count=shard.requests.requests,
                        absent=lambda _: (Outcome.MISSING, "no line"),
                        columns=observed.merge(each.columns for each in self.shards),
                    ),
                    results,
                    part,
                    Reading(self.job.answer(), self.format, self.job.template.model),
                    prefix=self.job.job.answer_prefix or "",
                    memory_bytes=memory_bytes,
                )
            )
            parts.append(part)
        concat_parts(parts, self.job.job.output)
        return combine(tallies)


@pytest.fixture
def small_run(tmp_path: Path) -> Callable[..., SmallRun]:
    """Return a function from an input file and job fields to a generated run."""

    def make(source: Path, output: str = "out.jsonl", **fields: Any) -> SmallRun:
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        fields = {"model": "gpt-5-mini", "same_prompt": True} | fields
        job = BatchJob(input=str(source), output=str(folder / output), **fields)
        return SmallRun(resolve(job), folder)

    return make


def openai_line(
    row: int, text: str | None, *, round_: int = 0, status: int = 200, **choice: Any
) -> bytes:
    """Return a result line as OpenAI writes it."""
    body: dict[str, Any] = {
        "model": "gpt-5-mini-2025-08-07",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
                **choice,
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    if status != 200:
        body = {"error": {"message": "no", "type": "t", "param": None, "code": None}}
    line = {
        "id": f"batch_req_{row}",
        "custom_id": f"{NONCE}-{row:09}-{round_}",
        "response": {"status_code": status, "request_id": "r", "body": body},
        "error": None,
    }
    return orjson.dumps(line) + b"\n"


@pytest.fixture
def answer_line() -> Callable[..., bytes]:
    """Return the builder of OpenAI result lines."""
    return openai_line


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[[Sequence[Any]], Path]:
    """Return a function that writes values as JSON lines."""

    def write(values: Sequence[Any]) -> Path:
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"".join(orjson.dumps(value) + b"\n" for value in values))
        return path

    return write


@pytest.fixture
def model_file(tmp_path: Path) -> str:
    """Return the import string of a response model in a file."""
    path = tmp_path / "model.py"
    path.write_text(
        "from typing import Literal\n"
        "from pydantic import BaseModel\n"
        "class Label(BaseModel):\n"
        "    label: Literal['SPAM', 'NOT_SPAM']\n"
        "    score: float | None = None\n",
        encoding="utf-8",
    )
    return f"{path}:Label"
