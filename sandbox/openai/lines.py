"""Result lines of OpenAI batches, and the files that hold them."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import orjson

from ..answers.answer import SYNTHETIC, AnswerSource, Failure, seeded
from ..answers.spoil import spoil, spoil_line, spoil_usage
from ..engine.produce import Result
from ..engine.results import WorkFile, write_lines
from ..engine.store import BatchRow, FileRow, Store
from ..engine.timeline import moment_at, plan_of
from ..faults import AnswerFault
from .envelopes import error_body
from .requests import read_request
from .shapes import ENDPOINTS, embeddings

__all__ = ["answer_body", "answer_line", "publish", "unrun_line"]

_OUTPUT_SECONDS = 30 * 86_400
_MESSAGES = {
    429: "Rate limit reached. (synthetic)",
    500: "The server had an error while processing your request. (synthetic)",
    503: "The engine is currently overloaded. (synthetic)",
}
_MADE_UP = ("n", "logprobs", "top_logprobs", "include")
"""Members that only synthetic answers heed: an upstream gives one answer, as text."""
_ODD_LINES: dict[str | None, tuple[Any, Any]] = {
    "null_response": (None, {"code": "server_error", "message": "A synthetic error."}),
    "both_null": (None, None),
    "status_zero": ({"status_code": 0, "request_id": "", "body": None}, None),
}
"""Response and error by kind of fault."""


def answer_line(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> Result:
    """Return the result of one request."""
    custom_id = request["custom_id"]
    kind = fault.kind if fault else None
    if kind in _ODD_LINES:
        response, error = _ODD_LINES[kind]
        return _line(row, custom_id, response, error), "errored", (0, 0)
    tag = _tag(row, custom_id)
    content = answer_body(row, request, source, fault, seed)
    if isinstance(content, Failure):
        response = {
            "status_code": content.status,
            "request_id": tag,
            "body": error_body(content),
        }
        return _line(row, custom_id, response, None), "errored", (0, 0)
    body, tokens = content
    response = {"status_code": 200, "request_id": tag, "body": body}
    line = _line(row, custom_id, response, None)
    return spoil_line(line, kind), "succeeded", tokens


def answer_body(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> tuple[dict[str, Any], tuple[int, int]] | Failure:
    """Return the body of a response and its tokens."""
    custom_id, endpoint = request["custom_id"], row.endpoint
    body = request["body"]
    if "model" not in body:  # where it is a parameter of the batch
        body = {"model": row.model, **body}
    if fault and fault.status:
        default = _MESSAGES.get(fault.status, "A synthetic error.")
        return Failure(fault.status, fault.message or default)
    question = read_request(str(endpoint), body, is_bounded=row.provider == "openai")
    if isinstance(question, Failure):
        return question
    # The answer depends on seed and request, its IDs on the batch.
    rng = seeded(seed, custom_id, body)
    shape = ENDPOINTS[str(endpoint)].shape
    if shape is None:
        if source is not SYNTHETIC:
            text = f"The sandbox's upstream answers chat requests, not {endpoint}."
            return Failure(400, text)
        vectors = embeddings(question, body, rng)
        return _spoiled(vectors, fault), (question.input_tokens, 0)
    answer = source.answer(question, rng)
    if isinstance(answer, Failure):
        return answer
    if source is not SYNTHETIC:
        body = {name: body[name] for name in body if name not in _MADE_UP}
    if fault:
        answer = spoil(answer, fault)
    content = shape(question, answer, body, _tag(row, custom_id), int(row.created_at))
    return _spoiled(content, fault), (answer.input_tokens, answer.output_tokens)


def _spoiled(body: dict[str, Any], fault: AnswerFault | None) -> dict[str, Any]:
    """Return a body with the fault applied to its usage."""
    return {**body, "usage": spoil_usage(body["usage"], fault.kind if fault else None)}


def unrun_line(row: BatchRow, custom_id: str, outcome: str) -> bytes:
    """Return the line of a request that did not run: `expired` or `cancelled`."""
    message = "This request was not executed because the batch was cancelled."
    if outcome == "expired":
        message = "This request could not be executed before the batch expired."
    error = {"code": f"batch_{outcome}", "message": message}
    return _line(row, custom_id, None, error)


def _tag(row: BatchRow, custom_id: str) -> str:
    """Return what the IDs of one request end with."""
    return f"{seeded(row.id, custom_id).getrandbits(64):016x}"


def _line(row: BatchRow, custom_id: str, response: Any, error: Any) -> bytes:
    line = {
        "id": f"batch_req_sandbox_{_tag(row, custom_id)}",
        "custom_id": custom_id,
        "response": response,
        "error": error,
    }
    return orjson.dumps(line)


def publish(
    row: BatchRow, work: WorkFile, store: Store
) -> tuple[dict[str, Any], list[FileRow]]:
    """Write the output file and the error file; they are visible from the end on."""
    plan = plan_of(row)
    order = work.order(plan.seed, shuffle=plan.effects.lines.shuffle)
    ended_at = moment_at(replace(row, ready=True), inf).ended_at or row.created_at
    columns: dict[str, Any] = {"output_file_id": None, "error_file_id": None}
    files: list[FileRow] = []
    for name in ("output", "error"):
        numbers = [
            number
            for number in order
            if (work.outcomes[number] == "succeeded") == (name == "output")
        ]
        is_wanted = name == "error" and plan.effects.error_file == "zero_bytes"
        if not numbers and not is_wanted:
            continue
        file_id = f"file-sandbox_{row.id.rpartition('_')[2]}_{name}"
        path = store.path(file_id)
        write_lines(path, work.read(numbers), plan.effects.lines, plan.seed)
        columns[f"{name}_file_id"] = file_id
        files.append(
            FileRow(
                id=file_id,
                account=row.account,
                purpose="batch_output",
                filename=f"{row.id}_{name}.jsonl",
                bytes=path.stat().st_size,
                created_at=ended_at,
                expires_at=ended_at + (row.output_seconds or _OUTPUT_SECONDS),
            )
        )
    return columns, files
