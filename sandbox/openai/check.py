"""Checks a request file as a whole, the way OpenAI does before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ..answers.answers import tokens_of
from ..faults import Faults
from .ask import needed

__all__ = ["Checked", "check_requests", "read_lines"]

_MAX_ERRORS = 100
_MAX_EMBEDDING_INPUTS = 50_000

Problem = dict[str, Any]


@dataclass
class Checked:
    """What the check found."""

    errors: list[Problem] = field(default_factory=list)
    total: int = 0
    tokens: int = 0
    model: str | None = None
    first_custom_id: str | None = None


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file without their newlines; nothing after the last one."""
    with path.open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n")


def check_requests(path: Path, endpoint: str, settings: Faults) -> Checked:
    """Check every line; one bad line is enough to refuse the file."""
    found = Checked()
    inputs = 0
    seen: set[str] = set()
    for number, line in enumerate(read_lines(path), 1):
        found.total += 1
        problems, request = _check_line(line, endpoint, settings)
        if request is not None:
            custom_id = request.get("custom_id")
            if isinstance(custom_id, str):
                if custom_id in seen:
                    problems.append(
                        _problem(
                            "duplicate_custom_id",
                            "The custom_id for this request is a duplicate of another"
                            " request. The custom_id parameter must be unique for each"
                            " request in a batch.",
                            "custom_id",
                        )
                    )
                seen.add(custom_id)
                found.first_custom_id = found.first_custom_id or custom_id
            body = request.get("body")
            if isinstance(body, dict):
                problems += _check_model(found, body)
                if endpoint == "/v1/embeddings" and isinstance(body.get("input"), list):
                    inputs += _texts(body["input"])
        found.tokens += tokens_of(line)
        for problem in problems:
            if len(found.errors) < _MAX_ERRORS:
                found.errors.append({**problem, "line": number})
    found.errors += _check_whole(found.total, path.stat().st_size, inputs, settings)
    return found


def _check_whole(total: int, size: int, inputs: int, settings: Faults) -> list[Problem]:
    limits = settings.limits
    if total == 0:
        return [_problem("empty_file", "The input file contains no requests.", None)]
    if total > limits.openai_requests:
        return [
            _problem(
                "too_many_tasks",
                f"The batch input file contains {total} requests, more than the limit"
                f" of {limits.openai_requests}.",
                None,
            )
        ]
    if size > limits.openai_bytes:
        return [
            _problem(
                "invalid_request",
                f"The batch input file has {size} bytes, more than the limit of"
                f" {limits.openai_bytes}.",
                "file_id",
            )
        ]
    if inputs > _MAX_EMBEDDING_INPUTS:
        return [
            _problem(
                "invalid_request",
                f"The batch contains {inputs} embedding inputs, more than the limit of"
                f" {_MAX_EMBEDDING_INPUTS}.",
                "body.input",
            )
        ]
    return []


def _texts(given: list[Any]) -> int:
    """Return how many texts are embedded; a list of tokens is one."""
    return 1 if given and isinstance(given[0], int) else len(given)


def _problem(code: str, message: str, param: str | None) -> Problem:
    return {"code": code, "message": message, "param": param, "line": None}


def _check_line(
    line: bytes, endpoint: str, settings: Faults
) -> tuple[list[Problem], dict[str, Any] | None]:
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        request = None
    if not isinstance(request, dict):
        text = "This line is not parseable as valid JSON."
        return [_problem("invalid_json_line", text, None)], None
    problems = [
        _problem(
            "missing_required_parameter",
            f"Missing required parameter: '{name}'.",
            name,
        )
        for name in ("custom_id", "method", "url", "body")
        if request.get(name) in (None, "")
    ]
    if not isinstance(request.get("custom_id"), str | None):
        text = "Invalid type for 'custom_id': expected a string."
        problems.append(_problem("invalid_request", text, "custom_id"))
    if request.get("method") not in (None, "", "POST"):
        problems.append(
            _problem("invalid_method", "The method must be 'POST'.", "method")
        )
    if request.get("url") not in (None, "", endpoint):
        problems.append(
            _problem(
                "invalid_url",
                f"The URL provided for this request does not match the batch endpoint."
                f" Expected '{endpoint}'.",
                "url",
            )
        )
    body = request.get("body")
    if isinstance(body, dict):
        problems += _check_body(body, endpoint, settings)
    elif body is not None:
        problems.append(
            _problem("invalid_request", "The body must be an object.", "body")
        )
    return problems, request


def _check_body(body: dict[str, Any], endpoint: str, settings: Faults) -> list[Problem]:
    problems = []
    for name in needed(endpoint):
        if body.get(name) in (None, ""):
            param = f"body.{name}"
            text = f"Missing required parameter: '{param}'."
            problems.append(_problem("invalid_request", text, param))
    model = body.get("model")
    if model and not _is_known(model, settings):
        text = f"The provided model '{model}' is not supported by the Batch API."
        problems.append(_problem("model_not_found", text, "body.model"))
    if body.get("stream"):
        text = "Streaming is not supported in the Batch API."
        problems.append(_problem("streaming_unsupported", text, "body.stream"))
    return problems


def _is_known(model: Any, settings: Faults) -> bool:
    if not isinstance(model, str) or model.startswith("claude"):
        return False
    return not settings.models or model in settings.models


def _check_model(found: Checked, body: dict[str, Any]) -> list[Problem]:
    model = body.get("model")
    if not isinstance(model, str):
        return []
    if found.model is None:
        found.model = model
    if model == found.model:
        return []
    text = (
        f"The model in this request ('{model}') does not match the model of the first"
        f" one ('{found.model}'): a batch is for one model."
    )
    return [_problem("mismatched_model", text, "body.model")]
