"""Tests of `report.html` in a real browser, with rows that try to be more than text.

With `BATCHWRIGHT_SCREENSHOTS=docs/img` in the environment the picture of the
documentation is made anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from batchwright.data.job import BatchJob
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

MARKUP = (
    "</script><script>window.hacked = 1</script><!--<script>"
    "<img src=x onerror='window.hacked = 1'><a href=javascript:window.hacked=1>x</a>"
    "\u202e\u2066\u2028{{data}}{{script}}\x00"
)
SHOWN = MARKUP.replace("\u202e\u2066\u2028", r"\u202e\u2066\u2028").replace(
    "\x00", r"\x00"
)
ROWS = 60
EXAMPLES = Path(__file__).parents[3] / "examples"
CONTRAST = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const part = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = (colour) => [0.2126, 0.7152, 0.0722].reduce(
  (sum, weight, index) => sum + weight * part(colour[index] / 255), 0);
const ground = (node) => {
  const colour = rgb(getComputedStyle(node).backgroundColor);
  return colour[3] === 0 ? ground(node.parentElement) : colour;
};
const hasText = (node) => [...node.childNodes].some(
  (child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
const ratio = (one, other) =>
  (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
return Math.min(...[...document.querySelectorAll("main *")]
  .filter((node) => node.offsetHeight && !node.disabled && hasText(node))
  .map((node) => ratio(light(rgb(getComputedStyle(node).color)), light(ground(node)))));
"""
"""The least contrast of any text on the page."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run a job whose rows, fields, errors and names are hostile; gives the page."""
    folder = tmp_path_factory.mktemp("page")
    texts = [MARKUP, "x" * (1 << 20), *(f"row {row}" for row in range(2, ROWS))]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (folder / "in.jsonl").write_text(lines, encoding="utf-8")
    properties = {MARKUP[:60]: {"type": "string"}, "reason": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    (folder / "model.json").write_text(json.dumps(schema), encoding="utf-8")
    run_dir = folder / f"run-{MARKUP.replace('/', '|')[:80]}"
    with Sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        spoilt = [
            {"status": 400, "message": MARKUP, "nth": [3]},
            {"kind": "lone_surrogate", "nth": [4]},
            {"kind": "control_characters", "nth": [5]},
            {"kind": "invalid_json", "nth": [6]},
            {"kind": "refusal", "nth": [7]},
        ]
        sandbox.set_faults({"batches": [{"answers": spoilt, "status": MARKUP[:80]}]})
        job = BatchJob(
            input=str(folder / "in.jsonl"),
            prompt="Label {{ text }}",
            system=SHOWN.replace("{{", "{"),
            model="gpt-5-mini",
            response_model=str(folder / "model.json"),
            output=str(folder / "out.parquet"),
            max_rounds=0,
        )
        drive(open_run(job, str(run_dir)), wait=True)
    return (run_dir / "report.html").as_uri()


def _open(
    browser: Any, page: str, width: int = 1280, scheme: str = "light", height: int = 900
) -> None:
    size = {
        "width": width,
        "height": height,
        "deviceScaleFactor": 1,
        "mobile": width < 600,
    }
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(page)


def _found(browser: Any) -> str:
    text: str = browser.find_element(By.ID, "found").text
    return text


def _press(browser: Any, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def _wait_for(browser: Any, found: str) -> None:
    WebDriverWait(browser, 20).until(
        lambda _: _found(browser) == found, message=f"not {found}: {_found(browser)}"
    )


def test_text_stays_text(browser: Any, page: str) -> None:
    """No row, field, error or name makes an element, or a script that runs."""
    _open(browser, page)
    assert not browser.execute_script("return window.hacked")
    found = browser.execute_script(
        "return [...document.querySelectorAll('script, img, a, iframe')]"
        ".map((node) => node.tagName)"
    )
    assert found == ["A", "SCRIPT", "SCRIPT"], "the link to the rows, the data, ours"
    body = browser.find_element(By.TAG_NAME, "body").text
    assert f"Label {SHOWN}" in body
    assert SHOWN[:60].lower() in body.lower()
    assert f"400 invalid_request_error: {SHOWN}" in body
    assert "(cut: 1,048,582 characters in all)" in body
    # What the page itself might do wrong one day, its policy forbids.
    for attempt in (
        "document.body.innerHTML = '<p>x'",
        "document.createElement('script').text = 'window.hacked = 1'",
    ):
        done = f"try {{ {attempt} }} catch (error) {{ return error.name }}"
        assert browser.execute_script(done) == "TypeError", attempt
    load = "fetch('http://127.0.0.1:9/').catch((error) => arguments[0](error.message))"
    assert "Failed to fetch" in browser.execute_async_script(load)
    refused = [each["message"] for each in browser.get_log("browser")]
    assert any("violates" in message and "connect" in message for message in refused)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_every_screen(
    browser: Any, page: str, width: int, scheme: str, tmp_path: Path
) -> None:
    """Nothing is wider than the screen, and every text can be read on its ground."""
    _open(browser, page, width, scheme)
    browser.get_log("browser")
    browser.refresh()
    assert [
        each for each in browser.get_log("browser") if each["level"] != "INFO"
    ] == []
    assert (
        browser.execute_script("return document.documentElement.scrollWidth") <= width
    )
    assert browser.execute_script(CONTRAST) >= 4.5
    assert browser.save_screenshot(str(tmp_path / "page.png"))


def test_rows_are_found_with_the_keyboard_alone(browser: Any, page: str) -> None:
    """Skip to the rows, search, choose an outcome, turn pages, jump to an example."""
    _open(browser, page)
    _press(browser, Keys.TAB, Keys.ENTER, Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "search"
    _press(browser, "LABEL row 42")
    _wait_for(browser, "1 of 60 rows found")
    (row,) = browser.find_elements(By.CSS_SELECTOR, ".row h3")
    assert row.text == "Row 43"
    _press(browser, Keys.BACKSPACE * 20)
    _wait_for(browser, "60 rows")
    _press(browser, Keys.TAB, "e")
    _wait_for(browser, "1 of 60 rows found")
    _press(browser, Keys.HOME)
    _wait_for(browser, "60 rows")
    browser.find_element(By.ID, "last").send_keys(Keys.ENTER)
    assert browser.find_element(By.ID, "page").text == "Page 3 of 3"
    assert not browser.find_element(By.ID, "next").is_enabled()
    rows = browser.find_elements(By.CSS_SELECTOR, ".row h3")
    assert [row.text for row in rows] == [f"Row {row}" for row in range(51, 61)]
    example = browser.find_element(By.CSS_SELECTOR, "#errors button")
    wanted = example.text.split()[2]
    example.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.text.startswith(f"Row {wanted}\n")
    browser.find_element(By.CSS_SELECTOR, "#legend button").send_keys(Keys.ENTER)
    badges = browser.find_elements(By.CSS_SELECTOR, ".row .badge")
    assert {badge.text for badge in badges} == {"succeeded"}


def test_an_ordinary_run(browser: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    """The page says at once what a person wants to know of three hundred emails."""
    header, *emails = (EXAMPLES / "emails.csv").read_text("utf-8").splitlines()
    (tmp_path / "emails.csv").write_text("\n".join([header, *emails * 25]), "utf-8")
    spoilt = [
        {"kind": "refusal", "every": 41},
        {
            "status": 400,
            "nth": [57],
            "message": "The email exceeds the context window.",
        },
        {"kind": "truncated", "nth": [33, 66, 99]},
    ]
    steps = [
        {"nth": [n], "answers": spoilt, "durations": {"in_progress": n / 3}}
        for n in (1, 2, 3)
    ]
    sandbox.set_faults({"batches": steps})
    job = BatchJob(
        input=str(tmp_path / "emails.csv"),
        prompt="Classify this email: {{ email }}",
        model="gpt-5-mini",
        response_model=f"{EXAMPLES / 'email_model.py'}:Classification",
        output=str(tmp_path / "labels.csv"),
        max_requests_per_batch=100,
    )
    run_dir = tmp_path / "labels-2f7c01d4"
    drive(open_run(job, str(run_dir)), wait=True)
    _open(browser, (run_dir / "report.html").as_uri(), 1240, height=1740)
    assert browser.title == "labels-2f7c01d4 · run report"
    legend = [
        each.text for each in browser.find_elements(By.CSS_SELECTOR, "#legend li")
    ]
    assert legend == [
        "succeeded 282 94 %",
        "truncated 9 3 %",
        "refused 6 2 %",
        "errored 3 1 %",
    ]
    assert len(browser.find_elements(By.CSS_SELECTOR, ".track")) == 3
    assert len(browser.find_elements(By.CSS_SELECTOR, ".histogram")) == 3
    folder = os.environ.get("BATCHWRIGHT_SCREENSHOTS", tmp_path)
    assert browser.save_screenshot(str(Path(folder) / "report.png"))
