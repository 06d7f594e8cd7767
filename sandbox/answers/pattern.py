"""Generates strings that match simple regular expressions."""

from __future__ import annotations

import random
import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["match_of"]

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,/@"

_CATEGORIES = {"digit": r"\d", "space": r"\s", "word": r"\w"}


def match_of(pattern: str, rng: random.Random, least: int = 0) -> str:
    """Return a string that `pattern` matches, if possible with `least` characters.

    A pattern with unsupported parts gives the word `synthetic`.
    """
    try:
        tree = _parser.parse(pattern)
        for more in (0, 1, 3, least):
            text = _Writer(rng, more).write(tree)
            if len(text) >= least and re.search(pattern, text):
                return text
    except (re.error, NotImplementedError, OverflowError):
        pass
    return "synthetic"


class _Writer:
    def __init__(self, rng: random.Random, more: int) -> None:
        self.rng = rng
        self.more = more
        self.groups: dict[int, str] = {}

    def write(self, tree: Any) -> str:
        return "".join(self._one(op, value) for op, value in tree)

    def _one(self, op: Any, value: Any) -> str:  # noqa: PLR0911 - one per operator
        if op is sre.LITERAL:
            return chr(value)
        if op is sre.AT or op in {sre.ASSERT, sre.ASSERT_NOT}:
            return ""
        if op is sre.ANY:
            return self.rng.choice(_ALPHABET)
        if op is sre.IN:
            return self._member(value)
        if op is sre.NOT_LITERAL:
            return self._member([(sre.NEGATE, None), (sre.LITERAL, value)])
        if op is sre.BRANCH:
            return self.write(self.rng.choice(value[1]))
        if op is sre.SUBPATTERN:
            self.groups[value[0]] = text = self.write(value[3])
            return text
        if op is sre.GROUPREF:
            return self.groups.get(value, "")
        if op in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
            low, high, inner = value
            count = min(high, max(low, 1 if low == 0 and high > 0 else low) + self.more)
            return "".join(self.write(inner) for _ in range(count))
        raise NotImplementedError(str(op))

    def _member(self, members: Any) -> str:
        allowed = {char for char in _ALPHABET if _in(char, members)}
        if not allowed:
            first = members[0]
            return chr(first[1] if first[0] is sre.LITERAL else first[1][0])
        return self.rng.choice(sorted(allowed))


def _in(char: str, members: Any) -> bool:
    negated = bool(members) and members[0][0] is sre.NEGATE
    found = False
    for op, value in members:
        if op is sre.LITERAL:
            found |= ord(char) == value
        elif op is sre.RANGE:
            found |= value[0] <= ord(char) <= value[1]
        elif op is sre.CATEGORY:
            name = str(value).lower().removeprefix("category_")
            negative = name.startswith("not_")
            word = name.removeprefix("not_")
            found |= bool(re.match(_CATEGORIES[word], char)) != negative
    return found != negated
