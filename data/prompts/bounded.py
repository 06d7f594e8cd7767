"""Keeps templates from running, or growing, without end.

What a template reads and makes is counted in characters, and so are items and calls.
All texts of a row share one account, because small steps add up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from string import Formatter
from typing import Any

import jinja2.sandbox
from jinja2 import pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.tests import TESTS

__all__ = ["BoundedEnvironment", "counted", "printed"]

_MOST = 10_000_000
"""Characters that the texts of one row may make."""
_CALL, _ITEM = 150, 20
"""What a call and an item count besides; they take as long as so many characters."""
_MOST_BITS = 20_000
"""Numbers that are longer cannot be printed."""
_MOST_DEPTH = 100
_MOST_PRECISION = 300
"""Of rounding; a float has fewer digits."""
_PERCENT = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(\*|[0-9]*)(?:\.(\*|[0-9]*))?")
_DIGITS = re.compile("[0-9]+")
_REFUSED = frozenset(
    {"encode", "expandtabs", "from_bytes", "fromkeys", "maketrans", "to_bytes"}
    | {"translate"}
)
"""Methods that make much of little, and that no prompt needs."""

_account: ContextVar[list[int] | None] = ContextVar("account", default=None)


@contextmanager
def counted() -> Iterator[None]:
    """Open the account of a row, unless one is open."""
    if _account.get() is not None:
        yield
        return
    token = _account.set([_MOST])
    try:
        yield
    finally:
        _account.reset(token)


class BoundedEnvironment(jinja2.sandbox.SandboxedEnvironment):
    """Counts what operators, calls, filters, tests and texts make.

    Its filters `counted` and `items_counted` are for expressions that Jinja2 lets
    nobody intercept: what they are given is counted, whole or item by item.
    """

    intercepted_binops = frozenset(
        jinja2.sandbox.SandboxedEnvironment.default_binop_table
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, finalize=_printed)
        self.filters = {name: _counting(name, FILTERS[name]) for name in FILTERS}
        self.filters |= {"counted": _counted, "items_counted": _items_counted}
        self.tests = {name: _counting(name, TESTS[name]) for name in TESTS}

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return `left operator right`."""
        _spend(_size(left, right))
        if operator == "%" and isinstance(left, str):
            _spend(_filled(left, right if isinstance(right, tuple) else [right]))
        elif operator == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(other, int) and isinstance(one, (str, list, tuple)):
                    _spend(_size(one) * max(other, 0))
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            _refuse_long(left.bit_length() * right)
        return _made(super().call_binop(context, operator, left, right))

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a method."""
        listed = _listed(args)
        given = (getattr(obj, "__self__", None), *listed, *kwargs.values())
        _spend_on_call(getattr(obj, "__name__", ""), given)
        return _made(super().call(context, obj, *listed, **kwargs))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use an attribute."""
        if attr in _REFUSED or (isinstance(obj, bytes) and attr != "decode"):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Return the `format` of a text that was asked for, counted."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def fill(*args: Any, **kwargs: Any) -> str:
            _spend(_filled(value.__self__, (*args, *kwargs.values())))
            return str(wrapped(*args, **kwargs))

        return fill


def printed(value: Any) -> Any:
    """Return a value as templates print it: a null is the empty text."""
    return "" if value is None else value


def _counting(name: str, function: Any) -> Callable[..., Any]:
    """Return a filter or a test that counts."""
    skipped = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def counting(*args: Any, **kwargs: Any) -> Any:
        listed = _listed(args)
        _spend_on_call(name, (*listed[skipped:], *kwargs.values()))
        return _made(function(*listed, **kwargs))

    return counting


# They need the context only so that Jinja2 does not call them while it compiles.
@pass_context
def _printed(_context: Context, value: Any) -> Any:
    return _made(printed(value))


@pass_context
def _counted(_context: Context, value: Any) -> Any:
    return _made(value)


@pass_context
def _items_counted(_context: Context, values: Iterable[Any]) -> Iterator[Any]:
    return _items(values)


def _spend(amount: int) -> None:
    """Count what is made, or is about to be.

    Raises:
        OverflowError: It is too much, together with what was made before.
    """
    account = _account.get()
    if account is None:
        raise AssertionError("a template is filled within `counted`")
    account[0] -= amount
    if account[0] < 0:
        raise OverflowError(f"it makes more than {_MOST:,} characters")


def _spend_on_call(name: str, given: tuple[Any, ...]) -> None:
    # What is only read takes less time, and no memory.
    _spend(_CALL + _size(*given) // 4 + _growth(name, *given))


def _listed(values: Iterable[Any]) -> list[Any]:
    return [[*each] if isinstance(each, Iterator) else each for each in values]


def _made(value: Any) -> Any:
    """Count a value; the items of an iterator are counted when it gives them."""
    if isinstance(value, Iterator):
        return _items(value)
    _spend(_size(value))
    return value


def _items(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _spend(_ITEM + _size(value))
        yield value


def _size(*values: Any) -> int:
    """Return the characters of values, with all that is in lists and objects.

    The count stops above the limit: a list may contain itself.
    """
    size = 0
    left = [*values]
    while left and size <= _MOST:
        value = left.pop()
        if isinstance(value, (str, bytes)):
            size += len(value)
        elif isinstance(value, int):
            _refuse_long(value.bit_length())
            size += value.bit_length() >> 3
        elif isinstance(value, (list, tuple, set, frozenset, dict)):
            size += _ITEM * len(value)
            left += value
            left += value.values() if isinstance(value, dict) else ()
        elif isinstance(value, range):
            size += len(value)
    return size


def _refuse_long(bits: int) -> None:
    if bits > _MOST_BITS:
        raise OverflowError("it makes a number with thousands of digits")


def _growth(name: str, subject: Any = None, *more: Any) -> int:  # noqa: C901 - a table
    """Return how much a filter or a method may make or do, beyond what it is given.

    Args:
        name: Of the filter or method.
        subject: The value of the filter, or the object of the method.
        more: Its arguments.
    """
    numbers = sum(abs(each) for each in more if type(each) is int)
    growth = 0
    match name, more:
        case (("center" | "ljust" | "rjust" | "zfill" | "batch" | "slice"), _):
            growth = numbers
        case "format", _:
            growth = _filled(str(subject), more)
        case "replace", [old, new, *_]:
            growth = str(subject).count(str(old)) * len(str(new))
        case "join", [Sized() as other, *_] if isinstance(subject, Sized):
            growth = len(subject) * len(other)
        case "indent", _:
            growth = (str(subject).count("\n") + 1) * (numbers + _size(*more))
        case "wordwrap", _:
            growth = _size(subject) * _size(*more)
        case "tojson", _:
            growth = _size(subject) * numbers
        case "pprint", _:
            growth = _size(subject) * _MOST_DEPTH
        case "round", _ if numbers > _MOST_PRECISION:
            growth = _MOST
        case "striptags", _:
            growth = len(str(subject)) * str(subject).count("<!--")
        case "sum", _ if any(isinstance(each, (list, tuple)) for each in more):
            growth = _size(subject) ** 2
    return growth


def _filled(text: str, values: Iterable[Any]) -> int:
    """Return how long a format may become: each field is as wide as it can be."""
    fields = text.count("%") + text.count("{")
    widths = [width for found in _PERCENT.findall(text) for width in found]
    with suppress(ValueError):  # of a text that is no format with braces
        for _, _, spec, _ in Formatter().parse(text):
            widths += _DIGITS.findall(spec or "")
            widths += ["*"] * (spec or "").count("{")
    numbers = [
        abs(each)
        for value in values
        for each in (value.values() if isinstance(value, dict) else [value])
        if isinstance(each, int)
    ]
    most = max(numbers, default=0) * widths.count("*")
    most += sum(int(width[:12]) for width in widths if width.isdigit())
    return fields * _size(*values) + most
