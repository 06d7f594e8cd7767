"""What a run is, as a few lines of HTML for a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

from ..errors import visible

__all__ = ["card"]

_COLORS = {"succeeded": "#2e9e5b", "invalid": "#d9a400", "refused": "#b45fc9"}
_OTHER_COLOR = "#d1495b"
_BOX = (
    "font:13px/1.6 system-ui,sans-serif;max-width:48em;padding:.6em 1em;"
    "border:1px solid #8886;border-radius:6px;overflow-wrap:anywhere"
)
_CODE = re.compile(r"`([^`\n]+)`")


def card(
    title: str, shares: Mapping[str, int], total: int, lines: Iterable[str]
) -> str:
    """Return HTML that shows all text as it is, whatever is in it.

    Args:
        title: In bold.
        shares: Parts of the bar, by name.
        total: What the whole bar stands for.
        lines: Lines below the bar; what is between backticks is code.
    """
    parts = "".join(
        f'<div title="{_text(name)}: {count:,}" style="background:'
        f'{_COLORS.get(name, _OTHER_COLOR)};width:{100 * count / max(1, total):.2f}%">'
        "</div>"
        for name, count in shares.items()
    )
    texts = "".join(f"<div>{_CODE.sub(_as_code, _text(line))}</div>" for line in lines)
    return (
        f'<div style="{_BOX}"><b>{_text(title)}</b>'
        '<div style="display:flex;height:6px;margin:.4em 0;background:#8883">'
        f"{parts}</div>{texts}</div>"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _as_code(found: re.Match[str]) -> str:
    return f"<code>{found[1]}</code>"
