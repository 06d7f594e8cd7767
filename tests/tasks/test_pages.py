"""Tests of Prefect's pages in a real browser: what a person sees of a run.

With `BATCHWRIGHT_SCREENSHOTS=docs/img` in the environment the pictures of the
documentation are made anew.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from batchwright import BatchJob, run_batch
from batchwright.models import RunReport
from batchwright.sandbox import Sandbox
from batchwright.tasks.artifacts import artifact_key

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60

Browser = webdriver.Chrome


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[str]:
    """Run a Prefect server with its pages; gives its address."""
    home = tmp_path_factory.mktemp("prefect")
    shutil.copy(migrated, home / "prefect.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)],
        env=os.environ
        | {"PREFECT_HOME": str(home), "PREFECT_UI_API_URL": f"{url}/api"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _until_up(f"{url}/api/health", process)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def _until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while True:
        try:
            httpx2.get(url).raise_for_status()
        except httpx2.HTTPError:
            assert process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)
        else:
            return


@pytest.fixture
def picture(browser: Browser, tmp_path: Path) -> Callable[[str], Path]:
    """Keep a picture of the page; for the documentation, once it no longer moves."""
    folder = os.environ.get("BATCHWRIGHT_SCREENSHOTS")

    def take(name: str) -> Path:
        seen = [b""]

        def is_still(_: Browser) -> bool:
            seen.append(browser.get_screenshot_as_png())
            return seen[-1] == seen[-2]

        if folder:
            WebDriverWait(browser, PATIENCE_SECONDS).until(is_still)
        path = Path(folder or tmp_path) / f"{name}.png"
        browser.save_screenshot(str(path))
        return path

    return take


@pytest.fixture
def finished(
    server: str,
    sandbox: Sandbox,
    s3: str,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[str, RunReport]]:
    """Run a job of two shards with one bad answer; gives flow run ID and report."""
    httpx2.put(f"{s3}/lake").raise_for_status()
    monkeypatch.chdir(ROOT)  # so that the pictures name no machine's folders
    message = "Your input exceeds the context window of this model."
    sandbox.set_faults(
        {"batches": [{"answers": [{"status": 400, "nth": [3], "message": message}]}]}
    )
    job = BatchJob(
        input="examples/emails.csv",
        prompt="Classify this email: {{ email }}",
        model="gpt-5-mini",
        response_model="examples/email_model.py:Classification",
        output="s3://lake/labels.parquet",
        max_requests_per_batch=6,
    )
    with temporary_settings({PREFECT_API_URL: f"{server}/api"}):
        state = run_batch(job, "s3://lake/runs/emails-2026-11-23", return_state=True)
        yield str(state.state_details.flow_run_id), state.result()


def _text(browser: Browser) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def _wait_for(browser: Browser, *words: str) -> None:
    WebDriverWait(browser, PATIENCE_SECONDS).until(
        lambda _: all(word in _text(browser) for word in words),
        message=f"{words} do not show at {browser.current_url}",
    )


def _cells(browser: Browser) -> list[list[str]]:
    """Return the texts of all tables on the page, row by row."""
    rows = browser.find_elements(By.CSS_SELECTOR, "tbody tr")
    return [[c.text for c in row.find_elements(By.TAG_NAME, "td")] for row in rows]


def _follow(browser: Browser, target: str, text: str = "") -> None:
    """Click the first link with this text that leads to such an address."""
    links = (By.XPATH, f'//a[contains(@href, "{target}")][contains(., "{text}")]')
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda b: b.find_elements(*links))
    browser.find_element(*links).click()


def test_a_person_finds_batches_and_report(
    finished: tuple[str, RunReport],
    server: str,
    browser: Browser,
    picture: Callable[[str], Path],
) -> None:
    """From the run's page, one click leads to its batches, and one to its report."""
    flow_run_id, report = finished
    page = f"{server}/v2/runs/flow-run/{flow_run_id}?tab=Artifacts"
    kinds = ("progress", "batches", "report", "output")
    keys = {kind: artifact_key(report.run_dir, kind) for kind in kinds}
    assert len(report.batches) == 2

    browser.get(page)
    _wait_for(browser, "run-batch emails-2026-11-23", "Completed", *keys.values())
    picture("prefect-run")

    _follow(browser, "/artifacts/artifact/", keys["batches"])
    _wait_for(browser, f"Batches of run {report.run_dir}", "cost (USD)")
    assert [cells[:6] for cells in _cells(browser)] == [
        [line.shard, line.batch_id, "completed", "6", "5", "1"]
        for line in report.batches
    ]
    table = urlsplit(browser.current_url).path.removeprefix("/v2")

    browser.get(page)
    _follow(browser, "/artifacts/artifact/", keys["report"])
    _wait_for(browser, "Run done", "Rows: 12", f"Output: {report.output}")
    cells = _cells(browser)
    assert ["succeeded", "10"] in cells
    assert ["errored", "2"] in cells
    (group,) = report.errors
    assert ["2", "errored", group.error, group.example] in cells
    for line in report.batches:
        assert [line.shard, "1", line.batch_id, "completed", "6"] in cells
    picture("prefect-report")

    # The link that Prefect logs leads to its older pages; they show all as well.
    browser.get(f"{server}/runs/flow-run/{flow_run_id}")
    _wait_for(browser, "run-batch emails-2026-11-23", "Artifacts")
    browser.find_element(By.XPATH, '//li[normalize-space(.)="Artifacts"]').click()
    _follow(browser, table)
    _wait_for(browser, "cost (USD)", *(str(line.batch_id) for line in report.batches))
