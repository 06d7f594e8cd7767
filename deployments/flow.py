"""Labels the emails of a table; `prefect.yaml` deploys this flow."""

from __future__ import annotations

from prefect import flow

from batchwright import BatchJob, run_batch


@flow
def label_emails(*, sandbox: bool = False) -> str | None:
    """Return the path of the labels, or None if some rows did not succeed.

    With `sandbox`, a local server makes the answers up: no key, no cost.
    """
    report = run_batch(
        BatchJob(
            input="emails.csv",
            prompt="@prompts/classify.txt",
            model="gpt-5-mini",
            response_model="email_model.py:Classification",
            output="labels.csv",
            overwrite=True,
            sandbox=sandbox,
        )
    )
    return report.output if report.ok else None


if __name__ == "__main__":
    print(label_emails(sandbox=True))
