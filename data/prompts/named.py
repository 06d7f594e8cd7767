"""Refuses a prompt that would be the same for every row."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import chain

from ...errors import InputError
from ..rows.source import RowSource
from .prompt import Prompt
from .used import Used, way_to_write

__all__ = ["refuse_same_prompt"]

_SHOWN = 10
_WRONG_FORMS = (
    r"(?<!\{)\$?\{\s*(NAME)\s*\}(?!\})",
    r"%\(\s*(NAME)\s*\)[sdr]?",
    r"<\s*(NAME)\s*>",
    r"\[\s*(NAME)\s*\]",
    r"%(NAME)%",
    r"\$(NAME)\b",
)
"""How other template languages name a column."""


def refuse_same_prompt(prompt: Prompt, rows: RowSource, where: str) -> None:
    """Refuse a prompt that names no column of the input.

    Rows are read until one has a column that is named: none of an input with a header,
    of others usually one block.

    Raises:
        InputError: It says how to write a column.
    """
    used, columns = prompt.used, rows.columns
    is_named = columns is not None and used.any_of(columns)
    for block in () if is_named else rows.blocks():
        if columns is None:
            columns = tuple(dict.fromkeys(chain.from_iterable(block.values)))
        is_named = any(map(used.any_of, block.values))
        if is_named or not used.names:
            break
        try:
            prompt(block.values[0])  # an unknown name is an error of its row
        except InputError as exc:
            raise InputError(f"{block.where()}: {exc}") from exc
        if rows.columns is not None:
            break
    if columns is None:
        return  # there are no rows, which is an error of its own
    if not is_named:
        raise InputError(
            f"The prompt names no column of {where}, so each row would be sent the"
            f" same request. {_way_out(used, columns)} If it is meant to be the same,"
            " give --same-prompt."
        )
    if way := used.misread(columns, silently=True):
        raise InputError(
            f"The prompt names a column of {where} in a way that stands for a value of"
            f" Jinja2's own. {way}"
        )


def _way_out(used: Used, columns: Collection[str]) -> str:
    if found := _in_another_form(used, columns):
        column, form = found
        return f"Write {way_to_write(column)} instead of {form}."
    if way := used.misread(columns, silently=True):
        return way
    if not columns:
        return "Its rows have no columns."
    more = len(columns) - _SHOWN
    names = ", ".join([*columns][:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    return (
        f"Write {way_to_write(next(iter(columns)))} for the value of a column (there"
        f" are {names}); in a prefect.yaml, where Prefect fills that with nothing, give"
        " the prompt as @FILE."
    )


def _in_another_form(used: Used, columns: Collection[str]) -> tuple[str, str] | None:
    """Return a column, and how the prompt names it in another template language."""
    names = {name.lower(): name for name in columns if name}
    longest_first = sorted(names, key=len, reverse=True)
    any_name = "|".join(map(re.escape, longest_first))
    for form in _WRONG_FORMS if names else ():
        pattern = re.compile(form.replace("NAME", any_name), re.IGNORECASE)
        for text in used.texts:
            if found := pattern.search(text):
                return names[found[1].lower()], found[0]
    return None
