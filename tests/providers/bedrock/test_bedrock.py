"""Bedrock's jobs: the conformance suite, and boto3 as the judge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from batchwright.errors import (
    InputError,
    MissingKeyError,
    RejectedError,
    ResultsGoneError,
)
from batchwright.models import Batch, BatchStatus, Intent, Outcome, RequestTemplate
from batchwright.providers import Provider, get_provider
from batchwright.providers.conformance import (
    ClientConformance,
    Example,
    FormatConformance,
    PipelineConformance,
    VendorServer,
)
from batchwright.sandbox import Sandbox
from tests.providers.bedrock.bedrock_server import BedrockServer

MODEL = "anthropic.claude-sonnet-5-v1:0"
USER = [{"role": "user", "content": "Hi."}]


def _line(member: str, value: Any) -> bytes:
    asked = {"messages": [{"role": "user", "content": [{"text": "Hi."}]}]}
    return orjson.dumps({"modelInput": asked, member: value, "recordId": "row-1"})


def _converse(reason: str, *content: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    usage = {"inputTokens": 9, "outputTokens": 2, "totalTokens": 11}
    answer = {"output": {"message": message}, "stopReason": reason, "usage": usage}
    return _line("modelOutput", answer)


def _claude(reason: str) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 2}
    text = [{"type": "text", "text": "Yes."}]
    message = {"content": text, "stop_reason": reason, "usage": usage, "model": "c"}
    return _line("modelOutput", message)


def _error(code: Any, message: str = "No.") -> bytes:
    return _line("error", {"errorCode": code, "errorMessage": message})


THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hm."}}}
TITAN = {"tokenCount": 2, "outputText": "Yes.", "completionReason": "FINISH"}
LLAMA = {"generation": "Yes.", "prompt_token_count": 9, "generation_token_count": 2}
VECTOR = {"embedding": [0.5, 1.0], "inputTextTokenCount": 9}
COUNTS = {"usage": {"prompt_tokens": 9, "completion_tokens": 2}}
CHAT = {"message": {"content": "Yes."}, "finish_reason": "stop"}


class _Bedrock:
    vendor = "bedrock"
    model = MODEL

    @pytest.fixture
    def server(self, sandbox: Sandbox, bucket: str) -> VendorServer:
        """Give the sandbox and a bucket."""
        return BedrockServer(sandbox, bucket)


class TestFormat(_Bedrock, FormatConformance):
    """Bedrock's lines."""

    examples = (
        Example(Outcome.SUCCEEDED, _converse("end_turn", {"text": "Yes."})),
        Example(Outcome.SUCCEEDED, _converse("end_turn", THOUGHT, {"text": "Yes."})),
        Example(Outcome.SUCCEEDED, _claude("end_turn")),
        Example(
            Outcome.SUCCEEDED,
            _line("modelOutput", {"results": [TITAN], "inputTextTokenCount": 9}),
        ),
        Example(
            Outcome.SUCCEEDED, _line("modelOutput", {**LLAMA, "stop_reason": "stop"})
        ),
        Example(Outcome.SUCCEEDED, _line("modelOutput", {"choices": [CHAT], **COUNTS})),
        Example(Outcome.SUCCEEDED, _line("modelOutput", VECTOR)),
        Example(Outcome.TRUNCATED, _converse("max_tokens", {"text": "Ye"})),
        Example(Outcome.TRUNCATED, _claude("max_tokens")),
        Example(Outcome.REFUSED, _converse("guardrail_intervened", {"text": "No."})),
        Example(Outcome.REFUSED, _claude("refusal")),
        Example(Outcome.INVALID, _converse("end_turn")),
        Example(Outcome.ERRORED, _error(400)),
        Example(Outcome.ERRORED, _error("ValidationException")),
        Example(Outcome.ERRORED, _error(429), retryable=True),
        Example(Outcome.ERRORED, _error("ThrottlingException"), retryable=True),
    )


class TestClient(_Bedrock, ClientConformance):
    """Bedrock's client, against the sandbox and moto."""


@pytest.mark.long
class TestRuns(_Bedrock, PipelineConformance):
    """Runs with Bedrock, killed and without answers."""
