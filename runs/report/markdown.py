"""The report as Markdown, for people: `report.md`."""

from __future__ import annotations

from ...models import Anomaly, RunReport

__all__ = ["markdown"]

_SHOWN_BATCHES = 100


def markdown(report: RunReport) -> str:
    """Return the report as Markdown."""
    lines = [
        f"# Run {report.state}",
        "",
        f"- Model: `{report.model}` ({report.provider})",
        f"- Output: `{report.output}`",
        f"- Run directory, with requests and raw results: `{report.run_dir}`",
        f"- Rows: {report.rows:,}",
        f"- Tokens: {report.input_tokens:,} in, {report.output_tokens:,} out",
        f"- Cost: {_cost(report)}",
    ]
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
        parts = [f"`{name}` in {count:,} rows" for name, count in counts]
        lines.append(f"- Empty values in the prompt: {', '.join(parts)}")
    if report.seconds:
        parts = [f"{name} {value:.1f} s" for name, value in report.seconds.items()]
        lines.append(f"- Time: {', '.join(parts)}")
    lines += ["", "## Outcomes", "", "| outcome | rows |", "|---|---:|"]
    lines += [f"| {name} | {count:,} |" for name, count in report.outcomes.items()]
    if report.errors:
        lines += ["", "## Errors", "", "| rows | outcome | error | example row |"]
        lines += ["|---:|---|---|---|"]
        lines += [
            f"| {group.count:,} | {group.outcome} | {_cell(group.error)} |"
            f" {_cell(group.example)} |"
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
        f"| {line.shard} | {line.attempt + 1} | {line.batch_id or '-'} |"
        f" {line.provider_status} | {line.requests:,} |"
        for line in report.batches[:_SHOWN_BATCHES]
    ]
    more = len(report.batches) - _SHOWN_BATCHES
    if more > 0:
        lines.append(f"| and {more} more | | | | |")
    return "\n".join(lines) + "\n"


def _cost(report: RunReport) -> str:
    if report.cost_usd is None:
        return "unknown"
    free = " (list price; the sandbox costs nothing)" if report.synthetic else ""
    return f"{report.cost_usd:,.4f} USD{free}"


def _anomaly(name: str, anomaly: Anomaly) -> list[str]:
    if not anomaly.count:
        return []
    ids = ", ".join(f"`{each}`" for each in anomaly.first_ids)
    return ["", f"## {name} result lines: {anomaly.count:,}", "", ids]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
