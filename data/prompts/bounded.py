"""Keeps templates from running, or growing, without end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

import jinja2.sandbox
from jinja2.filters import FILTERS, do_format

__all__ = ["BOUNDED_FILTERS", "BoundedEnvironment", "Counter", "bounded"]

_MAX_SIZE = 10_000_000
"""Characters that one expression may make."""
_MAX_ITEMS = 1_000_000
_WIDTH = re.compile(r"%(?:\([^)]*\))?[-+ #0*]*[0-9.]*[0-9]{7}|\{[^{}]*:[^{}]*[0-9]{7}")
_WIDTH_OF_VALUE = re.compile(r"%[-+ #0]*[0-9.]*\*|:[^{}]*\{")
_WIDENING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})


def bounded(value: Any) -> Any:
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


class BoundedEnvironment(jinja2.sandbox.SandboxedEnvironment):
    """Refuses operators and calls that make very large values."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return `left operator right`, unless that is very large."""
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
        """Return `str.format` of a text, which refuses very wide fields."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def fill(*args: Any, **kwargs: Any) -> str:
            _refuse_widths(value.__self__, (*args, *kwargs.values()))
            return str(wrapped(*args, **kwargs))

        return fill

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a method, unless that makes a very long text."""
        if isinstance(text := getattr(obj, "__self__", None), str):
            _check_method(text, obj.__name__, (*args, *kwargs.values()))
        return super().call(context, obj, *args, **kwargs)


def _format(value: str, *args: Any, **kwargs: Any) -> str:
    _refuse_widths(value, (*args, *kwargs.values()))
    return str(do_format(value, *args, **kwargs))


def _replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, old, new = str(text), str(old), str(new)
    _check_method(text, "replace", (old, new))
    return str(text.replace(old, new, -1 if count is None else count))


def _guarded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that takes no very large number."""

    @wraps(filter_)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        _refuse_large(*args, *kwargs.values())
        return bounded(filter_(*args, **kwargs))

    return guarded


class Counter:
    """Counts the items of all loops of one text."""

    def __init__(self) -> None:
        self._left = _MAX_ITEMS

    def __call__(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the items of one loop."""
        for item in items:
            self._left -= 1
            if self._left < 0:
                raise OverflowError(f"its loops have more than {_MAX_ITEMS:,} items")
            yield item


BOUNDED_FILTERS: dict[str, Callable[..., Any]] = {
    **{name: _guarded(FILTERS[name]) for name in ("center", "indent", "wordwrap")},
    "format": _format,
    "replace": _replace,
}
"""Filters that take the place of Jinja2's own."""
