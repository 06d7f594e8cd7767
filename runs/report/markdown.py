"""The report as Markdown, for people: `report.md`.

Texts of a provider, a row or a file name are shown as they are: they cannot make links,
HTML or cells of their own.
"""

from __future__ import annotations

import re

from ...errors import visible, visible_line
from ...models import Anomaly, RunReport

__all__ = ["markdown", "plain"]

_SHOWN_BATCHES = 100
_SPECIAL = re.compile(r"[\\`*\[\]<>|~&@]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.")
"""What makes emphasis, code, links, HTML or cells of a line of Markdown."""


def plain(text: str) -> str:
    """Return text on one line so that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(visible(text).split()))


def _code(text: str) -> str:
    """Return text as a code span, in which nothing is Markdown."""
    line = visible_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if line[:1] in {"`", " ", ""} or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def markdown(report: RunReport) -> str:
    """Return the report as Markdown."""
    lines = [
        f"# Run {report.state}",
        "",
        f"- Model: {_code(report.model)} ({plain(report.provider)})",
        f"- Output: {_code(report.output or '')}",
        f"- Run directory, with requests and raw results: {_code(report.run_dir)}",
        f"- Rows: {report.rows:,}",
        f"- Tokens: {report.input_tokens:,} in, {report.output_tokens:,} out",
        f"- Cost: {report.cost}",
    ]
    if report.reused:
        saved = (
            "unknown" if report.saved_usd is None else f"{report.saved_usd:,.4f} USD"
        )
        lines.append(f"- Reused answers: {report.reused:,} rows; saved: {saved}")
    if report.synthetic:
        lines.append("- **The answers are synthetic**: the sandbox made them up.")
    if report.cache_read_tokens or report.cache_write_tokens:
        hit = report.cache_read_tokens / max(1, report.input_tokens)
        lines.append(
            f"- Prompt cache: {report.cache_read_tokens:,} tokens read ({hit:.0%} of"
            f" the input), {report.cache_write_tokens:,} written"
        )
    if report.empty_values:
        counts = report.empty_values.items()
        parts = [f"{plain(name)} in {count:,} rows" for name, count in counts]
        lines.append(f"- Empty values in the prompt: {', '.join(parts)}")
    if report.seconds:
        parts = [
            f"{plain(name)} {value:.1f} s" for name, value in report.seconds.items()
        ]
        lines.append(f"- Time: {', '.join(parts)}")
    lines += ["", "## Outcomes", "", "| outcome | rows |", "|---|---:|"]
    lines += [f"| {name} | {count:,} |" for name, count in report.outcomes.items()]
    if report.errors:
        lines += ["", "## Errors", "", "| rows | outcome | error | example row |"]
        lines += ["|---:|---|---|---|"]
        lines += [
            f"| {group.count:,} | {group.outcome} | {plain(group.error)} |"
            f" {plain(group.example)} |"
            for group in report.errors
        ]
    for name, anomaly in (
        ("Missing", report.missing),
        ("Duplicate", report.duplicate),
        ("Stray", report.foreign),
    ):
        lines += _anomaly(name, anomaly)
    lines += ["", "## Batches", "", "| shard | attempt | batch | status | requests |"]
    lines += ["|---|---:|---|---|---:|"]
    lines += [
        f"| {plain(line.shard)} | {line.attempt + 1} | {plain(line.batch_id or '-')} |"
        f" {plain(line.provider_status)} | {line.requests:,} |"
        for line in report.batches[:_SHOWN_BATCHES]
    ]
    more = len(report.batches) - _SHOWN_BATCHES
    if more > 0:
        lines.append(f"| and {more} more | | | | |")
    return "\n".join(lines) + "\n"


def _anomaly(name: str, anomaly: Anomaly) -> list[str]:
    if not anomaly.count:
        return []
    ids = ", ".join(map(_code, anomaly.first_ids))
    return ["", f"## {name} result lines: {anomaly.count:,}", "", ids]
