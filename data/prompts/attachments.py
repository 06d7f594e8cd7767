"""Images and PDFs that a prompt names by path, as parts of a message."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import Any

from ...errors import InputError

__all__ = ["image_part", "pdf_part"]


def image_part(name: str, folder: Path) -> dict[str, Any]:
    """Return an image part: a URL as it is, a file as base64 in the request."""
    if name.startswith(("http://", "https://", "data:")):
        return {"type": "image_url", "image_url": {"url": name}}
    kind = mimetypes.guess_type(name)[0] or ""
    if not kind.startswith("image/"):
        raise InputError(f"the image {name!r} is of no known image type")
    return {"type": "image_url", "image_url": {"url": _data_url(name, folder, kind)}}


def pdf_part(name: str, folder: Path) -> dict[str, Any]:
    """Return a file part with the PDF as base64 in the request."""
    if "://" in name:
        raise InputError(f"the PDF {name!r} must be a local file")
    data = _data_url(name, folder, "application/pdf")
    return {"type": "file", "file": {"filename": Path(name).name, "file_data": data}}


def _data_url(name: str, folder: Path, kind: str) -> str:
    try:
        data = (folder / name).read_bytes()
    except OSError as exc:
        raise InputError(
            f"the file {str(folder / name)!r} of the prompt cannot be read:"
            f" {exc.strerror}"
        ) from exc
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
