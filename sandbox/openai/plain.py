"""Answers of OpenAI's endpoints that no model needs to be asked for."""

from __future__ import annotations

import random
from typing import Any

from ..answers.answers import Asked

__all__ = ["PLAIN"]

_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
_DIMENSIONS = 1536

_Plain = tuple[dict[str, Any], tuple[int, int]]
"""A response body, and its input and output tokens."""


def _embeddings(asked: Asked, body: dict[str, Any], dice: random.Random) -> _Plain:
    given = body["input"]
    single = isinstance(given, str) or (
        isinstance(given, list) and bool(given) and isinstance(given[0], int)
    )
    count = 1 if single else len(given)
    size = body.get("dimensions") or _DIMENSIONS
    data = []
    for index in range(count):
        vector = [dice.uniform(-1, 1) for _ in range(size)]
        length = sum(value * value for value in vector) ** 0.5
        unit = [round(value / length, 8) for value in vector]
        data.append({"object": "embedding", "index": index, "embedding": unit})
    usage = {"prompt_tokens": asked.input_tokens, "total_tokens": asked.input_tokens}
    content = {"object": "list", "data": data, "model": asked.model, "usage": usage}
    return content, (asked.input_tokens, 0)


_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def _moderation(asked: Asked, body: dict[str, Any], dice: random.Random) -> _Plain:
    count = len(body["input"]) if isinstance(body["input"], list) else 1
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0001),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    content = {
        "id": f"modr-sandbox-{dice.getrandbits(64):016x}",
        "model": asked.model,
        "results": [result] * count,
    }
    return content, (0, 0)


def _images(asked: Asked, body: dict[str, Any], _: random.Random) -> _Plain:
    images = [{"b64_json": _PIXEL}] * int(body.get("n") or 1)
    return {"created": 0, "data": images}, (asked.input_tokens, 0)


def _video(asked: Asked, body: dict[str, Any], dice: random.Random) -> _Plain:
    content = {
        "id": f"video_sandbox_{dice.getrandbits(64):016x}",
        "object": "video",
        "model": asked.model,
        "status": "completed",
        "progress": 100,
        "created_at": 0,
        "seconds": str(body.get("seconds", "4")),
        "size": body.get("size", "720x1280"),
    }
    return content, (asked.input_tokens, 0)


PLAIN = {
    "/v1/embeddings": _embeddings,
    "/v1/moderations": _moderation,
    "/v1/images/generations": _images,
    "/v1/images/edits": _images,
    "/v1/videos": _video,
}
"""By endpoint; all synthetic, whatever answers the rest."""
