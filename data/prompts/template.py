"""Texts with `{{ column }}` in them: Jinja2, compiled once and filled for each row.

A column wins over a name of Jinja2's own (`range`, `dict`, `self`), and `row["..."]`
reaches a column of any name.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import jinja2
import jinja2.filters
import jinja2.meta
import jinja2.sandbox
from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from ...errors import InputError

__all__ = ["Fill", "compile_text", "is_constant", "plain_parts"]

Fill = Callable[[Mapping[str, Any]], Any]
"""From a row, by column, to what a template becomes for it."""

_ROW = "_batchwright_row"
_COUNTER = "_batchwright_counter"
_BOUND = "_batchwright_bound"
_TEMPLATES: tuple[type[nodes.Node], ...] = (
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
)
_OURS = {_COUNTER, _BOUND}
_SPACED_NAME = re.compile(r"\{\{\s*(\w+(?:[ \-/]+\w+)+)\s*\}\}")


def _text(value: Any) -> Any:
    """Return a value as templates print it: a null is the empty text."""
    return "" if value is None else value


_MAX_SIZE = 10_000_000
"""Characters that one expression may make."""
_MAX_ITEMS = 1_000_000
_WIDTH = re.compile(r"%(?:\([^)]*\))?[-+ #0*]*[0-9.]*[0-9]{7}|\{[^{}]*:[^{}]*[0-9]{7}")
_WIDTH_OF_VALUE = re.compile(r"%[-+ #0]*[0-9.]*\*|:[^{}]*\{")
_WIDENING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})


def _bounded(value: Any) -> Any:
    """Return a value that has not grown out of proportion."""
    if isinstance(value, (str, list, tuple)):
        _refuse_large(len(value))
    return value


def _refuse_large(*sizes: Any) -> None:
    if any(isinstance(size, int) and size > _MAX_SIZE for size in sizes):
        raise OverflowError(f"it makes more than {_MAX_SIZE:,} characters")


def _refuse_widths(text: Any, values: Iterable[Any]) -> None:
    """Refuse a format whose fields are very wide, also where a value is the width."""
    if isinstance(text, str):
        if _WIDTH.search(text):
            raise OverflowError(f"it makes more than {_MAX_SIZE:,} characters")
        if _WIDTH_OF_VALUE.search(text):
            _refuse_large(*values)


def _check_method(text: str, name: str, args: tuple[Any, ...]) -> None:
    """Refuse a call of a text's method that would make a very long text."""
    if name in _WIDENING:
        _refuse_large(*args)
    elif name == "replace" and [*map(type, args[:2])] == [str, str]:
        _refuse_large(text.count(args[0]) * len(args[1]))
    elif name == "join" and args and isinstance(args[0], (list, tuple, str)):
        _refuse_large(len(text) * len(args[0]))


class _Environment(jinja2.sandbox.SandboxedEnvironment):
    """Refuses operators and calls that make very large values."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%":
            _refuse_widths(left, right if isinstance(right, tuple) else [right])
        elif operator == "**" and isinstance(right, int):
            _refuse_large(right * 10_000)
        elif operator == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(one, (str, list, tuple)) and isinstance(other, int):
                    _refuse_large(len(one) * other)
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def fill(*args: Any, **kwargs: Any) -> str:
            _refuse_widths(value.__self__, (*args, *kwargs.values()))
            return str(wrapped(*args, **kwargs))

        return fill

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(text := getattr(obj, "__self__", None), str):
            _check_method(text, obj.__name__, (*args, *kwargs.values()))
        return super().call(context, obj, *args, **kwargs)


def _format(value: str, *args: Any, **kwargs: Any) -> str:
    _refuse_widths(value, (*args, *kwargs.values()))
    return str(jinja2.filters.do_format(value, *args, **kwargs))


def _replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, old, new = str(text), str(old), str(new)
    _check_method(text, "replace", (old, new))
    return str(text.replace(old, new, -1 if count is None else count))


def _guarded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that takes no very large number."""

    @wraps(filter_)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        _refuse_large(*args, *kwargs.values())
        return _bounded(filter_(*args, **kwargs))

    return guarded


_environment = _Environment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # a prompt is text, not HTML
    keep_trailing_newline=True,
    finalize=_text,
)
for _name in ("center", "indent", "wordwrap"):
    _environment.filters[_name] = _guarded(_environment.filters[_name])
_environment.filters |= {"format": _format, "replace": _replace}
del _environment.globals["lipsum"]  # random text, of any length
_globals = {**_environment.globals}
_environment.globals.clear()  # they are given with the row, which wins over them


class _Counter:
    """Counts the items of all loops of one text."""

    def __init__(self) -> None:
        self._left = _MAX_ITEMS

    def __call__(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._left -= 1
            if self._left < 0:
                raise OverflowError(f"its loops have more than {_MAX_ITEMS:,} items")
            yield item


class _Columns(NodeTransformer):
    """Lets `row[...]` be the row and `self` a column, whatever the columns are."""

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        if isinstance(node.node, nodes.Name) and node.node.name == "row":
            node.node.name = _ROW
        return self.generic_visit(node)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        counter = nodes.Name(_COUNTER, "load")
        node.iter = nodes.Call(counter, [node.iter], [], None, None, lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        self.generic_visit(node)
        bound = nodes.Name(_BOUND, "load")
        return nodes.Call(bound, [node], [], None, None, lineno=node.lineno)

    visit_Getattr = visit_Getitem  # noqa: N815 - as Jinja2 asks for it

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - as Jinja2 asks for it
        if node.name != "self":
            return node
        row = nodes.Name(_ROW, "load")
        name = nodes.Const("self")
        return nodes.Getitem(row, name, "load", lineno=node.lineno)


def compile_text(text: str) -> Fill:
    """Return a function that fills the text; one that no row changes is filled now.

    Raises:
        InputError: The text does not compile.
    """
    if (parts := plain_parts(text)) is not None:
        return _fill_plain(parts)
    with _refused(text):
        template = _environment.from_string(_parsed(text))

    def fill(values: Mapping[str, Any]) -> str:
        ours = {_ROW: values, _COUNTER: _Counter(), _BOUND: _bounded}
        return template.render({**_globals, "row": values, **values, **ours})

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
    return jinja2.meta.find_undeclared_variables(_parsed(text)) <= _OURS


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
                    str(_text(values[part])) if is_name else part
                    for part, is_name in parts
                ]
            )
        except KeyError as exc:
            name = exc.args[0]
            raise jinja2.UndefinedError(f"{name!r} is undefined") from exc

    return fill
