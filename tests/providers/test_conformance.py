"""The conformance suite, on every vendor and on one that another package brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any

import orjson
import pytest

from batchwright.models import Outcome
from batchwright.providers import get_vendor
from batchwright.providers.conformance import (
    ClientConformance,
    Example,
    FormatConformance,
    PipelineConformance,
    VendorConformance,
    VendorServer,
)
from batchwright.sandbox import Sandbox

QUICK = {"durations": {"validating": 0, "in_progress": 0.01, "finalizing": 0}}


class SandboxServer:
    """The sandbox as the suite wants it."""

    def __init__(self, sandbox: Sandbox, vendor: str) -> None:
        self._sandbox = sandbox
        self._vendor = get_vendor(vendor)
        self._before = sandbox.created()
        sandbox.set_faults(QUICK)

    def environment(self) -> dict[str, str]:
        """Return a new account."""
        return {
            self._vendor.base_url_variable: self._sandbox.base_url(self._vendor.name),
            self._vendor.key_variables[0]: f"key-{token_hex(4)}",
        }

    def settle(self) -> None:
        """Let all batches end."""
        self._sandbox.settle()

    def first_ids(self) -> list[str]:
        """Return the first custom_id of each batch."""
        made = self._sandbox.batches()[self._before :]
        return [str(batch.first_custom_id) for batch in made]

    def fail_request(self) -> None:
        """Let the second request of the next batch fail."""
        batch = {"nth": [1], "answers": [{"status": 500, "nth": [2]}]}
        self._sandbox.set_faults({**QUICK, "batches": [batch]})

    def refuse_to_answer(self, status: int) -> None:
        """Refuse every request that is asked at once."""
        call = {"operation": "ask", "do": "status", "status": status}
        call["retry_after_seconds"] = 0.01
        self._sandbox.set_faults({**QUICK, "calls": [call]})

    def lose_answer(self, *, created: bool) -> None:
        """Break the connection of the next creation."""
        call = {"operation": "create", "do": "drop", "after": created, "nth": [1]}
        self._sandbox.set_faults({**QUICK, "calls": [call]})


def _openai(body: Any = None, status: int = 200, error: Any = None) -> bytes:
    response = {"status_code": status, "request_id": "r", "body": body}
    line = {"id": "b", "custom_id": "row-1", "response": body and response}
    return orjson.dumps({**line, "error": error})


def _chat(reason: str = "stop", **message: Any) -> bytes:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": reason}
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    return _openai({"model": "gpt-x", "choices": [choice], "usage": usage})


def _failed(status: int, code: str) -> bytes:
    return _openai({"error": {"code": code, "message": "No."}}, status)


class TestOpenAI(VendorConformance):
    """OpenAI, against the sandbox."""

    vendor = "openai"
    model = "gpt-5-mini"
    kill_every = 3
    examples = (
        Example(Outcome.SUCCEEDED, _chat(content="Yes.")),
        Example(
            Outcome.SUCCEEDED,
            _chat("tool_calls", tool_calls=[{"function": {"arguments": "{}"}}]),
        ),
        Example(Outcome.TRUNCATED, _chat("length", content="Ye")),
        Example(Outcome.REFUSED, _chat("content_filter", content="")),
        Example(Outcome.REFUSED, _chat(content=None, refusal="I will not.")),
        Example(Outcome.ERRORED, _failed(400, "invalid_request")),
        Example(Outcome.ERRORED, _failed(429, "rate_limit_exceeded"), retryable=True),
        Example(
            Outcome.EXPIRED,
            _openai(error={"code": "batch_expired", "message": "Late."}),
            retryable=True,
        ),
        Example(
            Outcome.CANCELLED,
            _openai(error={"code": "batch_cancelled", "message": "So."}),
        ),
    )

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)


def _anthropic(kind: str, **more: Any) -> bytes:
    return orjson.dumps({"custom_id": "row-1", "result": {"type": kind, **more}})


def _message(reason: str, *content: Any, **more: Any) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 2}
    message = {"model": "claude-x", "content": content, "stop_reason": reason}
    return _anthropic("succeeded", message={**message, "usage": usage, **more})


def _error(kind: str, **more: Any) -> bytes:
    error = {"type": kind, "message": "No.", **more}
    return _anthropic("errored", error={"type": "error", "error": error})


DISABLED = {"error_code": "workspace_human_review_disabled"}
TEXT = {"type": "text", "text": "Yes."}
TOOL = {"type": "tool_use", "name": "answer", "input": {"label": "a"}}


class TestAnthropic(VendorConformance):
    """Anthropic, against the sandbox."""

    vendor = "anthropic"
    model = "claude-sonnet-4-5"
    kill_every = 3
    examples = (
        Example(Outcome.SUCCEEDED, _message("end_turn", TEXT)),
        Example(Outcome.SUCCEEDED, _message("tool_use", TOOL)),
        Example(Outcome.TRUNCATED, _message("max_tokens", TEXT)),
        Example(
            Outcome.REFUSED, _message("refusal", stop_details={"explanation": "No."})
        ),
        Example(Outcome.ERRORED, _error("invalid_request_error")),
        Example(Outcome.ERRORED, _error("invalid_request_error", details=DISABLED)),
        Example(Outcome.ERRORED, _error("overloaded_error"), retryable=True),
        Example(Outcome.EXPIRED, _anthropic("expired"), retryable=True),
        Example(Outcome.CANCELLED, _anthropic("canceled")),
    )

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)


def _gemini(**members: Any) -> bytes:
    return orjson.dumps({"key": "row-1", **members})


def _candidate(reason: str, *parts: Any, **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}
    response = {"candidates": [{**candidate, **more}], "usageMetadata": usage}
    return _gemini(response={**response, "modelVersion": "gemini-x"})


def _code(code: int) -> bytes:
    return _gemini(error={"code": code, "message": "No."})


CALL = {"functionCall": {"name": "answer", "args": {"label": "a"}}}
BLOCKED = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
VECTOR = {"embedding": {"values": [0.5]}, "usageMetadata": {"promptTokenCount": 3}}
VECTOR["usageMetadata"]["totalTokenCount"] = 3


class TestGemini(FormatConformance, ClientConformance):
    """Gemini, against the sandbox."""

    vendor = "gemini"
    model = "gemini-2.5-flash"
    examples = (
        Example(Outcome.SUCCEEDED, _candidate("STOP", {"text": "Yes."})),
        Example(Outcome.SUCCEEDED, _candidate("STOP", CALL)),
        Example(Outcome.SUCCEEDED, _gemini(response=VECTOR)),
        Example(Outcome.TRUNCATED, _candidate("MAX_TOKENS", {"text": "Ye"})),
        Example(Outcome.REFUSED, _candidate("SAFETY", finishMessage="No.")),
        Example(Outcome.REFUSED, _candidate("RECITATION")),
        Example(Outcome.REFUSED, _gemini(response=BLOCKED)),
        Example(Outcome.INVALID, _candidate("MALFORMED_FUNCTION_CALL")),
        Example(Outcome.ERRORED, _candidate("OTHER"), retryable=True),
        Example(Outcome.ERRORED, _code(3)),
        Example(Outcome.ERRORED, _code(13), retryable=True),
        Example(Outcome.ERRORED, _code(503), retryable=True),
        Example(Outcome.EXPIRED, _code(4), retryable=True),
        Example(Outcome.CANCELLED, _code(1)),
    )

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)


def _routed(body: Any = None, **error: Any) -> bytes:
    response = body and {"status_code": 200, "request_id": "r", "body": body}
    line = {"id": "r", "custom_id": "row-1", "response": response}
    return orjson.dumps({**line, "error": error or None})


def _lasting(word: str) -> bytes:
    return _routed(message="No.", param=None, type=word, error_type=word)


VECTORS = {
    "data": [{"embedding": [0.5], "index": 0}],
    "model": "x",
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}


class TestOpenRouter(FormatConformance, ClientConformance):
    """OpenRouter, against the sandbox."""

    vendor = "openrouter"
    model = "openai/gpt-5-mini"
    examples = (
        Example(Outcome.SUCCEEDED, _chat(content="Yes.")),
        Example(Outcome.SUCCEEDED, _routed(VECTORS)),
        Example(Outcome.TRUNCATED, _chat("length", content="Ye")),
        Example(Outcome.ERRORED, _lasting("invalid_request")),
        Example(Outcome.ERRORED, _lasting("provider_overloaded"), retryable=True),
        Example(Outcome.ERRORED, _lasting("timeout"), retryable=True),
    )

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)


class _Runs(PipelineConformance):
    """Runs of a vendor against the sandbox."""

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)


@pytest.mark.long
class TestRunsOfGemini(_Runs):
    """Runs of Gemini's batches, which are found by their name."""

    vendor = "gemini"
    model = "gemini-2.5-flash"


@pytest.mark.long
class TestRunsOfOpenRouter(_Runs):
    """Runs of OpenRouter's batches, which are found by their results."""

    vendor = "openrouter"
    model = "openai/gpt-5-mini"


class TestAnotherPackage(VendorConformance):
    """Acme, whose package is found by its entry point, against a server of its own."""

    vendor = "acme"
    model = "acme-1"
    kill_every = 4
    examples = (
        Example(
            Outcome.SUCCEEDED, b'{"key":"row-1","ok":{"says":"Yes.","used":[3,1]}}'
        ),
        Example(Outcome.ERRORED, b'{"key":"row-1","no":{"why":"bad","again":false}}'),
        Example(
            Outcome.ERRORED,
            b'{"key":"row-1","no":{"why":"busy","again":true}}',
            retryable=True,
        ),
        Example(Outcome.CANCELLED, b'{"key":"row-1","no":{"why":"halted"}}'),
    )

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _package(cls, install: Callable[[str], None]) -> None:
        """Install the package for these tests."""
        install("acme = fake_vendor:VENDOR")

    @pytest.fixture
    def server(self) -> Iterator[VendorServer]:
        """Run Acme's API."""
        from fake_server import AcmeServer

        with AcmeServer() as server:
            yield server


@pytest.mark.long
class TestAnotherPackageWhole(TestAnotherPackage):
    """The same, killed at every step."""

    kill_every = 1


@pytest.mark.long
class TestRunsOfOpenAI(_Runs):
    """Runs of OpenAI's batches, killed at every step."""

    vendor = "openai"
    model = "gpt-5-mini"


@pytest.mark.long
class TestRunsOfAnthropic(_Runs):
    """Runs of Anthropic's batches, killed at every step."""

    vendor = "anthropic"
    model = "claude-sonnet-4-5"
