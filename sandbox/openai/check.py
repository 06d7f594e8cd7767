"""Checks a request file as a whole, as OpenAI does before any request runs.

An independent judge of the client's check in `providers/openai/check.py`: it shares
no code with it, and a test compares what both say of the same files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from ..answers.answer import estimate_tokens
from ..engine.produce import read_lines
from ..engine.store import BatchRow, FileRow, Store
from ..engine.timeline import plan_of, queued
from ..faults import Faults
from .dialects import DIALECTS
from .shapes import ENDPOINTS

__all__ = ["check_batch"]

_MAX_PROBLEMS = 100
_MAX_EMBEDDING_INPUTS = 50_000


@dataclass
class _Problem:
    """One entry of a batch's `errors`."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None


def check_batch(
    row: BatchRow, store: Store, settings: Faults, now: float
) -> dict[str, Any]:
    """Check a batch's file; one bad line refuses it. Returns columns of the row."""
    file = store.get(FileRow, row.input_file_id or "", account=row.account)
    account = f"organization org-sandbox-{row.account}"
    if file is None or (file.expires_at and file.expires_at <= row.created_at):
        text = (
            f"Cannot find file {row.input_file_id}, or {account} does not have access"
            " to it."
        )
        return _errors([_Problem("invalid_request", text, "file_id")])
    if fail := plan_of(row).effects.fail:
        return _errors([_Problem(**each.model_dump()) for each in fail])
    check = _FileCheck(row, settings)
    for line in read_lines(store.path(file.id)):
        check.add(line)
    if problems := check.finish(file.bytes):
        return _errors(problems)
    limits = settings.limits
    if limits.openai_enqueued_tokens is not None:
        others = store.select(
            BatchRow, provider=row.provider, account=row.account, model=check.model
        )
        tokens = queued(others, "tokens", now, limits.release_lag_seconds)
        if tokens + check.tokens > limits.openai_enqueued_tokens:
            text = (
                f"Enqueued token limit reached for {check.model} in {account}. Limit:"
                f" {limits.openai_enqueued_tokens:,} enqueued tokens. Please try again"
                " once some in_progress batches have been completed."
            )
            return _errors([_Problem("token_limit_exceeded", text)])
    return {
        "total": check.total,
        "tokens": check.tokens,
        "model": check.model,
        "first_custom_id": check.first_custom_id,
    }


def _errors(problems: list[_Problem]) -> dict[str, Any]:
    errors = [asdict(problem) for problem in problems]
    return {"errors": orjson.dumps(errors).decode()}


class _FileCheck:
    """The lines of a file checked so far."""

    def __init__(self, row: BatchRow, settings: Faults) -> None:
        self.total = 0
        self.tokens = 0
        self.model = row.model
        self.first_custom_id: str | None = None
        self._endpoint = row.endpoint or ""
        self._dialect = DIALECTS[row.provider]
        self._settings = settings
        self._problems: list[_Problem] = []
        self._seen: set[str] = set()
        self._embedding_inputs = 0

    def add(self, line: bytes) -> None:
        """Check one line."""
        self.total += 1
        self.tokens += estimate_tokens(line)
        for problem in self._line_problems(line):
            if len(self._problems) < _MAX_PROBLEMS:
                problem.line = self.total
                self._problems.append(problem)

    def finish(self, size: int) -> list[_Problem]:
        """Return all problems, those of the whole file last."""
        limits = self._settings.limits
        if self.total == 0:
            text = "The input file contains no requests."
            self._problems.append(_Problem("empty_file", text))
        for count, limit, what, code, param in (
            (self.total, limits.openai_requests, "requests", "too_many_tasks", None),
            (size, limits.openai_bytes, "bytes", "invalid_request", "file_id"),
            (
                self._embedding_inputs,
                _MAX_EMBEDDING_INPUTS,
                "embedding inputs",
                "invalid_request",
                "body.input",
            ),
        ):
            if count > limit:
                text = f"The batch input file contains {count} {what}, more than the"
                text += f" limit of {limit}."
                self._problems.append(_Problem(code, text, param))
        return self._problems

    def _line_problems(self, line: bytes) -> Iterator[_Problem]:
        try:
            request = orjson.loads(line)
        except orjson.JSONDecodeError:
            request = None
        if not isinstance(request, dict):
            text = "This line is not parseable as valid JSON."
            yield _Problem("invalid_json_line", text)
            return
        named = ("method", "url") if self._dialect.names_url else ()
        for name in ("custom_id", *named, "body"):
            if request.get(name) in (None, ""):
                text = f"Missing required parameter: '{name}'."
                yield _Problem("missing_required_parameter", text, name)
        if request.get("method") not in (None, "", "POST"):
            yield _Problem("invalid_method", "The method must be 'POST'.", "method")
        path = self._dialect.path_of(self._endpoint)
        if request.get("url") not in (None, "", path):
            text = (
                "The URL provided for this request does not match the batch endpoint."
                f" Expected '{path}'."
            )
            yield _Problem("invalid_url", text, "url")
        yield from self._id_problems(request.get("custom_id"))
        body = request.get("body")
        if isinstance(body, dict):
            yield from self._body_problems(body)
        elif body not in (None, ""):
            text = "The body must be an object."
            yield _Problem("invalid_request", text, "body")

    def _id_problems(self, custom_id: Any) -> Iterator[_Problem]:
        if not isinstance(custom_id, str | None):
            text = "Invalid type for 'custom_id': expected a string."
            yield _Problem("invalid_request", text, "custom_id")
        elif custom_id:
            if custom_id in self._seen:
                text = (
                    "The custom_id for this request is a duplicate of another request."
                    " The custom_id parameter must be unique for each request in a"
                    " batch."
                )
                yield _Problem("duplicate_custom_id", text, "custom_id")
            self._seen.add(custom_id)
            self.first_custom_id = self.first_custom_id or custom_id

    def _body_problems(self, body: dict[str, Any]) -> Iterator[_Problem]:
        content = ENDPOINTS[self._endpoint].content
        on_batch = self._dialect.request_params
        for name in (content,) if on_batch else ("model", content):
            if body.get(name) in (None, ""):
                param = f"body.{name}"
                text = f"Missing required parameter: '{param}'."
                yield _Problem("invalid_request", text, param)
        if body.get("stream"):
            text = "Streaming is not supported in the Batch API."
            yield _Problem("streaming_unsupported", text, "body.stream")
        if model := body.get("model"):
            yield from self._model_problems(model)
        inputs = body.get("input")
        if self._endpoint == "/v1/embeddings" and isinstance(inputs, list):
            # A list of numbers is one text as tokens.
            one = inputs and isinstance(inputs[0], int)
            self._embedding_inputs += 1 if one else len(inputs)

    def _model_problems(self, model: Any) -> Iterator[_Problem]:
        models = self._settings.models
        if (
            not isinstance(model, str)
            or model.startswith("claude")
            or (models and model not in models)
        ):
            text = f"The provided model '{model}' is not supported by the Batch API."
            yield _Problem("model_not_found", text, "body.model")
        if isinstance(model, str):
            self.model = self.model or model
            if model != self.model:
                text = (
                    f"The model in this request ('{model}') does not match the model of"
                    f" the first one ('{self.model}'): a batch is for one model."
                )
                yield _Problem("mismatched_model", text, "body.model")
