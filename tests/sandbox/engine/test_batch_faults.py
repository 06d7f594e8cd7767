"""What can go wrong with whole batches, their lines and their answers."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import orjson
import pytest

from batchwright.sandbox import Sandbox

BIG = 1 << 40


@pytest.fixture
def clients(sandbox: Sandbox, connect: Any) -> Any:
    """Both SDKs as they are by default: they let odd responses pass."""
    return connect(sandbox, strict=False)


def _shown(clients: Any, batch_id: str) -> dict[str, Any]:
    found = clients.openai.get(f"/batches/{batch_id}", cast_to=httpx2.Response).json()
    assert isinstance(found, dict)
    return found


def _run(
    clients: Any, chat: Any, rule: dict[str, Any], count: int = 10
) -> dict[str, Any]:
    clients.sandbox.set_faults({"batches": [rule]})
    batch_id = clients.create([chat(f"row-{i}") for i in range(count)])
    clients.sandbox.settle()
    return _shown(clients, batch_id)


def _lines(clients: Any, batch: dict[str, Any]) -> list[bytes]:
    output = clients.raw(batch["output_file_id"]) + clients.raw(batch["error_file_id"])
    return [line for line in output.split(b"\n") if line]


def test_a_batch_can_fail_for_any_reason(clients: Any, chat: Any) -> None:
    """The given errors come back as they are, and nothing ran."""
    reason = {"code": "token_limit_exceeded", "message": "later"}
    batch = _run(clients, chat, {"fail": [reason]})
    assert batch["status"] == "failed"
    assert batch["errors"]["data"] == [{**reason, "param": None, "line": None}]


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_a_batch_can_end_early_with_what_ran(clients: Any, chat: Any, end: str) -> None:
    """Part of the requests ran; the others have a line that says why not."""
    batch = _run(clients, chat, {"end": end, "ran": 0.3})
    assert batch["status"] == end
    assert batch[f"{end}_at"] is not None
    assert batch["request_counts"]["completed"] == 3
    codes = [orjson.loads(x)["error"] for x in _lines(clients, batch)]
    assert [code["code"] for code in codes if code] == [f"batch_{end}"] * 7


def test_an_anthropic_batch_can_expire(clients: Any, message: Any) -> None:
    """It is just `ended`; counts and lines tell what expired."""
    clients.sandbox.set_faults({"batches": [{"end": "expired", "ran": 0.5}]})
    batch = clients.run_anthropic([message(f"row-{i}") for i in range(4)])
    assert (batch.request_counts.succeeded, batch.request_counts.expired) == (2, 2)
    assert batch.ended_at == batch.expires_at


def test_a_run_of_more_than_a_day_expires(clients: Any, chat: Any) -> None:
    """What takes longer than the window ends when the window closes."""
    rule = {"durations": {"validating": 0, "in_progress": 4 * 86_400}}
    batch = _run(clients, chat, rule)
    assert batch["status"] == "expired"
    assert batch["expired_at"] == batch["expires_at"] == batch["created_at"] + 86_400
    assert batch["request_counts"]["completed"] == 2


def test_finalizing_can_last(clients: Any, chat: Any) -> None:
    """All requests are done and the batch still is not: no file IDs yet."""
    durations = {"validating": 0, "in_progress": 0, "finalizing": 3600}
    clients.sandbox.set_faults({"batches": [{"durations": durations}]})
    batch_id = clients.create([chat()])
    clients.sandbox.backend.worker.wait_idle()
    batch = _shown(clients, batch_id)
    assert batch["status"] == "finalizing"
    assert batch["request_counts"] == {"total": 1, "completed": 1, "failed": 0}
    assert batch["output_file_id"] is None


SHAPES = [
    ({"counts": "null"}, lambda b: b["request_counts"] is None),
    ({"counts": "missing"}, lambda b: "request_counts" not in b),
    ({"counts": "zero"}, lambda b: set(b["request_counts"].values()) == {0}),
    ({"counts": "null_members"}, lambda b: set(b["request_counts"].values()) == {None}),
    ({"metadata": "null"}, lambda b: b["metadata"] is None),
    ({"metadata": "missing"}, lambda b: "metadata" not in b),
    ({"expires_at": "null"}, lambda b: b["expires_at"] is None),
    ({"error_file": "missing"}, lambda b: "error_file_id" not in b),
    ({"error_file": "empty_string"}, lambda b: b["error_file_id"] == ""),
    ({"error_file": "zero_bytes"}, lambda b: b["error_file_id"].startswith("file-")),
]


@pytest.mark.parametrize(("rule", "holds"), SHAPES)
def test_members_can_be_null_missing_or_empty(
    clients: Any, chat: Any, rule: dict[str, Any], holds: Any
) -> None:
    """Every odd shape of a batch object that clients have met."""
    assert holds(_run(clients, chat, rule))


def test_a_zero_byte_error_file_can_be_downloaded(clients: Any, chat: Any) -> None:
    """The file exists and is empty."""
    batch = _run(clients, chat, {"error_file": "zero_bytes"})
    assert clients.raw(batch["error_file_id"]) == b""


def test_an_unknown_status_shows_while_it_runs(clients: Any, chat: Any) -> None:
    """A word that no client knows, until the batch has ended."""
    rule = {"status": "napping", "durations": {"in_progress": 3600}}
    clients.sandbox.set_faults({"batches": [rule]})
    batch_id = clients.create([chat()])
    assert _shown(clients, batch_id)["status"] == "napping"
    clients.sandbox.settle()
    assert _shown(clients, batch_id)["status"] == "completed"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://evil.example/ID?sig={x}", "http://evil.example/{}?sig={{x}}"),
        ("/v1/messages/batches/ID/results", "/v1/messages/batches/{}/results"),
        ("http://HOST/ID", "http://{host}/{}"),
    ],
)
def test_the_results_url_can_lead_anywhere(
    clients: Any, message: Any, url: str, shown: str
) -> None:
    """A foreign host, a query, braces or a relative path."""
    clients.sandbox.set_faults({"batches": [{"results_url": url}]})
    batch = clients.run_anthropic([message()])
    host = clients.sandbox.url.removeprefix("http://")
    assert batch.results_url == shown.format(batch.id, host=host)


def test_lines_can_be_missing_doubled_and_foreign(clients: Any, chat: Any) -> None:
    """Each kind happens to the lines it was asked for."""
    lines = {
        "shuffle": False,
        "missing": {"nth": [1]},
        "duplicate": {"nth": [2]},
        "foreign_id": {"nth": [3]},
        "null_id": {"nth": [4]},
    }
    batch = _run(clients, chat, {"lines": lines}, count=5)
    ids = [orjson.loads(line)["custom_id"] for line in _lines(clients, batch)]
    assert ids == ["row-1", "row-1", "foreign-3", None, "row-4"]


FRAMES: list[tuple[dict[str, Any], Any]] = [
    ({"bom": True}, lambda raw: raw.startswith(b"\xef\xbb\xbf{")),
    ({"crlf": True}, lambda raw: raw.count(b"\r\n") == 10),
    ({"blank_lines": True}, lambda raw: raw.count(b"\n\n") == 3),
    ({"end": "none"}, lambda raw: raw.endswith(b"}")),
    ({"end": "double"}, lambda raw: raw.endswith(b"}\n\n")),
]


@pytest.mark.parametrize(("lines", "holds"), FRAMES)
def test_a_file_can_be_framed_oddly(
    clients: Any, chat: Any, message: Any, lines: dict[str, Any], holds: Any
) -> None:
    """Marks, line ends and blank lines of both providers' result files."""
    batch = _run(clients, chat, {"lines": lines})
    assert holds(clients.raw(batch["output_file_id"]))
    ended = clients.run_anthropic([message(f"row-{i}") for i in range(10)])
    assert holds(clients.anthropic_raw(ended.id))


def _spoilt(clients: Any, chat: Any, fault: dict[str, Any], **body: Any) -> bytes:
    clients.sandbox.set_faults({"batches": [{"answers": [fault]}]})
    batch_id = clients.create([chat(**body)])
    clients.sandbox.settle()
    (line,) = _lines(clients, _shown(clients, batch_id))
    return bytes(line)


def _choice(line: bytes) -> Any:
    return json.loads(line, strict=False)["response"]["body"]["choices"][0]


def _usage(line: bytes) -> Any:
    return json.loads(line)["response"]["body"]["usage"]


def _text(line: bytes) -> str:
    return str(_choice(line)["message"]["content"])


LABEL = {"type": "string", "enum": ["spam", "work"]}
FORM = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"label": LABEL},
            "required": ["label"],
            "additionalProperties": False,
        },
    },
}
ANSWERS: list[tuple[str, Any]] = [
    (
        "refusal",
        lambda x: (
            _choice(x)["message"]["refusal"] and not _choice(x)["message"]["content"]
        ),
    ),
    ("truncated", lambda x: _choice(x)["finish_reason"] == "length"),
    ("content_filter", lambda x: _choice(x)["finish_reason"] == "content_filter"),
    ("empty", lambda x: _text(x) == ""),
    ("wrong_shape", lambda x: "label" not in json.loads(_text(x))),
    ("enum_case", lambda x: json.loads(_text(x))["label"].isupper()),
    ("extra_keys", lambda x: len(json.loads(_text(x))) == 2),
    ("nan", lambda x: "NaN" in _text(x)),
    ("duplicate_keys", lambda x: _text(x).count('"label"') == 2),
    ("big_int", lambda x: json.loads(_text(x))["big"] > BIG),
    ("lone_surrogate", lambda x: "\ud800" in json.loads(_text(x))["half_a_pair"]),
    ("separators", lambda x: "\u2028".encode() in x and "\u0085".encode() in x),
    ("control_characters", lambda x: b"\x01" in x),
    ("huge", lambda x: len(x) > 5_000_000),
    ("deep", lambda x: x.count(b"[[[[") > 200),
    ("usage_null", lambda x: _usage(x) is None),
    ("usage_empty", lambda x: _usage(x) == {}),
    ("usage_float", lambda x: _usage(x)["prompt_tokens"] % 1 == 0.5),
    ("usage_text", lambda x: _usage(x)["prompt_tokens"].isdigit()),
    ("usage_negative", lambda x: _usage(x)["completion_tokens"] < 0),
    (
        "usage_cached",
        lambda x: (
            _usage(x)["prompt_tokens_details"]["cached_tokens"]
            > _usage(x)["prompt_tokens"]
        ),
    ),
    ("two_answers", lambda x: len(orjson.loads(x)["response"]["body"]["choices"]) == 2),
    ("null_response", lambda x: orjson.loads(x)["response"] is None),
    ("both_null", lambda x: orjson.loads(x)["error"] is None),
    ("status_zero", lambda x: orjson.loads(x)["response"]["status_code"] == 0),
    ("expired", lambda x: orjson.loads(x)["error"]["code"] == "batch_expired"),
    ("cancelled", lambda x: orjson.loads(x)["error"]["code"] == "batch_cancelled"),
]


@pytest.mark.parametrize(("kind", "holds"), ANSWERS)
def test_an_answer_can_be_of_no_use(
    clients: Any, chat: Any, kind: str, holds: Any
) -> None:
    """Every kind of unusable answer, in a line of its own."""
    assert holds(_spoilt(clients, chat, {"kind": kind}, response_format=FORM))


def test_separators_leave_an_answer_valid(clients: Any, chat: Any) -> None:
    """They stand inside a string value, where JSON allows them raw."""
    schema = {
        "type": "object",
        "properties": {"summary": {"type": "string"}},
        "required": ["summary"],
        "additionalProperties": False,
    }
    inner = {"name": "answer", "strict": True, "schema": schema}
    form = {"type": "json_schema", "json_schema": inner}
    line = _spoilt(clients, chat, {"kind": "separators"}, response_format=form)
    assert "\u2028".encode() in line
    assert "\u2028" in json.loads(_text(line))["summary"]


def test_invalid_json_does_not_parse(clients: Any, chat: Any) -> None:
    """The text of the answer is no JSON, while the line itself is."""
    line = _spoilt(clients, chat, {"kind": "invalid_json"}, response_format=FORM)
    with pytest.raises(json.JSONDecodeError):
        json.loads(_text(line))


RESPONSES: list[tuple[str, Any]] = [
    (
        "truncated",
        lambda body: body["incomplete_details"]["reason"] == "max_output_tokens",
    ),
    (
        "content_filter",
        lambda body: body["incomplete_details"]["reason"] == "content_filter",
    ),
    ("failed", lambda body: body["status"] == "failed" and body["error"]),
    ("commentary", lambda body: body["output"][0]["phase"] == "commentary"),
    ("refusal", lambda body: body["output"][0]["content"][0]["type"] == "refusal"),
]


@pytest.mark.parametrize(("kind", "holds"), RESPONSES)
def test_the_responses_api_has_its_own_ways_to_fail(
    clients: Any, kind: str, holds: Any
) -> None:
    """Statuses and phases that a line with status 200 may carry."""
    clients.sandbox.set_faults({"batches": [{"answers": [{"kind": kind}]}]})
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "gpt-5-mini", "input": "hi"},
    }
    results = clients.results(clients.run([line], "/v1/responses"))
    assert holds(results["a"]["response"]["body"])


MESSAGES: list[tuple[dict[str, Any], Any]] = [
    ({"kind": "refusal"}, lambda r: r["message"]["stop_reason"] == "refusal"),
    ({"kind": "truncated"}, lambda r: r["message"]["stop_reason"] == "max_tokens"),
    ({"kind": "empty"}, lambda r: r["message"]["content"] == []),
    ({"kind": "expired"}, lambda r: r == {"type": "expired"}),
    ({"kind": "cancelled"}, lambda r: r == {"type": "canceled"}),
    ({"kind": "unknown_type"}, lambda r: r == {"type": "postponed"}),
    ({"status": 529}, lambda r: r["error"]["error"]["type"] == "overloaded_error"),
    ({"status": 500}, lambda r: r["error"]["error"]["type"] == "api_error"),
    ({"status": 400}, lambda r: r["error"]["error"]["type"] == "invalid_request_error"),
]


@pytest.mark.parametrize(("fault", "holds"), MESSAGES)
def test_anthropic_answers_fail_in_their_own_words(
    clients: Any, message: Any, fault: dict[str, Any], holds: Any
) -> None:
    """Stop reasons, result types and error types of this API."""
    clients.sandbox.set_faults({"batches": [{"answers": [fault]}]})
    batch = clients.run_anthropic([message()])
    assert holds(orjson.loads(clients.anthropic_raw(batch.id))["result"])


def test_errors_can_be_mixed_by_status(clients: Any, chat: Any) -> None:
    """Rules pick lines by their number; the first that picks one counts."""
    answers = [{"every": 5, "status": 429}, {"every": 2, "status": 500}]
    batch = _run(clients, chat, {"answers": answers})
    found = [orjson.loads(line) for line in _lines(clients, batch)]
    statuses = {x["custom_id"]: x["response"]["status_code"] for x in found}
    numbers = [statuses[f"row-{i}"] for i in range(10)]
    assert numbers == [200, 500, 200, 500, 429, 500, 200, 500, 200, 429]
    assert batch["request_counts"] == {"total": 10, "completed": 4, "failed": 6}


def test_only_the_batch_that_was_picked_is_hit(clients: Any, chat: Any) -> None:
    """`nth` counts batches from the moment the faults were set."""
    clients.sandbox.set_faults(
        {"batches": [{"nth": [2], "answers": [{"status": 500}]}]}
    )
    failed = [clients.run([chat()]).request_counts.failed for _ in range(3)]
    assert failed == [0, 1, 0]
