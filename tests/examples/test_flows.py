"""Tests of `examples/flows`: each does what it says, on a real server and sandbox."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from prefect import get_client
from prefect.flows import EntrypointType
from prefect.workers.process import ProcessWorker

from batchwright.flows import run_batch
from batchwright.sandbox import Sandbox

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect_server"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"
with (EXAMPLES / "emails.csv").open(encoding="utf-8", newline="") as _file:
    EMAILS = list(csv.DictReader(_file))

FAIL_ONCE = """
CREATE SEQUENCE updates;
CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('updates') = 1 THEN RAISE EXCEPTION 'the disk is full'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fail_once BEFORE UPDATE ON emails EXECUTE FUNCTION fail_once();
"""


def example(name: str) -> ModuleType:
    """Import an example from its file."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / "flows" / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(path: Path) -> list[dict[str, str]]:
    """Read a CSV output."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_database_table_gets_its_labels(
    database: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows without a label get one, and are paid for once though loading them fails.

    A second run sends only what is new since.
    """
    monkeypatch.setenv("DATABASE_URL", database)
    flow = example("database.py").label_new_emails.with_options(retries=1)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE emails"
            " (id int PRIMARY KEY, body text, label text, reason text)"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO emails VALUES (%s, %s)",
                [(int(email["id"]), email["email"]) for email in EMAILS],
            )
        connection.execute(FAIL_ONCE)
        assert flow(folder=str(tmp_path)) == len(EMAILS)
        connection.execute("INSERT INTO emails VALUES (99, 'Buy now')")
        assert flow(folder=str(tmp_path)) == 1
        rows = connection.execute("SELECT label, reason FROM emails").fetchall()
        tries = connection.execute("SELECT last_value FROM updates").fetchall()
    assert tries == [(1 + len(EMAILS) + 1,)]
    assert len(rows) == len(EMAILS) + 1
    assert {label for label, _ in rows} <= {"SPAM", "NOT_SPAM"}
    assert all(reason for _, reason in rows)
    assert [batch.requests for batch in sandbox.batches()] == [len(EMAILS), 1]


def test_a_growing_table_is_paid_for_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """The second night sends the row that is new and the one that has changed."""
    label = example("nightly.py").label_table
    source = tmp_path / "emails.csv"
    text = (EXAMPLES / "emails.csv").read_text(encoding="utf-8")
    source.write_text(text, encoding="utf-8")
    assert label(str(source), str(tmp_path))["bought"] == len(EMAILS)
    changed = text.replace(EMAILS[0]["email"], "Buy now") + "99,Me,Yours truly\n"
    source.write_text(changed, encoding="utf-8")
    assert label(str(source), str(tmp_path))["bought"] == 2
    rows = table(tmp_path / "labels.csv")
    assert [row["_reused"] for row in rows].count("false") == 2
    assert {row["_outcome"] for row in rows} == {"succeeded"}
    assert sum(batch.requests for batch in sandbox.batches()) == len(EMAILS) + 2


def test_two_models_are_asked_from_an_async_flow(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Both runs are in flight at the same time, and each writes its table."""
    module = example("two_models.py")
    costs = asyncio.run(module.compare(str(tmp_path)))
    assert set(costs) == set(module.MODELS)
    for model in module.MODELS:
        rows = table(tmp_path / f"{model}.csv")
        assert [row["id"] for row in rows] == [email["id"] for email in EMAILS]
        assert {row["_outcome"] for row in rows} == {"succeeded"}
    assert sandbox.created() == 2


def test_a_batch_goes_step_by_step(sandbox: Sandbox, tmp_path: Path) -> None:
    """Our tasks alone make a table of each batch."""
    tables = example("step_by_step.py").label_step_by_step(str(tmp_path))
    rows = [row for path in tables for row in table(Path(path))]
    assert sorted(row["_custom_id"] for row in rows) == [
        f"row-{number:09}" for number in range(len(EMAILS))
    ]
    assert {row["label"] for row in rows} <= {"SPAM", "NOT_SPAM"}
    assert sandbox.created() == 2


def test_a_day_is_triggered_once(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same day asked for twice is one flow run, which a worker does."""
    (tmp_path / "emails").mkdir()
    shutil.copy(EXAMPLES / "emails.csv", tmp_path / "emails" / "2026-11-22.csv")
    monkeypatch.chdir(tmp_path)
    worker = ProcessWorker("example", create_pool_if_not_found=True, limit=1)
    asyncio.run(worker.start(run_once=True))
    run_batch.to_deployment(
        "run-batch",
        work_pool_name="example",
        entrypoint_type=EntrypointType.MODULE_PATH,
        job_variables={"env": sandbox.environment()},
    ).apply()
    label_day = example("trigger.py").label_day
    first = label_day("2026-11-22", str(tmp_path))
    second = label_day("2026-11-22", str(tmp_path))
    assert first.id == second.id
    asyncio.run(worker.start(run_once=True))
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(first.id).state_name == "Completed"
    assert sandbox.created() == 1
    assert (tmp_path / "runs" / "2026-11-22" / "plan.json").exists()
