"""Texts with `{{ column }}` in them: Jinja2, compiled once and filled for each row.

A column wins over a name of Jinja2's own (`range`, `dict`, `self`), and `row["..."]`
reaches a column of any name.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jinja2
import jinja2.meta
from jinja2 import nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from ...errors import InputError
from .bounded import BoundedEnvironment, counted, printed

__all__ = [
    "JINJA_NAMES",
    "Fill",
    "compile_text",
    "is_constant",
    "names_in",
    "plain_parts",
]

Fill = Callable[[Mapping[str, Any]], Any]
"""From a row, by column, to what a template becomes for it."""

_ROW = "_batchwright_row"
_TEMPLATES: tuple[type[nodes.Node], ...] = (
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
)
_SPACED_NAME = re.compile(r"\{\{\s*(\w+(?:[ \-/]+\w+)+|not)\s*\}\}")
_ONE_BRACE = re.compile(r"\{\{\s*(\w+)\s*\}(?!\})")


_environment = BoundedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # a prompt is text, not HTML
    keep_trailing_newline=True,
)
del _environment.globals["lipsum"]  # random text, of any length
_globals = {**_environment.globals}
_environment.globals.clear()  # they are given with the row, which wins over them
JINJA_NAMES = frozenset(_globals)
"""Functions of Jinja2's own; a column of that name wins."""


class _Columns(NodeTransformer):
    """Lets `row[...]` be the row and `self` a column, and counts what is made."""

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        if isinstance(node.node, nodes.Name) and node.node.name == "row":
            node.node.name = _ROW
        is_slice = isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice)
        visited = self.generic_visit(node)
        return _filtered(visited, "counted") if is_slice else visited

    visit_Getattr = visit_Getitem  # noqa: N815 - as Jinja2 asks for it

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        visited = self.generic_visit(node)
        node.iter = _filtered(node.iter, "items_counted")
        return visited

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        visited = self.generic_visit(node)
        node.expr = _filtered(node.expr, "counted")
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, "counted")
        return visited

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        return _filtered(self.generic_visit(node), "counted")

    visit_List = visit_Dict = visit_Concat  # noqa: N815 - as Jinja2 asks for it

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        visited = self.generic_visit(node)
        return _filtered(visited, "counted") if node.ctx == "load" else visited

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        # As a value it is printed, and so counted, each time that a loop comes by.
        return nodes.Const(Markup(node.data), lineno=node.lineno)  # noqa: S704 - as Jinja2 does

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        if node.name != "self":
            return node
        row = nodes.Name(_ROW, "load")
        name = nodes.Const("self")
        return nodes.Getitem(row, name, "load", lineno=node.lineno)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def compile_text(text: str) -> Fill:
    """Return a function that fills the text; one that no row changes is filled now.

    Raises:
        InputError: The text does not compile.
    """
    if (parts := plain_parts(text)) is not None:
        return _fill_plain(parts)
    with _refused(text), counted():
        template = _environment.from_string(_parsed(text))

    def fill(values: Mapping[str, Any]) -> str:
        with counted():
            return template.render({**_globals, "row": values, **values, _ROW: values})

    if is_constant(text):
        with _refused(text):
            constant = fill({})
        return lambda _: constant
    return fill


def is_constant(text: str) -> bool:
    """Whether the text is the same for every row.

    Raises:
        InputError: The text does not compile.
    """
    return not jinja2.meta.find_undeclared_variables(_parsed(text))


def names_in(text: str) -> set[str]:
    """Return the names that a template takes from the row; `row` for all of it.

    Raises:
        InputError: The text does not compile.
    """
    tree = _parsed(text)
    names = jinja2.meta.find_undeclared_variables(tree)
    if _ROW not in names:
        return names
    names.remove(_ROW)
    got = {
        id(call.node): call.args[0]
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Getattr)
        and call.node.attr == "get"
        and call.args
    }
    accesses: list[nodes.Getattr | nodes.Getitem] = [
        *tree.find_all(nodes.Getattr),
        *tree.find_all(nodes.Getitem),
    ]
    for node in accesses:
        if not isinstance(node.node, nodes.Name) or node.node.name != _ROW:
            continue
        key = node.arg if isinstance(node, nodes.Getitem) else got.get(id(node))
        if isinstance(key, nodes.Const):
            names.add(str(key.value))
        elif isinstance(node, nodes.Getattr) and not hasattr(dict, node.attr):
            names.add(node.attr)
        else:
            names.add("row")
    return names


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
        if not isinstance(output, nodes.Output):
            return None
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                parts.append((node.data, False))
            elif isinstance(node, nodes.Name) and node.name != "row":
                parts.append((node.name, True))
            else:
                return None
    return parts


def _parsed(text: str, *, columns: bool = True) -> nodes.Template:
    with _refused(text):
        try:
            tree = _environment.parse(text)
        except jinja2.TemplateSyntaxError as exc:
            hint = ""
            if found := _SPACED_NAME.search(text):
                name = found[1]
                hint = f' Write {{{{ row["{name}"] }}}} for the column {name!r}.'
            elif found := _ONE_BRACE.search(text):
                hint = f" Write {{{{ {found[1]} }}}} instead of {found[0]}."
            raise InputError(
                f"The prompt {_start(text)} is not a Jinja2 template: {exc.message}"
                f" (its line {exc.lineno}).{hint}"
            ) from exc
        if any(map(tree.find, _TEMPLATES)):
            raise InputError(
                f"The prompt {_start(text)} takes in another template, and there are"
                " none: write the text into the prompt."
            )
        return _Columns().visit(tree) if columns else tree


@contextmanager
def _refused(text: str) -> Iterator[None]:
    """Turn what a template itself does wrong into a sentence about it."""
    try:
        yield
    except InputError:
        raise
    except Exception as exc:  # templates run the user's own expressions
        why = "it is nested too deeply" if isinstance(exc, RecursionError) else exc
        raise InputError(
            f"The prompt {_start(text)} cannot be filled: {type(exc).__name__}: {why}."
        ) from exc


def _start(text: str) -> str:
    return repr(textwrap.shorten(text, 60, placeholder=" ..."))


def _fill_plain(parts: list[tuple[str, bool]]) -> Fill:
    def fill(values: Mapping[str, Any]) -> str:
        try:
            return "".join(
                [
                    str(printed(values[part])) if is_name else part
                    for part, is_name in parts
                ]
            )
        except KeyError as exc:
            name = exc.args[0]
            raise jinja2.UndefinedError(f"{name!r} is undefined") from exc

    return fill
