"""Downloaded results into a typed table, without the rows that they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import compress, repeat
from pathlib import Path

from ...errors import InputError
from ...models import Outcome
from ..answers.load import load_answer
from ..answers.response_model import Answer, Fields
from ..files import new_output
from ..results.merge import read_answers
from ..results.reader import BLOCK_BYTES, read_results
from ..results.row_meta import RowMetas
from ..rows.kept import LineChunk, no_columns
from .writers import Writer, lay_out, open_writer

__all__ = ["ParseTally", "parse_file"]

_ROWS = 4096
_SUFFIXES = {".parquet", ".csv", ".jsonl", ".ndjson"}


@dataclass(slots=True)
class ParseTally:
    """How many results there were."""

    results: int = 0
    written: int = 0
    failed: int = 0
    """Results that are no valid answer."""


def parse_file(
    file_path: Path,
    output: Path,
    response_model: str | None = None,
    *,
    only_failed: bool = False,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ParseTally:
    """Write one row per result line, in file order, in bounded memory.

    Args:
        file_path: Result lines of either provider.
        output: The table; its ending says which kind.
        response_model: What an answer must be; plain text if None.
        only_failed: Leave out the good ones, and the answer columns, so that the
            table is an input again.
        overwrite: Whether an existing output is replaced.
        progress: Called with the results done, now and then.

    Raises:
        InputError: No results, an output that is in the way, or a response model
            that cannot be loaded.
    """
    if output.suffix.lower() not in _SUFFIXES:
        raise InputError(f"The output {output} must end in .parquet, .csv or .jsonl.")
    if output.exists() and not overwrite:
        raise InputError(
            f"{output} exists; name another --output, or replace it with --overwrite."
        )
    answer = load_answer(response_model)
    tally = ParseTally()
    with new_output(str(output)) as temporary:
        columns = {} if only_failed else answer.columns
        writer = open_writer(temporary, no_columns(), columns, "")
        answers: list[Fields] = []
        meta = RowMetas.of([])
        size = 0
        try:
            for fields, rows, block_bytes in _blocks(file_path, answer):
                tally.results += len(rows)
                if progress is not None:
                    progress(tally.results)
                failed = [each is not Outcome.SUCCEEDED for each in rows.outcomes]
                tally.failed += sum(failed)
                if only_failed:
                    meta.extend(RowMetas.of(compress(rows, failed)))
                    answers += [None] * sum(failed)
                else:
                    meta.extend(rows)
                    answers += fields
                size += block_bytes
                if len(meta) >= _ROWS or size > writer.block_bytes:
                    tally.written += _write(writer, answers, meta)
                    answers, meta, size = [], RowMetas.of([]), 0
            tally.written += _write(writer, answers, meta)
        finally:
            writer.close()
        if not tally.results:
            raise InputError(f"{file_path} holds no results.")
    return tally


def _write(writer: Writer, answers: list[Fields], meta: RowMetas) -> int:
    """Write rows that have no columns of their own, and return how many."""
    if meta:
        rows = LineChunk([b"{}"] * len(meta), {})
        writer.write(rows, lay_out(writer, answers, meta).answers)
    return len(meta)


def _blocks(path: Path, answer: Answer) -> Iterator[tuple[list[Fields], RowMetas, int]]:
    try:
        with path.open("rb", buffering=BLOCK_BYTES) as file:
            for block in read_results(file):
                if block.fmt is None:
                    raise InputError(
                        f"{path} line {block.first_line} is no result of OpenAI or"
                        " Anthropic."
                    )
                unknown = repeat(None, len(block.results))
                fields, meta = read_answers(block.results, unknown, answer, block.fmt)
                yield fields, meta, sum(map(len, block.lines))
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc
