"""How batches look: the list, and one of them in full."""

from __future__ import annotations

from collections.abc import Sequence

from ..models import Batch
from ..providers import get_vendor
from .tables import NOTHING, RuledTable, number, print_facts, print_table, when

__all__ = ["batches_table", "print_batch", "print_batches"]

_COLUMNS = ("Batch ID", "Created At", "Status", "Failed", "Completed", "Total")
_SHOWN = 20


def batches_table(provider: str, batches: Sequence[Batch]) -> RuledTable:
    """Return the table of `list` for a terminal."""
    return RuledTable(_title(provider), _COLUMNS, [_row(batch) for batch in batches])


def print_batches(provider: str, batches: Sequence[Batch]) -> None:
    """Print the table of `list` once."""
    print_table(_title(provider), _COLUMNS, [_row(batch) for batch in batches])


def print_batch(batch: Batch) -> None:
    """Print one batch with counts, times and errors."""
    counts = batch.counts
    facts = [
        ("Batch ID", batch.id),
        ("Provider", batch.provider),
        ("Status", batch.provider_status or NOTHING),
        ("Endpoint", batch.endpoint or NOTHING),
        ("Created at", when(batch.created_at)),
        ("Ended at", when(batch.ended_at)),
        ("Expires at", when(batch.expires_at)),
        ("Total", number(counts.total)),
        ("Completed", number(counts.succeeded)),
        ("Failed", number(counts.errored)),
        ("Expired", number(counts.expired)),
        ("Cancelled", number(counts.cancelled)),
    ]
    named = {
        "Input file": batch.input_file_id,
        "Output file": batch.output_file_id,
        "Error file": batch.error_file_id,
        "Archived at": batch.archived_at and when(batch.archived_at),
        "Metadata": "\n".join(f"{k}={v}" for k, v in batch.metadata.items()),
        "Errors": "\n".join(_errors(batch)),
    }
    print_facts(facts + [(name, value) for name, value in named.items() if value])


def _title(provider: str) -> str:
    return f"{get_vendor(provider).title} Batch Jobs"


def _row(batch: Batch) -> tuple[str, ...]:
    counts = batch.counts
    failed = counts.errored
    if counts.expired is not None:
        failed = (failed or 0) + counts.expired
    return (
        batch.id,
        when(batch.created_at),
        batch.provider_status or NOTHING,
        number(failed),
        number(counts.succeeded),
        number(counts.total),
    )


def _errors(batch: Batch) -> list[str]:
    said = []
    for error in batch.errors[:_SHOWN]:
        where = "" if error.line is None else f"line {error.line}: "
        code = f" ({error.code})" if error.code else ""
        said.append(f"{where}{error.message}{code}")
    more = len(batch.errors) - _SHOWN
    return [*said, f"and {more:,} more"] if more > 0 else said
