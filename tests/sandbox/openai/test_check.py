"""The whole-file check: one bad line refuses the batch, and says which."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchwright.sandbox import Sandbox


def _without(line: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != name}


def _case(chat: Any, case: str) -> Any:
    good = chat("row-1")
    cases: dict[str, Any] = {
        "not json": b'{"custom_id": "row-1",',
        "not an object": b"[1, 2]",
        "no custom_id": _without(good, "custom_id"),
        "no method": _without(good, "method"),
        "no url": _without(good, "url"),
        "no body": _without(good, "body"),
        "no model": {**good, "body": _without(good["body"], "model")},
        "no messages": {**good, "body": _without(good["body"], "messages")},
        "wrong url": {**good, "url": "/v1/embeddings"},
        "wrong method": {**good, "method": "GET"},
        "foreign model": chat("row-1", model="claude-sonnet-4-5"),
        "second model": chat("row-1", model="gpt-4o"),
        "twice": chat("row-0"),
        "streaming": chat("row-1", stream=True),
        "blank": b"",
    }
    return cases[case]


CODES = [
    ("not json", "invalid_json_line", None),
    ("not an object", "invalid_json_line", None),
    ("blank", "invalid_json_line", None),
    ("no custom_id", "missing_required_parameter", "custom_id"),
    ("no method", "missing_required_parameter", "method"),
    ("no url", "missing_required_parameter", "url"),
    ("no body", "missing_required_parameter", "body"),
    ("no model", "invalid_request", "body.model"),
    ("no messages", "invalid_request", "body.messages"),
    ("wrong url", "invalid_url", "url"),
    ("wrong method", "invalid_method", "method"),
    ("foreign model", "model_not_found", "body.model"),
    ("second model", "mismatched_model", "body.model"),
    ("twice", "duplicate_custom_id", "custom_id"),
    ("streaming", "streaming_unsupported", "body.stream"),
]


@pytest.mark.parametrize(("case", "code", "param"), CODES)
def test_every_mistake_has_its_code_and_line(
    clients: Any, chat: Any, case: str, code: str, param: str | None
) -> None:
    """The error names code, parameter and 1-based line, and nothing ran."""
    batch = clients.run([chat("row-0"), _case(chat, case), chat("row-2")])
    assert batch.status == "failed"
    assert batch.in_progress_at is None
    assert batch.failed_at is not None
    assert batch.output_file_id is None
    assert batch.request_counts.total == 0
    found = [(error.code, error.param, error.line) for error in batch.errors.data]
    assert (code, param, 2) in found


def test_all_bad_lines_are_reported(clients: Any, chat: Any) -> None:
    """Several mistakes give several errors, in the order of the lines."""
    lines = [b"{", chat("a"), b"[]", chat("a"), {"custom_id": "b"}]
    batch = clients.run(lines)
    assert [error.line for error in batch.errors.data] == [1, 3, 4, 5, 5, 5]


def test_a_byte_order_mark_is_a_bad_first_line(clients: Any, chat: Any) -> None:
    """As in production, a BOM makes line 1 unreadable."""
    batch = clients.run([b"\xef\xbb\xbf" + orjson.dumps(chat())])
    assert (batch.errors.data[0].code, batch.errors.data[0].line) == (
        "invalid_json_line",
        1,
    )


def test_an_unknown_file_fails_after_the_create_call(clients: Any) -> None:
    """The create call answers 200; the batch fails later, naming the file."""
    batch = clients.openai.batches.create(
        input_file_id="file-nothing",
        endpoint="/v1/chat/completions",
        completion_window="24h",
    )
    clients.sandbox.settle()
    batch = clients.openai.batches.retrieve(batch.id)
    assert batch.status == "failed"
    assert batch.errors.data[0].param == "file_id"
    assert batch.errors.data[0].line is None


def test_too_many_requests_are_refused(connect: Any, chat: Any) -> None:
    """One request more than the limit refuses the batch; the limit itself is fine."""
    with Sandbox(faults={"limits": {"openai_requests": 3}}) as sandbox:
        clients = connect(sandbox)
        batch = clients.run([chat(f"row-{i}") for i in range(3)])
        assert batch.status == "completed"
        batch = clients.run([chat(f"row-{i}") for i in range(4)])
        assert batch.errors.data[0].code == "too_many_tasks"


def test_too_many_bytes_are_refused(connect: Any, chat: Any) -> None:
    """One byte more than the limit refuses the batch; the limit itself is fine."""
    size = len(orjson.dumps(chat())) + 1
    for limit, status in ((size, "completed"), (size - 1, "failed")):
        with Sandbox(faults={"limits": {"openai_bytes": limit}}) as sandbox:
            assert connect(sandbox).run([chat()]).status == status


def test_only_the_listed_models_exist(connect: Any, chat: Any) -> None:
    """With `models`, any other name is not found."""
    with Sandbox(faults={"models": ["gpt-4o-mini"]}) as sandbox:
        clients = connect(sandbox)
        assert clients.run([chat()]).status == "completed"
        batch = clients.run([chat(model="gpt-nothing")])
        assert batch.errors.data[0].code == "model_not_found"


def test_open_batches_use_up_the_token_limit(connect: Any, chat: Any) -> None:
    """A batch over the enqueued limit fails; once the others ended, it fits."""
    line = chat(messages=[{"role": "user", "content": "x" * 4000}])
    faults = {
        "limits": {"openai_enqueued_tokens": 1500, "release_lag_seconds": 60},
        "durations": {"in_progress": 3600},
    }
    with Sandbox(faults=faults) as sandbox:
        clients = connect(sandbox)
        first = clients.create([line])
        sandbox.backend.worker.wait_idle()
        second = clients.create([line])
        sandbox.settle()
        assert clients.openai.batches.retrieve(first).status == "completed"
        failed = clients.openai.batches.retrieve(second)
        assert failed.errors.data[0].code == "token_limit_exceeded"
        assert failed.errors.data[0].line is None
        assert clients.run([line]).status == "failed"
        sandbox.advance(60)
        assert clients.run([line]).status == "completed"
