"""Downloaded results into a typed table, without the rows that they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..models import Outcome
from ..providers import Format, get_format
from ._attempts import read_answer
from ._chunks import LineChunk, no_columns
from ._jsonl_rows import read_lines
from ._writers import RowAnswer, open_writer
from .files import new_output
from .prices import price
from .response_model import Answer, load_answer
from .results import provider_of

__all__ = ["ParseTally", "parse_file"]

_ROWS = 4096
_PROGRESS_ROWS = 1024
_BYTES = 8 << 20
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
        held: list[RowAnswer] = []
        size = 0
        try:
            for row, line_bytes in _rows(file_path, answer):
                tally.results += 1
                good = row.outcome is Outcome.SUCCEEDED
                tally.failed += not good
                if only_failed and good:
                    continue
                tally.written += 1
                held.append(row)
                size += line_bytes
                if len(held) == _ROWS or size > _BYTES:
                    writer.write(LineChunk([b"{}"] * len(held), {}), held)
                    held, size = [], 0
                if progress is not None and tally.results % _PROGRESS_ROWS == 0:
                    progress(tally.results)
            if held:
                writer.write(LineChunk([b"{}"] * len(held), {}), held)
        finally:
            writer.close()
        if not tally.results:
            raise InputError(f"{file_path} holds no results.")
    return tally


def _rows(path: Path, answer: Answer) -> Iterator[tuple[RowAnswer, int]]:
    formats = {name: get_format(name) for name in ("openai", "anthropic")}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(read_lines(file), start=1):
                if not line.strip():
                    continue
                name = provider_of(line)
                if name is None:
                    raise InputError(
                        f"{path} line {number} is no result of OpenAI or Anthropic."
                    )
                yield _row(line, formats[name], answer), len(line)
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc


def _row(line: bytes, fmt: Format, answer: Answer) -> RowAnswer:
    result = fmt.decode(line)
    row = read_answer(result, answer, fmt)
    if result.usage is not None:
        row.input_tokens = result.usage.input_tokens
        row.output_tokens = result.usage.output_tokens
        if result.model is not None:
            row.cost_usd = price(fmt.name, result.model, result.usage)
    return row
