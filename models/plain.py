"""Values that JSON can express, and the files that users write them in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import yaml

from ..errors import InputError, in_one_line

__all__ = ["MAX_DEPTH", "is_too_deep", "read_yaml", "to_plain_json"]

MAX_DEPTH = 200
"""Encoders of JSON stop at 254 levels."""

_MAX_BYTES = 10_000_000
_MAX_VALUES = 100_000
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster


def is_too_deep(value: Any) -> bool:
    """Whether a value is nested too deeply to be written as JSON everywhere."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def to_plain_json(value: Any) -> bytes:
    """Return a value as JSON, or refuse it: nothing is left out or becomes null.

    Raises:
        ValueError: It is no JSON, such as a date or infinity, or nested too deeply.
    """
    if is_too_deep(value):
        raise ValueError("it is nested too deeply")
    try:
        data = orjson.dumps(value)  # takes infinity for null
        json.dumps(value, allow_nan=False)
    except TypeError as exc:
        raise ValueError(str(exc)) from exc
    return data


def read_yaml(path: Path) -> Any:
    """Return the value in a YAML or JSON file.

    Raises:
        InputError: It cannot be read, or holds what is not JSON, or very much.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES:,} bytes")  # noqa: TRY301 - as from the parser
        value = _load(data.decode("utf-8-sig"))
        to_plain_json(value)
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc
    except Exception as exc:  # tags such as `!!int` raise anything
        raise InputError(f"{path} is not YAML or JSON: {in_one_line(exc)}.") from exc
    return value


def _load(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
    loader = _Loader(text)
    node = loader.get_single_node()
    if node is None:
        return None
    if _size(node, {}) > _MAX_VALUES:
        raise ValueError(f"with its aliases it has more than {_MAX_VALUES:,} values")
    return loader.construct_document(node)


def _size(node: yaml.Node, sizes: dict[yaml.Node, int]) -> int:
    """Return how many values a node has where each alias is written out."""
    if node in sizes:
        if sizes[node] == 0:
            raise ValueError("an alias stands for what contains it")
        return sizes[node]
    sizes[node] = 0
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    sizes[node] = 1 + sum(_size(each, sizes) for each in inner)
    return sizes[node]
