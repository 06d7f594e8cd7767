"""Downloaded results into a typed table, without the rows that they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...models import RunEvent
from ...providers import vendors
from ..answers.load import load_answer
from ..answers.response_model import AnswerReader
from ..columns import META, ROW_COLUMNS
from ..files import new_output
from ..results.block import Block, Reading, gather, row_columns
from ..results.reader import BLOCK_BYTES, ResultBlock, read_results
from ..rows.kept import LineChunk, no_columns
from .formats import OUTPUT_SUFFIXES, Table, table_format

__all__ = ["ParseTally", "no_result", "parse_file", "refuse_output"]


@dataclass(slots=True)
class ParseTally:
    """How many results there were."""

    results: int = 0
    written: int = 0
    failed: int = 0
    """Results, or rows, without a valid answer."""
    missing: int = 0
    """Rows without a result."""
    stray: int = 0
    """Results of no row."""
    stray_ids: tuple[str, ...] = ()
    """The first `custom_id`s of these."""


def parse_file(
    file_path: Path,
    output: Path,
    response_model: str | None = None,
    *,
    only_failed: bool = False,
    prefix: str = "",
    overwrite: bool = False,
    tell: Callable[[RunEvent], None] = lambda _: None,
) -> ParseTally:
    """Write one row per result line, in file order, in bounded memory.

    Args:
        file_path: Result lines of either provider.
        output: The table; its ending says which kind.
        response_model: What an answer must be; plain text if None.
        only_failed: Leave out the valid answers, and the answer columns.
        prefix: Of the answer's columns.
        overwrite: Whether an existing output is replaced.
        tell: Called with the results done, now and then.

    Raises:
        InputError: No results, an output that exists already, or a response model
            that cannot be loaded.
    """
    refuse_output(output, overwrite=overwrite)
    answer = load_answer(response_model)
    columns = {} if only_failed else answer.columns
    for name in META.keys() & {prefix + each for each in columns}:
        raise InputError(
            f"The response model has a field {name!r}, and so has every table of"
            " results: rename it, or put something before it with --answer-prefix."
        )
    open_table = table_format(output).open
    tally = ParseTally()
    with (
        new_output(str(output)) as temporary,
        closing(
            open_table(temporary, no_columns(), columns, prefix, ROW_COLUMNS)
        ) as table,
    ):
        for block in gather(_blocks(file_path, answer), table.encode_bytes):
            failures = block.failures()
            tally.results += len(block)
            tally.failed += len(failures)
            tally.written += _write(table, failures if only_failed else block)
            tell(RunEvent(kind="writing", done=tally.results))
        if not tally.results:
            raise InputError(f"{file_path} holds no results.")
    return tally


def refuse_output(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that is of no known format, or that exists.

    Raises:
        InputError: It says which.
    """
    if not output.name.lower().endswith(OUTPUT_SUFFIXES):
        raise InputError(f"The output {output} must end in .parquet, .csv or .jsonl.")
    if output.exists() and not overwrite:
        raise InputError(
            f"{output} exists; name another --output, or replace it with --overwrite."
        )


def no_result(path: Path, block: ResultBlock) -> InputError:
    """Return the error about lines of no known provider."""
    return InputError(
        f"{path} line {block.first_line} is no result of"
        f" {' or '.join(each.title for each in vendors())}."
    )


def _write(table: Table, block: Block) -> int:
    """Write results as rows without columns of their own, and return how many."""
    if block:
        rows = LineChunk([b"{}"] * len(block), {})
        encoded = table.encode(block.fields, block.columns())
        table.write(
            rows, encoded, row_columns(block.usages, block.costs, [0] * len(block))
        )
    return len(block)


def _blocks(path: Path, answer: AnswerReader) -> Iterator[tuple[Block, int]]:
    try:
        with path.open("rb", buffering=BLOCK_BYTES) as file:
            for block in read_results(file):
                if block.fmt is None:
                    raise no_result(path, block)
                read = Reading(answer, block.fmt).read(block.results, None)
                yield read, sum(map(len, block.lines))
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc
