"""Turn the input into shards on disk, and then the plan that names them."""

from __future__ import annotations

import re
import time
from contextlib import closing, suppress
from datetime import UTC, datetime

from ..data.custom_id import new_nonce, row_ids
from ..data.files import size_and_digest
from ..data.requests.generate import ShardFiles, write_shards
from ..data.rows.source import input_size_and_digest
from .directory.reading import damaged
from .directory.records import InputShardPlan, Plan
from .directory.run import Run
from .events import emit

__all__ = ["generate_shards"]


def generate_shards(run: Run) -> None:
    """Read the input once and write each shard's rows and requests together.

    A crash before the plan exists starts over; after it the input, the prompt and the
    response model are never read to make requests again. The run's nonce is fixed
    first, so that two processes that start over at once write the same bytes.
    """
    started = time.monotonic()
    nonce = _nonce(run)
    shards: list[InputShardPlan] = []
    with run.directory.scratch() as scratch:
        ids = row_ids(nonce)
        written = write_shards(
            run.job,
            run.format,
            ids,
            scratch,
            lambda event: emit(event.kind, done=event.done, text=event.text),
        )
        with closing(written):  # before the folder of its files is removed
            shards.extend(_adopt(run, files) for files in written)
    input_bytes, input_digest = input_size_and_digest(run.job.job.input)
    rows = sum(shard.requests for shard in shards)
    plan = Plan(
        nonce=nonce,
        rows=rows,
        shards=tuple(shards),
        created_at=datetime.now(UTC),
        seconds=time.monotonic() - started,
        input_bytes=input_bytes,
        input_digest=input_digest,
        nonce_stamp=run.directory.stamp("nonce"),
    )
    with suppress(FileExistsError):  # two processes started over; the first plan counts
        data = plan.model_dump_json(indent=1).encode()
        run.directory.write_once("plan.json", data)
        emit("generated", done=rows, total=len(shards))


def _nonce(run: Run) -> str:
    with suppress(FileExistsError):
        run.directory.write_once("nonce", new_nonce().encode())
    nonce = run.directory.read("nonce") or b""
    if not re.fullmatch(rb"[0-9a-f]{8}", nonce):
        raise damaged(run.directory, "nonce", "it does not hold 8 hex digits")
    return nonce.decode()


def _adopt(run: Run, files: ShardFiles) -> InputShardPlan:
    requests = files.requests
    path = f"shards/{requests.path.stem}"
    rows_name = f"rows{files.rows_path.suffix}"
    rows_digest = size_and_digest(str(files.rows_path))[1]
    run.directory.adopt(files.rows_path, f"{path}/{rows_name}")
    run.directory.adopt(requests.path, f"{path}/requests.jsonl")
    return InputShardPlan(
        path=path,
        requests=requests.requests,
        bytes=requests.bytes,
        digest=requests.digest,
        first_row=files.first_row,
        rows_name=rows_name,
        rows_digest=rows_digest,
        columns=files.columns,
        places=files.places,
        empty=files.empty,
    )
