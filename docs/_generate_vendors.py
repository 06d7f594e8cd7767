"""Writes the table in `vendors.md`: `python docs/_generate_vendors.py`."""

from __future__ import annotations

from pathlib import Path

from batchwright.providers import VENDORS, Vendor, get_format

TARGET = Path(__file__).with_name("vendors.md")
START, END = "<!-- table -->\n", "<!-- end -->\n"
HEAD = (
    "| name | provider | key | endpoints | requests, MB | windows | price | lost call |"
)
FOUND = {
    "token": "by its token or file",
    "key": "sent again, same key",
    "candidates": "by its results",
}


def _row(vendor: Vendor) -> str:
    limits = get_format(vendor.name).limits
    windows = ", ".join(vendor.completion_windows)
    if vendor.window_hours:
        windows += f"; {vendor.window_hours[0]} to {vendor.window_hours[1]} h"
    share = vendor.batch_discount
    least = limits.min_requests
    at_least = f"{least:,} to " if least > 1 else ""
    cells = (
        f"`{vendor.name}`",
        vendor.title,
        f"`{vendor.key_variables[0]}`",
        ", ".join(each.removeprefix("/v1/") for each in vendor.endpoints),
        f"{at_least}{limits.max_requests:,}, {limits.max_bytes // 1_000_000}",
        windows,
        "as listed, or unknown" if share is None else f"{share:.0%}",
        FOUND[vendor.creation],
    )
    return f"| {' | '.join(cells)} |"


def _notes(vendor: Vendor) -> str:
    text = f"- **{vendor.title}**: {vendor.source} ({vendor.checked})"
    if getattr(vendor, "expired_keeps_results", None):
        text += "; an expired batch keeps its results"
    if vendor.guesses:
        text += f"; guessed: {', '.join(vendor.guesses)}"
    return f"{text}."


def render() -> str:
    """Return the page with a current table."""
    before, _, rest = TARGET.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    vendors = VENDORS.values()
    table = [HEAD, "|---" * 8 + "|", *map(_row, vendors), "", *map(_notes, vendors)]
    return "".join((before, START, "\n".join(table), "\n", END, after))


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
