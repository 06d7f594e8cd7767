"""One request that is sent now: from its line to what the API answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx2
import msgspec

from ...errors import InputError
from ..lines import BOM, is_closed, load_result
from .errors import Failures

__all__ = ["LINE_ENDS", "ask", "parts_of"]

_JSON = {"Content-Type": "application/json"}
LINE_ENDS = bytes.maketrans(b"\r\n", b"  ")


def parts_of(line: bytes, *names: str) -> list[bytes]:
    """Return members of a request line as they are written.

    Raises:
        InputError: It is no object with all of them.
    """
    try:
        members = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        return [bytes(members[name]) for name in names]
    except (ValueError, KeyError, RecursionError) as exc:
        wanted = " and ".join(f"`{name}`" for name in names)
        raise InputError(
            f"This request line cannot be sent: it is no JSON object with {wanted}."
        ) from exc


def ask(
    failures: Failures, post: Callable[..., httpx2.Response], path: str, content: bytes
) -> tuple[int, bytes]:
    """Return the status and the JSON of what the API says of a request, on one line.

    A success, or a refusal that is about the request alone.

    Args:
        failures: Turns the SDK's errors into ours.
        post: The method of the SDK's client.
        path: Where to, below the base URL.
        content: The body, sent as it is.

    Raises:
        ProviderError: Anything else: the account, the model, the rate, the network.
    """
    options = {"headers": _JSON}
    response = failures.of_request(
        partial(post, path, cast_to=httpx2.Response, content=content, options=options)
    )
    answer = response.content.removeprefix(BOM).translate(LINE_ENDS).strip()
    if not _is_object(answer):
        raise failures.unexpected(response, "answer a request")
    return response.status_code, answer


def _is_object(content: bytes) -> bool:
    """Whether this is a JSON object, or would be if it were not nested too deeply."""
    try:
        load_result(content)
    except ValueError:
        return content.startswith(b"{") and is_closed(content)
    return True
