"""Records of Bedrock's jobs: read from S3, answered, written there with a manifest."""

from __future__ import annotations

from typing import Any

import orjson

from ..answers.answer import Answer, AnswerSource, Failure, Question, safe_text, seeded
from ..answers.spoil import spoil, spoil_line, spoil_usage
from ..engine.produce import Result, read_lines
from ..engine.results import WorkFile, write_lines
from ..engine.store import BatchRow, FileRow, Store
from ..engine.timeline import plan_of
from ..faults import AnswerFault, Faults
from .objects import Objects
from .requests import read_request

__all__ = ["answer_line", "answer_record", "check_records", "publish", "unrun_line"]

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "refusal": "content_filtered",
    "content_filter": "guardrail_intervened",
}
_CLAUDE_STOPS = {**_STOPS, "refusal": "refusal", "content_filter": "refusal"}
_FAILED = {"null_response", "both_null", "status_zero", "unknown_type", "failed"}
"""Kinds of faults with a form of their own elsewhere, and here only an error."""


def check_records(
    row: BatchRow, store: Store, settings: Faults, now: float
) -> dict[str, Any]:
    """Fetch a job's records and count them; returns columns of the row."""
    del now
    if fail := plan_of(row).effects.fail:
        return _refused(each.message for each in fail)
    config = orjson.loads(row.metadata or "{}")
    source = config["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
    path = store.path(row.id)
    if not Objects(store, row.account, config["s3"]).fetch(source, path):
        return _refused([f"The S3 object {source} could not be read by the role."])
    total, first, seen, problems = 0, None, set(), []
    for line in read_lines(path):
        total += 1
        try:
            record = orjson.loads(line)
            record_id = record["recordId"]
            if not isinstance(record["modelInput"], dict) or record_id in seen:
                raise ValueError  # noqa: TRY301 - one text for all
        except (ValueError, KeyError, TypeError):
            problems.append(f"Record {total} is malformed or repeats a recordId.")
            continue
        seen.add(record_id)
        first = first or record_id
    limits = settings.limits
    if total < limits.bedrock_min_requests:
        least = limits.bedrock_min_requests
        problems.append(f"The input has {total} records; the minimum is {least}.")
    if total > limits.bedrock_requests:
        problems.append(f"The input has more than {limits.bedrock_requests} records.")
    if problems:
        return _refused(problems[:10])
    return {"total": total, "first_custom_id": first}


def _refused(problems: Any) -> dict[str, Any]:
    return {"errors": orjson.dumps([*problems]).decode()}


def answer_line(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> Result:
    """Return the result of one record."""
    kind = fault.kind if fault else None
    found = answer_record(row, request, source, fault, seed)
    if isinstance(found, Failure):
        error = {"errorCode": found.status, "errorMessage": found.message}
        return _line(request, "error", error), "errored", (0, 0)
    output, tokens = found
    return spoil_line(_line(request, "modelOutput", output), kind), "succeeded", tokens


def answer_record(
    row: BatchRow,
    request: dict[str, Any],
    source: AnswerSource,
    fault: AnswerFault | None,
    seed: int,
) -> tuple[dict[str, Any], tuple[int, int]] | Failure:
    """Return a model's output for a record, and its tokens."""
    if fault and (fault.status or fault.kind in _FAILED):
        return Failure(fault.status or 500, fault.message or "A synthetic error.")
    body, is_converse = request["modelInput"], row.endpoint == "Converse"
    question = read_request(body, model=row.model or "", is_converse=is_converse)
    if isinstance(question, Failure):
        return question
    answer = source.answer(question, seeded(seed, request["recordId"], body))
    if isinstance(answer, Failure):
        return answer
    answer = spoil(answer, fault) if fault else answer
    output = _converse(answer) if is_converse else _claude(row, question, answer)
    kind = fault.kind if fault else None
    output["usage"] = spoil_usage(output["usage"], kind)
    if kind == "usage_cached":
        output["usage"] = {"inputTokens": 1, "cacheReadInputTokens": -(10**9)}
    return output, (answer.input_tokens, answer.output_tokens)


def _line(request: dict[str, Any], member: str, value: Any) -> bytes:
    record = {"modelInput": request["modelInput"], member: value}
    return orjson.dumps({**record, "recordId": request["recordId"]})


def _converse(answer: Answer) -> dict[str, Any]:
    text = [{"text": safe_text(answer.text)}] if answer.text else []
    return {
        "output": {"message": {"role": "assistant", "content": text}},
        "stopReason": _STOPS[answer.stop],
        "usage": {
            "inputTokens": answer.input_tokens,
            "outputTokens": answer.output_tokens,
            "totalTokens": answer.input_tokens + answer.output_tokens,
        },
        "metrics": {"latencyMs": 1},
    }


def _claude(row: BatchRow, question: Question, answer: Answer) -> dict[str, Any]:
    text = {"type": "text", "text": safe_text(answer.text)}
    return {
        "id": f"msg_bdrk_sandbox_{row.id[-8:]}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [text] if answer.text else [],
        "stop_reason": _CLAUDE_STOPS[answer.stop],
        "stop_sequence": None,
        "usage": {
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
        },
    }


def unrun_line(_: BatchRow, custom_id: str, outcome: str) -> bytes:
    """Return a mark for a record that did not run, which no result file has."""
    return orjson.dumps([custom_id, outcome])


def publish(
    row: BatchRow, work: WorkFile, store: Store
) -> tuple[dict[str, Any], list[FileRow]]:
    """Write the results of the records that ran, and the manifest, to S3."""
    plan, config = plan_of(row), orjson.loads(row.metadata or "{}")
    ran = [
        number
        for number in work.order(plan.seed, shuffle=plan.effects.lines.shuffle)
        if work.outcomes[number] in {"succeeded", "errored"}
    ]
    succeeded = work.outcomes.count("succeeded")
    manifest = {
        "totalRecordCount": row.total,
        "processedRecordCount": len(ran),
        "successRecordCount": succeeded,
        "errorRecordCount": len(ran) - succeeded,
        "inputTokenCount": work.input_tokens,
        "outputTokenCount": work.output_tokens,
    }
    source = config["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
    target = config["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].rstrip("/")
    objects = Objects(store, row.account, config["s3"])
    name = source.rpartition("/")[2]
    path = store.path(f"{row.id}.out")
    try:
        write_lines(path, work.read(ran), plan.effects.lines, plan.seed)
        objects.put(f"{target}/{row.id}/{name}.out", path, beside=source)
        path.write_bytes(orjson.dumps(manifest))
        objects.put(f"{target}/{row.id}/manifest.json.out", path, beside=source)
    finally:
        path.unlink(missing_ok=True)
    return {}, []
