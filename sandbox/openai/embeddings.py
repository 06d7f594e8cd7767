"""Synthetic embeddings: random unit vectors, whatever answers other requests."""

from __future__ import annotations

import random
from typing import Any

from ..answers.answer import Question

__all__ = ["embeddings"]

_DIMENSIONS = 1536


def embeddings(
    question: Question, body: dict[str, Any], rng: random.Random
) -> dict[str, Any]:
    """Return the body of a response: one vector for each input."""
    given = body["input"]
    is_one_text = not isinstance(given, list) or (given and isinstance(given[0], int))
    data = []
    for index in range(1 if is_one_text else len(given)):
        vector = [
            rng.uniform(-1, 1) for _ in range(body.get("dimensions") or _DIMENSIONS)
        ]
        length = sum(value * value for value in vector) ** 0.5
        unit = [round(value / length, 8) for value in vector]
        data.append({"object": "embedding", "index": index, "embedding": unit})
    tokens = question.input_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": question.model, "usage": usage}
