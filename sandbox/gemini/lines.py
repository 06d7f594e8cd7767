"""Result lines of Gemini's batches, and the file that holds them."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import orjson

from ..answers.answer import (
    SYNTHETIC,
    Answer,
    AnswerSource,
    Failure,
    Question,
    estimate_tokens,
    safe_text,
    seeded,
)
from ..answers.spoil import spoil, spoil_line, spoil_usage
from ..engine.produce import Result
from ..engine.results import WorkFile, write_lines
from ..engine.store import BatchRow, FileRow, Store
from ..engine.timeline import moment_at, plan_of
from ..faults import AnswerFault
from .batches import EMBEDDINGS
from .envelopes import rpc_status
from .requests import config_of, read_request

__all__ = ["answer_line", "answer_response", "publish", "unrun_line"]

_KEPT_SECONDS = 42 * 86_400
_DIMENSIONS = 3072
_THOUGHTS = 12
_STOPS = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY"}
_ODD: dict[str | None, dict[str, Any]] = {
    "null_response": {"response": None},
    "both_null": {"response": None, "error": None},
    "status_zero": {"error": {"code": 0, "message": ""}},
    "failed": {"error": {"code": 13, "message": "An internal error has occurred."}},
}
"""What a line has beside its key, by kind of fault."""


def answer_line(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> Result:
    """Return the result of one request."""
    key, kind = request["key"], fault.kind if fault else None
    if kind in _ODD:
        return _line(key, _ODD[kind]), "errored", (0, 0)
    found = answer_response(row, request, source, fault, seed)
    if isinstance(found, Failure):
        return _line(key, {"error": rpc_status(found)}), "errored", (0, 0)
    response, tokens = found
    line = spoil_line(_line(key, {"response": response}), kind)
    return line, "succeeded", tokens


def answer_response(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> tuple[dict[str, Any], tuple[int, int]] | Failure:
    """Return the response to a request, and its tokens."""
    asked = request["request"]
    if fault and fault.status:
        return Failure(fault.status, fault.message or "A synthetic error.")
    rng = seeded(seed, request["key"], asked)
    if row.endpoint == EMBEDDINGS:
        return _embedding(asked, source, rng)
    question = read_request(asked)
    if isinstance(question, Failure):
        return question
    answer = source.answer(question, rng)
    if isinstance(answer, Failure):
        return answer
    answer = spoil(answer, fault) if fault else answer
    tag = f"{seeded(row.id, request['key']).getrandbits(64):016x}"
    response = _response(question, answer, row.model or "", tag)
    thinks = (
        (config_of(asked).get("thinkingConfig") or {}) if source is SYNTHETIC else {}
    )
    thought = _THOUGHTS if thinks.get("thinkingBudget", -1 if thinks else 0) else 0
    usage = response["usageMetadata"]
    if thought:
        usage["thoughtsTokenCount"] = thought
        usage["totalTokenCount"] += thought
    if thought and thinks.get("includeThoughts") and response.get("candidates"):
        part = {"text": "Synthetic thinking of the sandbox.", "thought": True}
        response["candidates"][0]["content"]["parts"].insert(0, part)
    kind = fault.kind if fault else None
    response["usageMetadata"] = spoil_usage(usage, kind)
    if kind == "usage_cached":
        response["usageMetadata"]["cachedContentTokenCount"] = 10**9
    return response, (answer.input_tokens, answer.output_tokens + thought)


def _embedding(
    asked: dict[str, Any], source: AnswerSource, rng: Any
) -> tuple[dict[str, Any], tuple[int, int]] | Failure:
    if source is not SYNTHETIC:
        return Failure(400, "The sandbox's upstream answers no embeddings.")
    content = asked.get("content")
    if not isinstance(content, dict) or not content.get("parts"):
        return Failure(400, "* EmbedContentRequest.content: contents is not specified")
    size = asked.get("outputDimensionality") or asked.get("output_dimensionality")
    vector = [rng.uniform(-1, 1) for _ in range(size or _DIMENSIONS)]
    length = sum(value * value for value in vector) ** 0.5
    tokens = estimate_tokens(orjson.dumps(content))
    values = [round(value / length, 8) for value in vector]
    usage = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    response = {"embedding": {"values": values}, "usageMetadata": usage}
    return response, (tokens, 0)


def _response(
    question: Question, answer: Answer, model: str, tag: str
) -> dict[str, Any]:
    usage = {
        "promptTokenCount": answer.input_tokens,
        "candidatesTokenCount": answer.output_tokens,
        "totalTokenCount": answer.input_tokens + answer.output_tokens,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": answer.input_tokens}
        ],
    }
    response: dict[str, Any] = {
        "usageMetadata": {name: value for name, value in usage.items() if value},
        "modelVersion": model,
        "responseId": f"sandbox{tag}",
    }
    if answer.stop == "content_filter":
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **response}
    parts: list[dict[str, Any]] = [{"text": safe_text(answer.text)}]
    if question.tool and answer.stop == "stop":
        arguments = _object(answer.text)
        parts = [{"functionCall": {"name": question.tool, "args": arguments}}]
        parts *= 2 if answer.fault == "two_answers" else 1
    content = {"role": "model", "parts": parts if answer.text else []}
    candidate = {"content": content, "finishReason": _STOPS[answer.stop], "index": 0}
    if answer.stop == "refusal":
        candidate["content"] = {"role": "model", "parts": []}
        candidate["finishMessage"] = answer.text
    if answer.fault == "unknown_type":
        candidate["finishReason"] = "POSTPONED"
    return {"candidates": [candidate], **response}


def _object(text: str) -> Any:
    """Return a function's arguments, which this API sends as an object."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return orjson.Fragment(text)


def unrun_line(_: BatchRow, custom_id: str, outcome: str) -> bytes:
    """Return the line of a request that alone did not run."""
    code = 1 if outcome == "cancelled" else 4
    message = f"The request was {outcome} before it ran."
    return _line(custom_id, {"error": {"code": code, "message": message}})


def publish(
    row: BatchRow, work: WorkFile, store: Store
) -> tuple[dict[str, Any], list[FileRow]]:
    """Write the result file; a batch that expired has none, a cancelled one a part."""
    plan = plan_of(row)
    moment = moment_at(replace(row, ready=True), inf)
    order = work.order(plan.seed, shuffle=plan.effects.lines.shuffle)
    if moment.state == "cancelled":
        order = [each for each in order if work.outcomes[each] != "cancelled"]
    if moment.state == "expired" or not order:
        return {"output_file_id": None}, []
    file_id = f"batch-{row.id}"
    path = store.path(file_id)
    write_lines(path, work.read(order), plan.effects.lines, plan.seed)
    ended_at = moment.ended_at or row.created_at
    file = FileRow(
        id=file_id,
        account=row.account,
        purpose="gemini",
        filename=file_id,
        bytes=path.stat().st_size,
        created_at=ended_at,
        expires_at=ended_at + _KEPT_SECONDS,
    )
    return {"output_file_id": file_id}, [file]


def _line(key: str, content: dict[str, Any]) -> bytes:
    return orjson.dumps({"key": key, **content})
