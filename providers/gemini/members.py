"""The members of Gemini's requests, in the spelling of JSON, and their bounds.

As of November 2026, from google-genai 3.6.1 (a test compares) and
https://ai.google.dev/api/generate-content. The API takes `snake_case` as well.
"""

from __future__ import annotations

import math

__all__ = ["CONFIG", "EMBEDDING", "RANGES", "REQUEST", "camel"]

_REQUEST = """
    model contents systemInstruction tools toolConfig safetySettings generationConfig
    cachedContent serviceTier store labels continuationToken
    """
REQUEST = frozenset(_REQUEST.split())
"""Of a request for content."""

_CONFIG = """
    temperature topP topK candidateCount maxOutputTokens stopSequences
    responseLogprobs logprobs presencePenalty frequencyPenalty seed responseMimeType
    responseSchema responseJsonSchema responseModalities mediaResolution speechConfig
    thinkingConfig imageConfig enableEnhancedCivicAnswers audioTranscriptionConfig
    responseFormat
    """
CONFIG = frozenset(_CONFIG.split())
"""Of its `generationConfig`."""

_EMBEDDING = """
    model content taskType title outputDimensionality autoTruncate
    """
EMBEDDING = frozenset(_EMBEDDING.split())
"""Of a request for an embedding."""

RANGES = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "topK": (1, math.inf),
    "maxOutputTokens": (1, math.inf),
    "candidateCount": (1, 8),
}


def camel(name: str) -> str:
    """Return the spelling of JSON: `topP` for `top_p`."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
