"""Files of result lines, decoded in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import filterfalse, groupby
from typing import BinaryIO

from ...models import BatchResult, Outcome
from ...providers import Format, get_format, vendors
from ..rows.jsonl import BOM
from .long_lines import LONG, decode_long

__all__ = [
    "BLOCK_BYTES",
    "ResultBlock",
    "provider_of",
    "read_blocks",
    "read_results",
]

BLOCK_BYTES = 1 << 18
"""Lines that are decoded together: few enough for the processor's cache."""

_BLANK = ""
_ERRORED = Outcome.ERRORED


@dataclass(frozen=True, slots=True)
class ResultBlock:
    """Consecutive lines of one provider."""

    fmt: Format | None
    """Of their provider, the same for all of its blocks; None: no known provider."""
    first_line: int
    """1-based, in the file."""
    lines: list[bytes]
    results: list[BatchResult]
    """One for each line; none where the provider is not known."""


def provider_of(line: bytes) -> str | None:
    """Return the provider of a result line, by its shape; None: no known provider."""
    return next((each.name for each in vendors() if each.is_result(line)), None)


def read_results(file: BinaryIO) -> Iterator[ResultBlock]:
    """Yield all lines that are not blank, decoded, in file order."""
    fmt_of = cache(get_format)
    fmt = None
    number = 1
    lines = file.readlines(BLOCK_BYTES)
    if lines:
        lines[0] = lines[0].removeprefix(BOM)
        if (provider := provider_of(lines[0])) is not None:
            fmt = fmt_of(provider)
    while lines:
        block = _all_of(fmt, number, lines) if fmt else None
        if block is not None:
            yield block
        else:
            for block in _by_provider(fmt_of, number, lines):
                fmt = block.fmt
                yield block
        number += len(lines)
        lines = file.readlines(BLOCK_BYTES)


def read_blocks(
    file: BinaryIO, fmt: Format
) -> Iterator[tuple[list[BatchResult], list[int]]]:
    """Return results of lines that are all of one format, and the lines' lengths."""
    if file.read(len(BOM)) != BOM:
        file.seek(0)
    return iter(partial(_next_block, file, fmt), None)


def _next_block(
    file: BinaryIO, fmt: Format
) -> tuple[list[BatchResult], list[int]] | None:
    if not (lines := file.readlines(BLOCK_BYTES)):
        return None
    lines = [*filterfalse(bytes.isspace, lines)]
    sizes = [*map(len, lines)]
    if max(sizes, default=0) <= LONG:
        return [*map(fmt.decode, lines)], sizes
    return [decode_long(lines, index, fmt) for index in range(len(lines))], sizes


def _all_of(fmt: Format, number: int, lines: list[bytes]) -> ResultBlock | None:
    """Decode lines as one provider's; None where some are not."""
    results = [*map(fmt.decode, lines)]
    # Lines of other providers decode as errors, or without an ID.
    doubtful = [
        index
        for index, result in enumerate(results)
        if result.outcome is _ERRORED or result.custom_id is None
    ]
    if all(provider_of(lines[index]) == fmt.name for index in doubtful):
        return ResultBlock(fmt, number, lines, results)
    return None


def _by_provider(
    fmt_of: Callable[[str], Format], number: int, lines: list[bytes]
) -> Iterator[ResultBlock]:
    for provider, alike in groupby(lines, _kind):
        run = [*alike]
        if provider is None:
            yield ResultBlock(None, number, run, [])
        elif provider != _BLANK:
            fmt = fmt_of(provider)
            yield ResultBlock(fmt, number, run, [*map(fmt.decode, run)])
        number += len(run)


def _kind(line: bytes) -> str | None:
    return _BLANK if line.isspace() else provider_of(line)
