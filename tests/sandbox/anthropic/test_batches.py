"""The sandbox as the official Anthropic SDK sees it."""

from __future__ import annotations

from typing import Any

import anthropic
import orjson
import pytest
from jsonschema import Draft202012Validator

from batchwright.sandbox import Sandbox

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["spam", "work", "family"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "required": ["label", "tags"],
    "additionalProperties": False,
}


def test_a_batch_goes_from_create_to_results(clients: Any, message: Any) -> None:
    """Create, wait and read results work with responses validated strictly."""
    batch = clients.run_anthropic([message(f"row-{i}") for i in range(20)])
    assert batch.processing_status == "ended"
    assert "sandbox" in batch.id
    assert batch.request_counts.succeeded == 20
    assert batch.ended_at > batch.created_at
    assert (batch.expires_at - batch.created_at).total_seconds() == 86_400
    results = list(clients.anthropic.messages.batches.results(batch.id))
    assert {each.custom_id for each in results} == {f"row-{i}" for i in range(20)}
    assert [each.custom_id for each in results] != [f"row-{i}" for i in range(20)]
    assert all(each.result.message.usage.service_tier == "batch" for each in results)
    assert "Synthetic" in results[0].result.message.content[0].text


def test_all_ten_members_are_there_while_it_runs(clients: Any, message: Any) -> None:
    """Before the end everything counts as processing, and there is no results URL."""
    clients.sandbox.set_faults({"durations": {"in_progress": 3600}})
    batch = clients.anthropic.messages.batches.create(requests=[message()])
    shown = batch.to_dict(mode="json")
    assert shown.keys() == {
        "id",
        "type",
        "processing_status",
        "request_counts",
        "created_at",
        "expires_at",
        "ended_at",
        "cancel_initiated_at",
        "archived_at",
        "results_url",
    }
    assert shown["processing_status"] == "in_progress"
    assert shown["request_counts"]["processing"] == 1
    assert shown["results_url"] is None


FORMS = [
    {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    {
        "tools": [{"name": "answer", "input_schema": SCHEMA, "strict": True}],
        "tool_choice": {"type": "tool", "name": "answer"},
    },
    {"tools": [{"name": "a", "input_schema": SCHEMA}], "tool_choice": {"type": "any"}},
]


@pytest.mark.parametrize("form", FORMS)
def test_answers_satisfy_the_schema_of_the_request(
    clients: Any, message: Any, form: dict[str, Any]
) -> None:
    """However a schema is asked for, the answer is valid for it."""
    batch = clients.run_anthropic([message(**form)])
    (line,) = clients.anthropic.messages.batches.results(batch.id)
    block = line.result.message.content[0]
    if block.type == "tool_use":
        assert line.result.message.stop_reason == "tool_use"
        Draft202012Validator(SCHEMA).validate(block.input)
    else:
        assert line.result.message.stop_reason == "end_turn"
        Draft202012Validator(SCHEMA).validate(orjson.loads(block.text))


BAD_PARAMS = [
    ({"temperature": 0.5, "model": "claude-opus-5"}, "temperature"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"stream": True}, "stream"),
    ({"speed": "fast"}, "speed"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "system", "content": "x"}]}, "system"),
    ({"messages": [{"role": "assistant", "content": "x"}]}, "user"),
    ({"messages": [{"role": "user"}]}, "content"),
    ({"model": "gpt-4o"}, "model"),
    ({"tools": "none"}, "unexpected type"),
    (
        {
            "output_config": {
                "format": {
                    "type": "json_schema",
                    "schema": {"type": "object", "properties": {}},
                }
            }
        },
        "additionalProperties",
    ),
    (
        {
            "model": "claude-3-haiku-20240307",
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        },
        "structured outputs",
    ),
    ({"tool_choice": {"type": "tool", "name": "x"}}, "x"),
]


@pytest.mark.parametrize(("params", "word"), BAD_PARAMS)
def test_bad_parameters_are_errored_lines(
    clients: Any, message: Any, params: dict[str, Any], word: str
) -> None:
    """Parameters are checked when a request runs, so the batch itself is accepted."""
    batch = clients.run_anthropic([message("bad", **params), message("good")])
    assert (batch.request_counts.errored, batch.request_counts.succeeded) == (1, 1)
    lines = [orjson.loads(x) for x in clients.anthropic_raw(batch.id).splitlines()]
    bad = next(line for line in lines if line["custom_id"] == "bad")
    error = bad["result"]["error"]
    assert error["type"] == "error"
    assert error["error"]["type"] == "invalid_request_error"
    assert word in error["error"]["message"]


BAD_ENVELOPES = [
    ([], "at least 1"),
    ([{"custom_id": "a"}], "requests.0.params"),
    ([{"params": {}}], "requests.0.custom_id"),
    ([{"custom_id": "", "params": {}}], "requests.0.custom_id"),
    ([{"custom_id": "a" * 65, "params": {}}], "requests.0.custom_id"),
    ([{"custom_id": "ä", "params": {}}], "requests.0.custom_id"),
    ([{"custom_id": "a", "params": {}, "metadata": {}}], "metadata"),
    ([{"custom_id": "a", "params": {}}] * 2, "requests.1.custom_id"),
]


@pytest.mark.parametrize(("requests", "word"), BAD_ENVELOPES)
def test_a_bad_envelope_is_refused_at_once(
    clients: Any, requests: list[Any], word: str
) -> None:
    """IDs and members are checked synchronously, and no batch exists."""
    with pytest.raises(anthropic.BadRequestError, match=word) as caught:
        clients.anthropic.messages.batches.create(requests=requests)
    assert caught.value.type == "invalid_request_error"
    assert str(caught.value.request_id).startswith("req_sandbox")
    assert clients.sandbox.created() == 0


def test_an_id_of_64_characters_is_accepted(clients: Any, message: Any) -> None:
    """The longest allowed `custom_id` is answered under its own name."""
    batch = clients.run_anthropic([message("a" * 64)])
    (line,) = clients.anthropic.messages.batches.results(batch.id)
    assert line.custom_id == "a" * 64


@pytest.mark.parametrize("limit", ["anthropic_requests", "anthropic_bytes"])
def test_too_much_is_413(connect: Any, message: Any, limit: str) -> None:
    """Requests or bytes over the limit are refused as too large."""
    with Sandbox(faults={"limits": {limit: 1}}) as sandbox:
        with pytest.raises(anthropic.ContentTooLargeError):
            connect(sandbox).run_anthropic([message("a"), message("b")])
        assert sandbox.created() == 0


def test_the_queue_is_limited(connect: Any, message: Any) -> None:
    """Requests of open batches count; once they ended there is room again."""
    faults = {
        "limits": {"anthropic_queued_requests": 2},
        "durations": {"in_progress": 3600},
    }
    with Sandbox(faults=faults) as sandbox:
        clients = connect(sandbox)
        create = clients.anthropic.messages.batches.create
        create(requests=[message("a"), message("b")])
        with pytest.raises(anthropic.RateLimitError) as caught:
            create(requests=[message("c")])
        assert caught.value.response.headers["retry-after"] == "1"
        sandbox.settle()
        create(requests=[message("c")])


def test_cancel_keeps_what_has_run(clients: Any, message: Any) -> None:
    """A canceled batch ends with the lines that ran and a line for each other one."""
    clients.sandbox.set_faults({"durations": {"in_progress": 1000, "cancelling": 60}})
    requests = [message(f"row-{i}") for i in range(10)]
    batch = clients.anthropic.messages.batches.create(requests=requests)
    clients.sandbox.backend.worker.wait_idle()
    clients.sandbox.advance(500)
    batch = clients.anthropic.messages.batches.cancel(batch.id)
    assert batch.processing_status == "canceling"
    assert batch.request_counts.processing == 10
    clients.sandbox.settle()
    batch = clients.anthropic.messages.batches.retrieve(batch.id)
    assert batch.processing_status == "ended"
    assert (batch.request_counts.succeeded, batch.request_counts.canceled) == (5, 5)
    kinds = [
        x.result.type for x in clients.anthropic.messages.batches.results(batch.id)
    ]
    assert sorted(kinds) == ["canceled"] * 5 + ["succeeded"] * 5
    again = clients.anthropic.messages.batches.cancel(batch.id)
    assert again.processing_status == "ended"


def test_results_and_delete_wait_for_the_end(clients: Any, message: Any) -> None:
    """A running batch has no results and cannot be deleted; an ended one can."""
    clients.sandbox.set_faults({"durations": {"in_progress": 3600}})
    batches = clients.anthropic.messages.batches
    batch = batches.create(requests=[message()])
    with pytest.raises(anthropic.BadRequestError):
        clients.anthropic_raw(batch.id)
    with pytest.raises(anthropic.BadRequestError):
        batches.delete(batch.id)
    clients.sandbox.settle()
    assert batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        batches.retrieve(batch.id)


def test_lists_page_both_ways(clients: Any, message: Any) -> None:
    """Pages go from newest to oldest, or with `before_id` back to what is newer."""
    create = clients.anthropic.messages.batches.create
    made = [create(requests=[message()]).id for _ in range(5)]
    listed = clients.anthropic.messages.batches.list(limit=2)
    assert [batch.id for batch in listed] == made[::-1]
    newer = clients.anthropic.messages.batches.list(before_id=made[1], limit=2)
    assert sorted(batch.id for batch in newer) == sorted(made[2:])
    assert [batch.id for batch in newer.data] == [made[3], made[2]]


def test_the_results_url_is_on_the_host_that_was_asked(
    clients: Any, message: Any
) -> None:
    """The SDK follows the URL as it is, so it must lead back here."""
    batch = clients.run_anthropic([message()])
    assert str(batch.results_url).startswith(clients.sandbox.url + "/anthropic/")


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_list_has_at_most_1000_batches(clients: Any, limit: int) -> None:
    """A `limit` outside 1..1000 is a 400."""
    with pytest.raises(anthropic.BadRequestError, match="limit"):
        clients.anthropic.messages.batches.list(limit=limit)


def _only_message(clients: Any, request: dict[str, Any]) -> Any:
    batch = clients.run_anthropic([request])
    (line,) = clients.anthropic.messages.batches.results(batch.id)
    return line.result.message


def test_thinking_comes_first_when_asked_for(clients: Any, message: Any) -> None:
    """The block has a signature, and the answer follows it."""
    thinking = {"type": "enabled", "budget_tokens": 1024}
    found = _only_message(clients, message(thinking=thinking, max_tokens=2000))
    assert [block.type for block in found.content] == ["thinking", "text"]
    assert found.content[0].signature


def test_ids_are_unique_over_batches(clients: Any, message: Any) -> None:
    """The same request in two batches gets the same answer under other IDs."""
    one, other = (_only_message(clients, message()) for _ in range(2))
    assert one.content == other.content
    assert one.id != other.id
    assert one.model == "claude-sonnet-4-5-20250929"


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"output_config": {"format": {}}}, "output_config.format.schema"),
        ({"output_format": {}}, "output_format.schema"),
    ],
)
def test_errors_name_the_path_as_it_was_sent(
    clients: Any, message: Any, params: dict[str, Any], path: str
) -> None:
    """A bad schema is named by where it stands in the request."""
    form = {"type": "json_schema", "schema": {"type": "object"}}
    inner = params.get("output_config", params)
    inner[next(iter(inner))] = form
    batch = clients.run_anthropic([message(**params)])
    line = orjson.loads(clients.anthropic_raw(batch.id))
    assert line["result"]["error"]["error"]["message"].startswith(path)


TOOL_RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
BOUNDS = [
    ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
    ({"top_k": -1}, "top_k: Input should be greater than or equal to 0"),
    ({"seed": 1}, "seed: Extra inputs are not permitted"),
    ({"max_tokens": 64_001}, "max_tokens: 64001 > 64000"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 1023}, "max_tokens": 2000},
        "thinking.enabled.budget_tokens",
    ),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 2000},
        "`max_tokens` must be greater",
    ),
    (
        {
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "max_tokens": 2000,
            "tools": [{"name": "a", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        },
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        {"messages": [{"role": "user", "content": [TOOL_RESULT]}]},
        "messages.0.content.0: unexpected `tool_use_id`",
    ),
]


@pytest.mark.parametrize(("params", "text"), BOUNDS)
def test_what_is_out_of_bounds_fails_its_line(
    clients: Any, message: Any, params: dict[str, Any], text: str
) -> None:
    """The error says what the API says."""
    batch = clients.run_anthropic([message("bad", **params), message("good")])
    assert (batch.request_counts.errored, batch.request_counts.succeeded) == (1, 1)
    lines = [orjson.loads(x) for x in clients.anthropic_raw(batch.id).splitlines()]
    bad = next(line for line in lines if line["custom_id"] == "bad")
    assert bad["result"]["error"]["error"]["message"].startswith(text)
