"""Turn the input into shards on disk, and then the plan that names them."""

from __future__ import annotations

import re
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from ..data.custom_id import new_nonce, row_ids
from ..data.files import size_and_digest
from ..data.requests.generate import ShardFiles, write_shards
from ..data.requests.writer import RequestFile
from ..data.reuse.digests import LineDigests
from ..data.rows.source import input_size_and_digest
from .directory.reading import damaged
from .directory.records import InputShardPlan, Plan
from .directory.run import Run
from .directory.shard import TAKEN, TAKEN_INDEX
from .events import emit

if TYPE_CHECKING:
    from .reuse.share import Share

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
    digests = LineDigests(run.job, nonce) if run.job.job.reuse else None
    shared = b""
    with run.directory.scratch() as scratch:
        ids = row_ids(nonce)
        written = write_shards(
            run.job,
            run.format,
            ids,
            scratch,
            lambda event: emit(event.kind, done=event.done, text=event.text),
            see=digests.see if digests else None,
        )
        with closing(written):  # before the folder of its files is removed
            if digests is None:
                shards.extend(_adopt(run, files, files.requests) for files in written)
            else:
                # pyarrow takes 100 MB
                from .reuse.share import share_requests  # noqa: PLC0415

                files = [*written]
                shares, shared = share_requests(run, nonce, files, digests, scratch)
                shards.extend(_adopt_share(run, share) for share in shares)
    if shared:
        run.directory.write("shared", shared)
    input_bytes, input_digest = input_size_and_digest(run.job.job.input)
    rows = sum(shard.rows for shard in shards)
    plan = Plan(
        nonce=nonce,
        rows=rows,
        shards=tuple(shards),
        created_at=datetime.now(UTC),
        seconds=time.monotonic() - started,
        input_bytes=input_bytes,
        input_digest=input_digest,
        nonce_stamp=run.directory.stamp("nonce"),
        shared_digest=sha256(shared).hexdigest() if shared else None,
    )
    with suppress(FileExistsError):  # two processes started over; the first plan counts
        data = plan.model_dump_json(indent=1).encode()
        run.directory.write_once("plan.json", data)
        sent = sum(shard.requests for shard in shards)
        emit("generated", done=sent, total=len(plan.senders))


def _nonce(run: Run) -> str:
    with suppress(FileExistsError):
        run.directory.write_once("nonce", new_nonce().encode())
    nonce = run.directory.read("nonce") or b""
    if not re.fullmatch(rb"[0-9a-f]{8}", nonce):
        raise damaged(run.directory, "nonce", "it does not hold 8 hex digits")
    return nonce.decode()


def _adopt_share(run: Run, share: Share) -> InputShardPlan:
    """Adopt a shard of a run with `reuse`, and the answers that it has already."""
    plan = _adopt(run, share.files, share.requests)
    answers, digest = share.answers, None
    if answers is not None:
        digest = size_and_digest(str(answers.path))[1]
        run.directory.adopt(answers.path, f"{plan.path}/{TAKEN}")
        run.directory.write(
            f"{plan.path}/{TAKEN_INDEX}", answers.index.to_bytes(digest)
        )
    return plan.model_copy(
        update={
            "kept_rows": share.files.requests.requests,
            "sends": share.sends,
            "taken_digest": digest,
        }
    )


def _adopt(run: Run, files: ShardFiles, requests: RequestFile | None) -> InputShardPlan:
    path = f"shards/{files.requests.path.stem}"
    rows_name = f"rows{files.rows_path.suffix}"
    rows_digest = size_and_digest(str(files.rows_path))[1]
    run.directory.adopt(files.rows_path, f"{path}/{rows_name}")
    if requests is not None:
        run.directory.adopt(requests.path, f"{path}/requests.jsonl")
    return InputShardPlan(
        path=path,
        requests=requests.requests if requests else 0,
        bytes=requests.bytes if requests else 0,
        digest=requests.digest if requests else "",
        first_row=files.first_row,
        rows_name=rows_name,
        rows_digest=rows_digest,
        columns=files.columns,
        places=files.places,
        empty=files.empty,
    )
