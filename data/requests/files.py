"""Request files of a table, without a run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from ...errors import InputError
from ...models import RunEvent
from ...providers import get_format
from ..files import put_in_place, reason
from ..job import BatchJob
from ..resolve import resolve
from .generate import write_shards

__all__ = ["write_request_files"]


def write_request_files(
    job: BatchJob, tell: Callable[[RunEvent], None] = lambda _: None
) -> list[Path]:
    """Turn a table into request files; nothing is sent.

    The `custom_id`s are `row-000000000`, `row-000000001` and so on.

    Args:
        job: The table, and how requests are made of it.
        tell: Called with what was decided about the input, and the rows done.

    Returns:
        `job.output`, or `...-00000.jsonl`, `...-00001.jsonl` and so on if one batch
        cannot hold all requests.

    Raises:
        InputError: A row that cannot be sent, or a file that exists.
    """
    resolved = resolve(job, with_table=False)
    output = Path(resolved.job.output)
    if output.suffix.lower() not in {".jsonl", ".ndjson"}:
        raise InputError(f"The output {output} must end in .jsonl: it holds requests.")
    fmt = get_format(resolved.provider, resolved.base_url)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=output.parent) as folder:
            shards = write_shards(
                resolved, fmt, "row-%09d", Path(folder), tell, keep_rows=False
            )
            made = [shard.requests.path for shard in shards]
            return _name(made, output, overwrite=job.overwrite)
    except OSError as exc:
        raise InputError(f"{output} cannot be written: {reason(exc)}.") from exc


def _name(made: list[Path], output: Path, *, overwrite: bool) -> list[Path]:
    """Rename the files, after all of them are complete."""
    names = [output]
    if len(made) > 1:
        names = [
            output.with_name(f"{output.stem}-{number:05}{output.suffix}")
            for number in range(len(made))
        ]
    for name in names:
        if name.exists() and not overwrite:
            raise InputError(
                f"{name} exists; name another --output, or replace it with --overwrite."
            )
    for source, name in zip(made, names, strict=True):
        put_in_place(source, name)
    return names
