"""Files that a prompt is read from: a text, or a list of messages."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import orjson
import yaml

from ...errors import InputError
from ..depth import MAX_DEPTH

__all__ = ["read_messages", "read_text"]

_MAX_NODES = 100_000


def read_text(given: str | None) -> str | None:
    """Return a template: the text as given, or that of the file in `@FILE`.

    A text that begins with `@` is given as `@@...`. The newline at the end of a file
    is left out.

    Raises:
        InputError: The file cannot be read.
    """
    if given is None or not given.startswith("@"):
        return given
    if given.startswith("@@"):
        return given[1:]
    path = Path(given[1:]).absolute()
    try:
        return path.read_text(encoding="utf-8-sig").removesuffix("\n")
    except OSError as exc:
        why = exc.strerror or str(exc)
    except ValueError as exc:  # no UTF-8, or no name of a file
        why = str(exc)
    raise InputError(
        f"The prompt file {path} cannot be read: {why}. A prompt that begins with @"
        " itself is written with @@."
    )


def read_messages(path: Path) -> list[dict[str, Any]]:
    """Read a YAML or JSON file with a list of messages.

    Raises:
        InputError: It is not there, not YAML, or not a list of messages.
    """
    try:
        messages = _load_yaml(path.read_text(encoding="utf-8-sig"))
        orjson.dumps(messages)  # what is no JSON cannot be sent
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc
    except RecursionError as exc:
        raise InputError(f"{path} is nested too deeply.") from exc
    except Exception as exc:  # tags such as `!!int` raise anything
        text = textwrap.shorten(str(exc), 300, placeholder=" ...").rstrip(".")
        raise InputError(f"{path} is not YAML or JSON: {text}.") from exc
    if not isinstance(messages, list) or not messages:
        raise InputError(f"{path} must be a list of messages (`role`, `content`).")
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or not {"role", "content"} <= set(message):
            raise InputError(
                f"{path}: message {number} needs `role` and `content`, for example"
                " {role: user, content: 'Classify: {{ email }}'}."
            )
    return messages


def _load_yaml(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise RecursionError
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    if node is None:
        return None
    if _size(node, {}) > _MAX_NODES:
        raise ValueError(f"with its aliases it has more than {_MAX_NODES:,} values")
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
