"""Tests of `runs.markdown`: the report says what a person wants to know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from batchwright.models import Anomaly, BatchLine, ErrorGroup, Outcome, RunReport
from batchwright.runs.report.markdown import markdown

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def report(**changes: Any) -> RunReport:
    """Return the report of a small run, with some fields changed."""
    given: dict[str, Any] = {
        "run_dir": "run",
        "state": "done",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "synthetic": False,
        "output": "out.csv",
        "rows": 3,
        "outcomes": {Outcome.SUCCEEDED: 2, Outcome.INVALID: 1},
        "batches": (
            BatchLine(
                shard="shards/00000",
                attempt=0,
                batch_id="msgbatch_1",
                provider_status="ended",
                requests=3,
            ),
        ),
        "rounds": 0,
        "input_tokens": 1000,
        "output_tokens": 50,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "cost_usd": 0.5,
        "started_at": NOON,
        "ended_at": NOON,
    }
    return RunReport(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"cache_read_tokens": 900}, "900 tokens read (90% of the input)"),
        ({"cost_usd": None}, "- Cost: unknown"),
        ({"cost_usd": 0.5}, "- Cost: 0.5000 USD"),
        ({"synthetic": True}, "**The answers are synthetic**"),
        ({}, "| shards/00000 | 1 | msgbatch_1 | ended | 3 |"),
        ({}, "| invalid | 1 |"),
        ({"missing": Anomaly(count=1, first_ids=("a-1",))}, "`a-1`"),
        (
            {
                "errors": (
                    ErrorGroup(
                        outcome=Outcome.INVALID,
                        error="a | b\nc",
                        count=1,
                        example_row=2,
                        example_place="in.csv row 4 (header is row 1)",
                    ),
                )
            },
            "| 1 | invalid | a \\| b c | in.csv row 4 (header is row 1) |",
        ),
    ],
)
def test_the_report_says_it(changes: dict[str, Any], text: str) -> None:
    """Each fact has its line, and a table stays a table."""
    assert text in markdown(report(**changes))
