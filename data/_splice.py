"""Request lines cut where rows differ: the rest is encoded once for all of them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ..errors import InputError
from ..providers import Encode
from .prompts import Prompt

__all__ = ["RowEncoder", "row_encoder"]

RowEncoder = Callable[[str, Mapping[str, Any]], bytes]
"""From a `custom_id` and a row's values to its request line."""


def row_encoder(prompt: Prompt, encode: Encode) -> RowEncoder:
    """Return what makes a row's request line.

    A row of marks is encoded once, and the line is cut at them; then only the
    values of a row are encoded. Where a prompt is more than text with columns in
    it, and wherever a value is out of the ordinary, the whole line is encoded.

    The encoder raises InputError for a row that cannot be sent; the text does not
    name the row.
    """

    def whole(custom_id: str, values: Mapping[str, Any]) -> bytes:
        return encode(custom_id, prompt(values))

    if prompt.columns is None:
        return whole
    names = {secrets.token_hex(16): name for name in prompt.columns}
    mark = secrets.token_hex(16)
    try:
        line = whole(mark, {name: mark for mark, name in names.items()})
    except InputError:
        return whole  # which says it of the first row
    head, rest = line.split(mark.encode())  # a line begins with its id
    any_mark = "|".join(names) or "(?!)"  # the latter is found nowhere
    first, *others = re.split(f"({any_mark})".encode(), rest)
    after = [
        (names[found.decode()], piece)
        for found, piece in zip(others[::2], others[1::2], strict=True)
    ]
    dumps, join = orjson.dumps, b"".join

    def spliced(custom_id: str, values: Mapping[str, Any]) -> bytes:
        try:
            parts = [head, dumps(custom_id)[1:-1], first]
            for name, piece in after:
                value = values[name]
                if not value:
                    return whole(custom_id, values)
                text = value if type(value) is str else str(value)
                parts += (dumps(text)[1:-1], piece)
        except (KeyError, TypeError):
            return whole(custom_id, values)
        return join(parts)

    return spliced
