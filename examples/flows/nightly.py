"""Label a table that grows, every night, and pay for new and changed rows alone.

    python examples/flows/nightly.py

With `reuse`, rows that a run in the same folder was answered take over these answers.
`label_table.serve(cron="30 2 * * *")` in place of the last line runs it every night.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from batchwright import BatchJob, run_batch

EXAMPLES = Path(__file__).parents[1]


@flow
def label_table(
    source: str = str(EXAMPLES / "emails.csv"), folder: str = "nights"
) -> dict[str, float | None]:
    """Label the whole table; returns how many rows were bought, and what was saved."""
    report = run_batch(
        BatchJob(
            input=source,
            prompt="Classify this email: {{ email }}",
            model="gpt-5-mini",
            response_model=f"{EXAMPLES / 'email_model.py'}:Classification",
            output=f"{folder}/labels.csv",
            overwrite=True,
            reuse=True,
        )
    )
    return {"bought": report.rows - report.reused, "saved_usd": report.saved_usd}


if __name__ == "__main__":
    label_table()
