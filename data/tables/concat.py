"""Parts into one table, without reading what they hold where that can be helped."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..files import new_output
from .csv_text import csv_line

__all__ = ["concat_parts", "part_name"]


def part_name(output: str) -> str:
    """Return the name of a file that `concat_parts` takes for this output.

    What will be Parquet waits as Arrow's batches: it is encoded and compressed once.
    """
    suffix = PurePosixPath(output).suffix.lower()
    return "part" + (".arrow" if suffix == ".parquet" else suffix)


def concat_parts(parts: Iterable[Path], output: str) -> None:
    """Write the parts one after the other; the output appears whole or not at all.

    Args:
        parts: Local files of `write_part`, named as `part_name` says, in order; each
            is done with when the next one is asked for.
        output: A path or an fsspec URL.

    Raises:
        InputError: It cannot be written there.
    """
    suffix = PurePosixPath(output).suffix.lower()
    with new_output(output) as temporary:
        if suffix == ".parquet":
            from .parquet_concat import (  # noqa: PLC0415 - pyarrow takes 100 MB
                concat_parquet,
            )

            concat_parquet(parts, temporary)
            return
        with temporary.open("wb") as target:
            for number, path in enumerate(parts):
                with path.open("rb") as source:
                    if suffix == ".csv" and number > 0:
                        source.seek(_header_bytes(path))
                    shutil.copyfileobj(source, target, 1 << 20)


def _header_bytes(path: Path) -> int:
    """Return how long the header is; a column's name may hold a newline."""
    with path.open("r", encoding="utf-8", newline="") as file:
        names = next(csv.reader(file, strict=True))
    return len(csv_line(names).encode())
