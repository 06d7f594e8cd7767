"""What a prompt uses of each row."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from .template import JINJA_NAMES, names_in

__all__ = ["Used", "way_to_write"]

_CONSTANT = re.compile(r"[tT]rue|[fF]alse|[nN]one|\d[\d_]*(\.\d+)?")
"""What Jinja2 reads as a value, also where a column has that name."""


@dataclass(frozen=True)
class Used:
    """What the texts of a prompt take from each row."""

    texts: Sequence[str]

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that may be columns; `row` may be the row as a whole."""
        return frozenset(chain.from_iterable(map(names_in, self.texts)))

    def any_of(self, columns: Collection[str]) -> bool:
        """Whether the prompt uses one of these columns."""
        return "row" in self.names or not self.names.isdisjoint(columns)

    def empty(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Return how many rows have a null, no text or white space, by column."""
        names: Collection[str] = self.names
        if "row" in names and "row" not in rows[0]:
            names = dict.fromkeys(chain.from_iterable(rows))
        found: dict[str, int] = {}
        for name in names:
            if name in JINJA_NAMES and name not in rows[0]:
                continue
            cells: list[Any] = [row.get(name) for row in rows]
            try:
                count = cells.count("") + sum(map(str.isspace, cells))
            except TypeError:  # not all of them are texts
                count = sum(map(_is_empty, cells))
            if count:
                found[name] = count
        return found

    def misread(self, columns: Collection[str], *, silently: bool) -> str | None:
        """Return how to write a column that Jinja2 reads as something else in `{{ }}`.

        Args:
            columns: Of a row.
            silently: Leave out what cannot be filled, such as `{{ first-name }}`.
        """
        for name in columns:
            is_constant = _CONSTANT.fullmatch(name)
            if is_constant or not (silently or name.isidentifier()):
                form = r"\{\{[-+]?\s*" + re.escape(name) + r"\s*(\||[-+]?\}\})"
                if any(re.search(form, text) for text in self.texts):
                    return f"Write {way_to_write(name)} for the column {name!r}."
        return None


def way_to_write(column: str) -> str:
    """Return the template that the value of a column takes the place of."""
    if column.isidentifier() and not _CONSTANT.fullmatch(column):
        return f"{{{{ {column} }}}}"
    quote = "'" if '"' in column else '"'
    return f"{{{{ row[{quote}{column}{quote}] }}}}"


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
