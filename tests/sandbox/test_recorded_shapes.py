"""The exchanges that real clients have with the APIs: every response has its form.

The table holds the members of real responses with their types; None is null. Members
that the APIs have gained since are in `NEWER`: real responses of early 2025 lack them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest

from batchwright.sandbox import Sandbox

_FILE = {
    "object": str,
    "id": str,
    "purpose": str,
    "filename": str,
    "bytes": int,
    "created_at": int,
    "status": str,
    "status_details": None,
}
_OPENAI_BATCH = {
    "id": str,
    "object": str,
    "endpoint": str,
    "errors": None,
    "input_file_id": str,
    "completion_window": str,
    "status": str,
    "output_file_id": None,
    "error_file_id": None,
    "created_at": int,
    "in_progress_at": None,
    "expires_at": int,
    "finalizing_at": None,
    "completed_at": None,
    "failed_at": None,
    "expired_at": None,
    "cancelling_at": None,
    "cancelled_at": None,
    "request_counts": {"total": int, "completed": int, "failed": int},
    "metadata": {"request_file": str},
}
_RUNNING = {**_OPENAI_BATCH, "in_progress_at": int}
_FINALIZING = {**_RUNNING, "finalizing_at": int}
_ANTHROPIC_BATCH = {
    "id": str,
    "type": str,
    "processing_status": str,
    "request_counts": {
        "processing": int,
        "succeeded": int,
        "errored": int,
        "canceled": int,
        "expired": int,
    },
    "ended_at": None,
    "created_at": str,
    "expires_at": str,
    "archived_at": None,
    "cancel_initiated_at": None,
    "results_url": None,
}
_CHAT_LINE = {
    "id": str,
    "custom_id": str,
    "response": {
        "status_code": int,
        "request_id": str,
        "body": {
            "id": str,
            "object": str,
            "created": int,
            "model": str,
            "choices": [
                {
                    "index": int,
                    "message": {"role": str, "content": str, "refusal": None},
                    "logprobs": None,
                    "finish_reason": str,
                }
            ],
            "usage": {
                "prompt_tokens": int,
                "completion_tokens": int,
                "total_tokens": int,
                "prompt_tokens_details": {"cached_tokens": int, "audio_tokens": int},
                "completion_tokens_details": {
                    "reasoning_tokens": int,
                    "audio_tokens": int,
                    "accepted_prediction_tokens": int,
                    "rejected_prediction_tokens": int,
                },
            },
            "service_tier": str,
            "system_fingerprint": None,
        },
    },
    "error": None,
}


def _message_line(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {
        "custom_id": str,
        "result": {
            "type": str,
            "message": {
                "id": str,
                "type": str,
                "role": str,
                "model": str,
                "content": list(blocks),
                "stop_reason": str,
                "stop_sequence": None,
                "usage": {
                    "input_tokens": int,
                    "cache_creation_input_tokens": int,
                    "cache_read_input_tokens": int,
                    "output_tokens": int,
                },
            },
        },
    }


_TEXT = {"type": str, "text": str}
_THINKING = {"type": str, "thinking": str, "signature": str}
SHAPES: dict[str, Any] = {
    "openai file": _FILE,
    "openai validating": _OPENAI_BATCH,
    "openai in_progress": _RUNNING,
    "openai finalizing": _FINALIZING,
    "openai completed": {**_FINALIZING, "completed_at": int, "output_file_id": str},
    "openai cancelling": {**_OPENAI_BATCH, "cancelling_at": int},
    "openai line": _CHAT_LINE,
    "anthropic in_progress": _ANTHROPIC_BATCH,
    "anthropic canceling": {**_ANTHROPIC_BATCH, "cancel_initiated_at": str},
    "anthropic ended": {**_ANTHROPIC_BATCH, "ended_at": str, "results_url": str},
    "anthropic line": _message_line(_TEXT),
    "anthropic thinking line": _message_line(_THINKING, _TEXT),
}
"""By vendor and state, the responses of uploads, batches and results."""

NEWER = {
    "expires_at",  # of files
    "model",  # of batches
    "usage",
    "annotations",
    "cache_creation",
    "citations",
    "container",
    "inference_geo",
    "output_tokens_details",
    "server_tool_use",
    "service_tier",
    "stop_details",
}


def _differences(found: Any, shape: Any, path: str = "") -> list[str]:
    """Return where a response departs from a shape."""
    if isinstance(shape, dict) and isinstance(found, dict):
        names = found.keys() - shape.keys() - NEWER
        told = [f"{path}.{name} is not in the shape" for name in sorted(names)]
        for name, inner in shape.items():
            if name not in found:
                told.append(f"{path}.{name} is missing")
            else:
                told += _differences(found[name], inner, f"{path}.{name}")
        return told
    if isinstance(shape, list) and isinstance(found, list):
        if len(found) != len(shape):
            return [f"{path} has {len(found)} items"]
        pairs = zip(found, shape, strict=True)
        parts = [_differences(*pair, f"{path}[{i}]") for i, pair in enumerate(pairs)]
        return [each for part in parts for each in part]
    if shape is None:
        return [] if found is None else [f"{path} is not null"]
    is_right = isinstance(shape, type) and type(found) is shape
    return [] if is_right else [f"{path} is {found!r}"]


THINKING = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    """A client without any SDK between it and the wire."""
    headers = {"authorization": "Bearer some-key", "anthropic-version": "2023-06-01"}
    with httpx2.Client(base_url=sandbox.url, headers=headers) as client:
        yield client


def _same(found: Any, name: str) -> Any:
    assert _differences(found, SHAPES[name]) == []
    return found


def _upload(http: httpx2.Client, content: bytes, name: str = "upload") -> Any:
    return http.post(
        "/openai/v1/files",
        data={"purpose": "batch"},
        files={"file": (name, content, "application/octet-stream")},
    )


def _create(http: httpx2.Client, chat: Any) -> str:
    file = _same(_upload(http, orjson.dumps(chat("0"))).json(), "openai file")
    _same(http.get(f"/openai/v1/files/{file['id']}").json(), "openai file")
    body = {
        "completion_window": "24h",
        "endpoint": "/v1/chat/completions",
        "input_file_id": file["id"],
        "metadata": {"request_file": "requests_0.jsonl"},
    }
    batch = http.post("/openai/v1/batches", json=body).json()
    return str(_same(batch, "openai validating")["id"])


def test_an_openai_batch_that_completes(
    sandbox: Sandbox, http: httpx2.Client, chat: Any
) -> None:
    """Upload without a file name, creation, each state, and the output."""
    durations = {"validating": 100, "in_progress": 100, "finalizing": 100}
    sandbox.set_faults({"durations": durations})
    url = f"/openai/v1/batches/{_create(http, chat)}"
    assert sandbox.backend.worker.wait_idle(60)
    for state in ("validating", "in_progress", "finalizing", "completed"):
        batch = http.get(url).json()
        assert batch["status"] == state
        _same(batch, f"openai {state}")
        sandbox.advance(101)
    content = http.get(f"/openai/v1/files/{batch['output_file_id']}/content")
    assert content.headers["content-type"] == "application/octet-stream"
    _same(orjson.loads(content.content), "openai line")


def test_an_openai_batch_that_is_cancelled(
    sandbox: Sandbox, http: httpx2.Client, chat: Any
) -> None:
    """The cancel call shows a batch that never came to run."""
    sandbox.set_faults({"durations": {"validating": 100, "cancelling": 60}})
    batch_id = _create(http, chat)
    batch = http.post(f"/openai/v1/batches/{batch_id}/cancel").json()
    assert _same(batch, "openai cancelling")["status"] == "cancelling"


@pytest.mark.parametrize("thinking", [False, True])
def test_an_anthropic_batch_that_ends(
    sandbox: Sandbox, http: httpx2.Client, message: Any, *, thinking: bool
) -> None:
    """Creation, polling, the end, and a line with or without thinking."""
    options = {"thinking": THINKING, "max_tokens": 2000} if thinking else {}
    body = {"requests": [message("0", **options)]}
    batch = http.post("/anthropic/v1/messages/batches", json=body).json()
    url = f"/anthropic/v1/messages/batches/{batch['id']}"
    _same(batch, "anthropic in_progress")
    _same(http.get(url).json(), "anthropic in_progress")
    sandbox.settle()
    batch = _same(http.get(url).json(), "anthropic ended")
    line = orjson.loads(http.get(batch["results_url"]).content)
    _same(line, "anthropic thinking line" if thinking else "anthropic line")


def test_an_anthropic_batch_that_is_cancelled(
    sandbox: Sandbox, http: httpx2.Client, message: Any
) -> None:
    """The cancel call shows when it was asked for."""
    sandbox.set_faults({"durations": {"in_progress": 100, "cancelling": 60}})
    body = {"requests": [message("0")]}
    batch = http.post("/anthropic/v1/messages/batches", json=body).json()
    url = f"/anthropic/v1/messages/batches/{batch['id']}/cancel"
    assert _same(http.post(url).json(), "anthropic canceling")["results_url"] is None


def test_the_shapes_tell_differences() -> None:
    """A missing member, a further one, a type and a null are each reported."""
    shape = {"a": str, "b": None, "c": [{"d": int}]}
    assert _differences({"a": "x", "b": None, "c": [{"d": 1}]}, shape) == []
    odd = {"a": None, "c": [{"d": True, "e": 1}]}
    assert len(_differences(odd, shape)) == 4


@pytest.mark.parametrize("name", ["notes.txt", "requests.json"])
def test_a_file_with_another_extension(http: httpx2.Client, name: str) -> None:
    """It is refused with the members that the real refusal has."""
    answer = _upload(http, b"{}", name)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": f"Invalid file format for Batch API: '{name}'. Must be .jsonl",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
