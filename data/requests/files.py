"""Request files by themselves: made from a table, or cut to a batch's limits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import InputError
from ...providers import get_format
from ..files import reason
from ..job import BatchJob
from ..resolve import resolve
from .generate import write_shards

__all__ = ["write_request_files"]


def write_request_files(
    job: BatchJob, progress: Callable[[int], None] | None = None
) -> list[Path]:
    """Turn a table into files of requests, `row-000000000` and on; nothing is sent.

    Args:
        job: What is read, and how requests are made of it.
        progress: Called with the rows done, now and then.

    Returns:
        `job.output`, or `...-00000.jsonl`, `...-00001.jsonl` and so on where one
        batch cannot hold all.

    Raises:
        InputError: A row that cannot be sent, or a file that is in the way.
    """
    resolved = resolve(job, with_table=False)
    output = Path(resolved.job.output)
    if output.suffix.lower() not in {".jsonl", ".ndjson"}:
        raise InputError(f"The output {output} must end in .jsonl: it holds requests.")
    fmt = get_format(resolved.provider, resolved.base_url)
    with _folder_beside(output) as folder:

        def shard(index: int) -> Path:
            path = folder / f"{index:05}"
            path.mkdir()
            return path

        shards = write_shards(
            resolved, fmt, "row-%09d", shard, progress, keep_rows=False
        )
        made = [folder / f"{files.index:05}" / "requests.jsonl" for files in shards]
        return _name(made, output, overwrite=job.overwrite)


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """Give a folder on the same disk, so that its files can be renamed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".tmp-", dir=path.parent)
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {reason(exc)}.") from exc
    with folder as name:
        try:
            yield Path(name)
        except OSError as exc:
            raise InputError(f"{path} cannot be written: {reason(exc)}.") from exc


def _name(made: list[Path], output: Path, *, overwrite: bool) -> list[Path]:
    """Rename all files at once, after all of them are whole."""
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
        source.replace(name)
    return names
