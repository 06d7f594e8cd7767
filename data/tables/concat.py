"""Parts into one table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..files import new_output
from .formats import table_format

__all__ = ["concat_parts"]


def concat_parts(parts: Iterable[Path], output: str) -> None:
    """Write the parts one after the other; the output appears whole or not at all.

    Args:
        parts: Local files of `write_part`, of the format of `output`, in order; each
            is done with when the next one is asked for.
        output: A path or an fsspec URL.

    Raises:
        InputError: It cannot be written there.
    """
    with new_output(output) as temporary:
        table_format(output).concat(parts, temporary)
