"""Texts with `{{ column }}` in them: Jinja2, compiled once and filled for each row.

A column wins over a name of Jinja2's own (`range`, `dict`, `self`), and `row["..."]`
reaches a column of any name.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox
from jinja2.visitor import NodeTransformer

from ...errors import InputError

__all__ = ["Fill", "compile_text", "is_constant", "plain_parts"]

Fill = Callable[[Mapping[str, Any]], Any]
"""From a row, by column, to what a template becomes for it."""

_ROW = "_batchwright_row"
_SPACED_NAME = re.compile(r"\{\{\s*(\w+(?:[ \-/]+\w+)+)\s*\}\}")


def _text(value: Any) -> Any:
    """Return a value as templates print it: a null is the empty text."""
    return "" if value is None else value


_environment = jinja2.sandbox.SandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # a prompt is text, not HTML
    keep_trailing_newline=True,
    finalize=_text,
)
_globals = {**_environment.globals}
_environment.globals.clear()  # they are given with the row, which wins over them


class _Columns(NodeTransformer):
    """Lets `row[...]` be the row and `self` a column, whatever the columns are."""

    def visit_Getitem(self, node: jinja2.nodes.Getitem) -> jinja2.nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        if isinstance(node.node, jinja2.nodes.Name) and node.node.name == "row":
            node.node.name = _ROW
        return self.generic_visit(node)

    visit_Getattr = visit_Getitem  # noqa: N815 - as Jinja2 asks for it

    def visit_Name(self, node: jinja2.nodes.Name) -> jinja2.nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        if node.name != "self":
            return node
        row = jinja2.nodes.Name(_ROW, "load")
        name = jinja2.nodes.Const("self")
        return jinja2.nodes.Getitem(row, name, "load", lineno=node.lineno)


def compile_text(text: str) -> Fill:
    """Return a function that fills the text; one that no row changes is filled now.

    Raises:
        InputError: The text does not compile.
    """
    if (parts := plain_parts(text)) is not None:
        return _fill_plain(parts)
    template = _environment.from_string(_parsed(text))

    def fill(values: Mapping[str, Any]) -> str:
        return template.render({**_globals, "row": values, **values, _ROW: values})

    if is_constant(text):
        constant = fill({})
        return lambda _: constant
    return fill


def is_constant(text: str) -> bool:
    """Whether the text is the same for every row.

    Raises:
        InputError: The text does not compile.
    """
    return not jinja2.meta.find_undeclared_variables(_parsed(text))


def plain_parts(text: str) -> list[tuple[str, bool]] | None:
    """Return the pieces of a template that holds only text and `{{ column }}`.

    Most templates are such, and are filled five times faster without Jinja2.

    Returns:
        Each piece, and whether it is the name of a column; None for a template that
        holds anything else.

    Raises:
        InputError: The text does not compile.
    """
    parts: list[tuple[str, bool]] = []
    for output in _parsed(text, columns=False).body:
        if not isinstance(output, jinja2.nodes.Output):
            return None
        for node in output.nodes:
            if isinstance(node, jinja2.nodes.TemplateData):
                parts.append((node.data, False))
            elif isinstance(node, jinja2.nodes.Name) and node.name != "row":
                parts.append((node.name, True))
            else:
                return None
    return parts


def _parsed(text: str, *, columns: bool = True) -> jinja2.nodes.Template:
    try:
        tree = _environment.parse(text)
    except jinja2.TemplateSyntaxError as exc:
        start = textwrap.shorten(text, 60, placeholder=" ...")
        hint = ""
        if found := _SPACED_NAME.search(text):
            hint = f' Write {{{{ row["{found[1]}"] }}}} for the column {found[1]!r}.'
        raise InputError(
            f"The prompt {start!r} is not a Jinja2 template: {exc.message} (its line"
            f" {exc.lineno}).{hint}"
        ) from exc
    return _Columns().visit(tree) if columns else tree


def _fill_plain(parts: list[tuple[str, bool]]) -> Fill:
    def fill(values: Mapping[str, Any]) -> str:
        try:
            return "".join(
                [
                    str(_text(values[part])) if is_name else part
                    for part, is_name in parts
                ]
            )
        except KeyError as exc:
            name = exc.args[0]
            raise jinja2.UndefinedError(f"{name!r} is undefined") from exc

    return fill
