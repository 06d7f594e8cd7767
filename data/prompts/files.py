"""Files that a prompt is read from: a text, or a list of messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ...models.plain import read_yaml

__all__ = ["read_messages", "read_text"]


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
        InputError: It cannot be read, or is not a list of messages.
    """
    messages = read_yaml(path)
    if not isinstance(messages, list) or not messages:
        raise InputError(f"{path} must be a list of messages (`role`, `content`).")
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or not {"role", "content"} <= set(message):
            raise InputError(
                f"{path}: message {number} needs `role` and `content`, for example"
                " {role: user, content: 'Classify: {{ email }}'}."
            )
    return messages
