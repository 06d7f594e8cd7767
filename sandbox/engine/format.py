"""What the engine asks of a vendor's wire format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..answers.answer import AnswerSource
from ..faults import AnswerFault, Faults
from .results import WorkFile
from .rows import BatchRow, FileRow
from .store import Store

__all__ = ["Format", "Result"]

Result = tuple[bytes, str, tuple[int, int]]
"""A result line, the request's outcome, and its input and output tokens.

Outcomes are `succeeded`, `errored`, `expired` and `cancelled`.
"""


@dataclass(frozen=True)
class Format:
    """Reads the requests of a batch and writes its results, in one vendor's form."""

    answer: Callable[
        [BatchRow, dict[str, Any], AnswerSource, AnswerFault | None, int], Result
    ]
    """Answers one request of a batch; the last argument is the seed."""
    unrun_line: Callable[[BatchRow, str, str], bytes]
    """Returns the line for a `custom_id` that did not run: `expired` or `cancelled`."""
    publish: Callable[[BatchRow, WorkFile, Store], tuple[dict[str, Any], list[FileRow]]]
    """Writes the result files; returns columns of the batch's row, and file rows."""
    check: Callable[[BatchRow, Store, Faults, float], dict[str, Any]] | None = None
    """Checks the input after creation, at the given time, and returns columns of the
    row; None: it was checked on creation, and the batch has no state before or after
    `in_progress`."""
