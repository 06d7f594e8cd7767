"""Result lines of OpenRouter's batches: OpenAI's responses, errors of its own."""

from __future__ import annotations

import re
from typing import Any

import orjson

from ..answers.answer import AnswerSource, seeded
from ..engine.produce import Result
from ..engine.store import BatchRow
from ..faults import AnswerFault
from ..openai.lines import answer_line as openai_line

__all__ = ["answer_line", "unrun_line"]

_REASON = re.compile(rb'"finish_reason":("\w+")')
_TYPES = {
    400: "invalid_request",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    413: "payload_too_large",
    429: "rate_limit_exceeded",
    502: "provider_unavailable",
    503: "provider_overloaded",
}


def answer_line(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> Result:
    """Return the result of one request: a response, or an error in its place."""
    line, outcome, tokens = openai_line(row, request, source, fault, seed)
    if outcome == "succeeded":
        # Each choice also has the upstream's own word for why it ended.
        line = _REASON.sub(rb'"native_finish_reason":\1,"finish_reason":\1', line)
        return line, outcome, tokens
    response = orjson.loads(line)["response"] or {}
    status = response.get("status_code", 500)
    said = ((response.get("body") or {}).get("error") or {}).get("message")
    word = _TYPES.get(status, "server")
    message = said or "A synthetic error."
    return _error(row, request["custom_id"], word, message), outcome, tokens


def unrun_line(row: BatchRow, custom_id: str, outcome: str) -> bytes:
    """Return the line of a request that did not run."""
    return _error(row, custom_id, "timeout", f"The batch {outcome} before this ran.")


def _error(row: BatchRow, custom_id: str, word: str, message: str) -> bytes:
    line = {
        "id": f"result-sandbox-{seeded(row.id, custom_id).getrandbits(64):016x}",
        "custom_id": custom_id,
        "response": None,
        "error": {"message": message, "type": word, "param": None, "error_type": word},
    }
    return orjson.dumps(line)
