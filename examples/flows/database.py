"""Label the emails of a database table that have no label yet.

    DATABASE_URL=postgresql://... python examples/flows/database.py

It needs `pip install "psycopg[binary]"` and a table `emails (id, body, label, reason)`.
A retry of this flow run comes back to the batches that it has already paid for, and a
row that has got its label in the meantime is left alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import psycopg
from prefect import flow, task
from prefect.runtime import flow_run
from psycopg.rows import dict_row

from batchwright import BatchJob, run_batch
from batchwright.tasks import save_rows

MODEL = Path(__file__).parents[1] / "email_model.py"


@task
def export_unlabelled(path: str) -> str:
    """Write the emails without a label to a file, some thousand at a time."""
    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as database,
        database.cursor("unlabelled", row_factory=dict_row) as emails,
    ):
        emails.execute("SELECT id, body FROM emails WHERE label IS NULL ORDER BY id")
        return save_rows.fn(emails, path)


@task
def load_labels(path: str) -> int:
    """Write the answers back in one transaction; returns how many labels are new."""
    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as database,
        database.cursor() as cursor,
        Path(path).open("rb") as lines,
    ):
        answers = (row for row in map(json.loads, lines) if row["label"] is not None)
        cursor.executemany(
            "UPDATE emails SET label = %(label)s, reason = %(reason)s"
            " WHERE id = %(id)s AND label IS NULL",
            answers,
        )
        return cursor.rowcount


@flow
def label_new_emails(model: str = "gpt-5-mini", folder: str = "emails") -> int:
    """Label what is new; rows that did not succeed stay for the next time."""
    stem = Path(folder).absolute() / str(flow_run.id)
    report = run_batch(
        BatchJob(
            input=export_unlabelled(f"{stem}.jsonl"),
            prompt="Classify this email: {{ body }}",
            model=model,
            response_model=f"{MODEL}:Classification",
            output=f"{stem}-labels.jsonl",
        )
    )
    return load_labels(report.output) if report.output else 0


if __name__ == "__main__":
    label_new_emails()
