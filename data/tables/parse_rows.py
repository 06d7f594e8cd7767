"""Downloaded results beside the rows that they answer, without a run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ...errors import InputError
from ...models import Outcome, RunEvent
from ...providers import Format
from ..answers.load import load_answer
from ..columns import META
from ..files import reason
from ..observed import observe
from ..results.block import Reading
from ..results.reader import read_results
from ..results.row_ids import GivenIds, Ids, RowIds
from ..rows.block import RowBlock, refuse_collisions
from ..rows.source import RowSource, open_rows
from .concat import concat_parts
from .formats import part_name
from .join import BatchOutput, ShardRows, write_part
from .parse import ParseTally, no_result, refuse_output

__all__ = ["parse_with_rows"]

_COLUMN = "custom_id"
_NUMBERED = re.compile("row-[0-9]{9}|([0-9a-f]{8})-[0-9]{9}-[0-9]+")
"""A `custom_id` that numbers a row: of requests alone, or with the nonce of a run."""


def parse_with_rows(
    rows: str,
    file_path: Path,
    output: Path,
    response_model: str | None = None,
    *,
    encoding: str | None = None,
    prefix: str = "",
    overwrite: bool = False,
    tell: Callable[[RunEvent], None] = lambda _: None,
) -> ParseTally:
    """Write each row with its answer, in the order of the rows, as a run does.

    A result belongs to the row whose column `custom_id` has its ID; where no row has
    the first one, to the row that its ID numbers. It takes some 300 bytes a row.

    Args:
        rows: A file, a glob or an fsspec URL.
        file_path: Result lines of one provider.
        output: The table; its ending says which kind.
        response_model: What an answer must be; plain text if None.
        encoding: Of the rows.
        prefix: Of the answer's columns.
        overwrite: Whether an existing output is replaced.
        tell: Called with what was decided about the rows, and the rows done.

    Raises:
        InputError: Rows or results cannot be read, or do not belong together.
    """
    refuse_output(output, overwrite=overwrite)
    answer = load_answer(response_model)
    fmt, first_id = _first_result(file_path)
    source = open_rows(rows, encoding)
    if source.note:
        tell(RunEvent(kind="notice", text=source.note))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=output.parent) as folder:
            kept = _Kept(source, Path(folder, f"rows{source.store_suffix}"))
            ours = frozenset(prefix + name for name in answer.columns)
            taken = [*(source.columns or kept.columns), *META]
            refuse_collisions(ours, taken, rows)
            part = Path(folder, part_name(str(output)))
            tally = write_part(
                ShardRows(
                    path=kept.path,
                    ids=kept.ids_like(first_id, file_path),
                    first_row=0,
                    count=kept.count,
                    absent=lambda _: (Outcome.MISSING, "no result has its custom_id"),
                    columns=kept.columns,
                ),
                [BatchOutput(file_path, None)],
                part,
                Reading(answer, fmt),
                prefix=prefix,
                progress=lambda done: tell(RunEvent(kind="writing", done=done)),
            )
            concat_parts([part], str(output))
    except OSError as exc:
        raise InputError(f"{output} cannot be written: {reason(exc)}.") from exc
    return ParseTally(
        results=tally.rows,
        written=tally.rows,
        failed=tally.rows - tally.outcomes.get(Outcome.SUCCEEDED, 0),
        missing=tally.missing.count,
        stray=tally.foreign.count,
        stray_ids=tally.foreign.first_ids,
    )


class _Kept:
    """The rows, in the form in which a run keeps them."""

    def __init__(self, source: RowSource, path: Path) -> None:
        self.path = path
        self.count = 0
        self.columns: dict[str, str] = {}
        self._ids: dict[str, int] | None = None
        with closing(source.store(path)) as store:
            for block in source.blocks():
                if source.columns is None:
                    observe(self.columns, block.values)
                if not self.count and _COLUMN in block.values[0]:
                    self._ids = {}
                if self._ids is not None:
                    _add_ids(self._ids, block)
                store.add(block.records)
                self.count += len(block)

    def ids_like(self, custom_id: str, file_path: Path) -> Ids:
        """Return the IDs of the rows, told by that of a result."""
        if self._ids is not None and custom_id in self._ids:
            return GivenIds(self._ids)
        if found := _NUMBERED.fullmatch(custom_id):
            return RowIds(found[1], 0, self.count)
        raise InputError(
            f"{file_path} has the custom_id {custom_id!r}, which no row has and which"
            f" numbers none; the rows need a column {_COLUMN!r} with such IDs."
        )


def _add_ids(ids: dict[str, int], block: RowBlock) -> None:
    for index, values in enumerate(block.values):
        value = values.get(_COLUMN)
        custom_id = "" if value is None else str(value)
        if not custom_id or custom_id in ids:
            what = "has no custom_id" if not custom_id else "has one of another row"
            where = block.part(index, index + 1).where()
            raise InputError(f"{where} {what}; each row needs its own.")
        ids[custom_id] = block.first_row + index


def _first_result(path: Path) -> tuple[Format, str]:
    """Return the provider's format and the first `custom_id`."""
    try:
        with path.open("rb") as file:
            for block in read_results(file):
                if block.fmt is None:
                    raise no_result(path, block)
                for result in block.results:
                    if result.custom_id:
                        return block.fmt, result.custom_id
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {reason(exc)}.") from exc
    raise InputError(f"{path} holds no results.")
