"""The report as a page for a browser: `report.html`, one file that loads no other."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from ..directory.run import Run
from .embed import cut, embedded
from .page_rows import MOST_ROWS, PageRows
from .report import report_on

__all__ = ["PAGE", "write_page"]

PAGE = "report.html"
_DATA = "{{data}}"
_MOST_BATCHES = 500
_SYSTEM_CHARACTERS = 1 << 16


def write_page(run: Run) -> str:
    """Write `report.html` of a run, done or open, and return its path or URL.

    Costs memory for at most 64 MB of rows, whatever the run has.
    """
    run.directory.write(PAGE, b"".join(_page(run)))
    return f"{run.directory.url.rstrip('/')}/{PAGE}"


def _page(run: Run) -> Iterator[bytes]:
    state = run.state()
    report = state.report or report_on(run, state)
    rows = PageRows(run, state)
    facts = {
        "name": report.run_dir.rstrip("/").rpartition("/")[2],
        "writtenAt": datetime.now(UTC).isoformat(),
        "report": report.model_dump(mode="json", exclude={"batches"}),
        "batches": [
            line.model_dump(mode="json") for line in report.batches[:_MOST_BATCHES]
        ],
        "batchCount": len(report.batches),
        "outcomes": rows.outcomes,
        "histograms": {
            name: dict(zip(("start", "width", "counts"), each.bins(), strict=True))
            for name, each in rows.histograms.items()
        },
        "system": cut(run.job.template.system, _SYSTEM_CHARACTERS),
        "columns": rows.columns,
        "cut": rows.cut,
        "mostRows": MOST_ROWS,
    }
    before, _, after = _template().partition(_DATA)
    yield before.encode()
    yield embedded(facts)[:-1] + b',"rows":[\n'
    for number, row in enumerate(rows):
        yield b",\n" + row if number else row
    yield b"]}"
    yield after.encode()


def _template() -> str:
    """Return the page without its data; only this script and style may be used."""
    page, style, script = (
        Path(__file__).with_name(f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)};"
        " base-uri 'none'; form-action 'none'; trusted-types 'none';"
        " require-trusted-types-for 'script'"
    )
    parts = {"policy": policy, "style": style, "script": script}
    for name, text in parts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
