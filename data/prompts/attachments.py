"""Images and PDFs that a prompt names by path, as parts of a message.

A path that a row fills in comes from data, and what it names is sent to a provider.
So it must stay inside one folder, and the file must be what it is said to be.
"""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import Any

from ...errors import InputError

__all__ = ["image_part", "pdf_part"]

_MAX_BYTES = 50_000_000
"""OpenAI takes files of 50 MB (https://developers.openai.com/api/docs/guides/pdf-files),
Anthropic requests of 32 MB (https://platform.claude.com/docs/en/api/overview). Not
checked against these pages."""

_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", b"", "image/png"),
    (b"\xff\xd8\xff", b"", "image/jpeg"),
    (b"GIF8", b"", "image/gif"),
    (b"RIFF", b"WEBP", "image/webp"),
)
"""First bytes of an image, the bytes from its ninth on, and its media type."""

_SHOWN = 300
"""Characters of a name in an error."""


def image_part(name: str, folder: Path, *, confined: bool) -> dict[str, Any]:
    """Return an image part: a URL as it is, a file as base64 in the request.

    Args:
        name: A URL or a path.
        folder: Where a relative path starts.
        confined: Whether the file must lie in `folder`, links followed.

    Raises:
        InputError: The file cannot be sent; the text does not name the row.
    """
    if name.startswith(("http://", "https://", "data:")):
        return {"type": "image_url", "image_url": {"url": name}}
    if not (mimetypes.guess_type(name)[0] or "").startswith("image/"):
        raise InputError(f"the image {_shown(name)} is of no known image type")
    data = _read(name, folder, confined=confined)
    for head, inner, kind in _IMAGES:
        if data.startswith(head) and data[8:].startswith(inner):
            return {"type": "image_url", "image_url": {"url": _data_url(kind, data)}}
    raise InputError(f"the file {_shown(name)} is no PNG, JPEG, GIF or WebP image")


def pdf_part(name: str, folder: Path, *, confined: bool) -> dict[str, Any]:
    """Return a file part with the PDF as base64 in the request.

    Arguments and errors are those of `image_part`; a URL is refused.
    """
    if "://" in name:
        raise InputError(f"the PDF {_shown(name)} must be a local file")
    data = _read(name, folder, confined=confined)
    if not data.startswith(b"%PDF-"):
        raise InputError(f"the file {_shown(name)} is no PDF")
    url = _data_url("application/pdf", data)
    return {"type": "file", "file": {"filename": Path(name).name, "file_data": url}}


def _read(name: str, folder: Path, *, confined: bool) -> bytes:
    try:
        path = (folder / name).resolve(strict=True)
        if confined and not path.is_relative_to(folder.resolve()):
            raise InputError(
                f"the file {_shown(name)} lies outside of {str(folder)!r}, and a path"
                " that a row fills in must stay inside; --attachments DIR names another"
                " folder"
            )
        if not path.is_file():
            raise InputError(f"the file {_shown(name)} is a folder, a pipe or a device")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, RuntimeError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        shown = _shown(str(folder / name))
        raise InputError(
            f"the file {shown} of the prompt cannot be read: {reason}"
        ) from exc
    if len(data) > _MAX_BYTES:
        raise InputError(f"the file {_shown(name)} is larger than {_MAX_BYTES:,} bytes")
    return data


def _shown(name: str) -> str:
    """Return a name as an error quotes it; a row may fill in any text."""
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
