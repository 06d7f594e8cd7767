"""The sandbox as the official OpenAI SDK sees it."""

from __future__ import annotations

from typing import Any

import openai
import orjson
import pytest
from jsonschema import Draft202012Validator
from openai.types import Completion, CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["spam", "work", "family"]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["label", "score", "tags"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"name": "answer", "strict": True, "schema": SCHEMA}


def test_a_batch_goes_from_upload_to_answers(clients: Any, chat: Any) -> None:
    """Upload, create, wait and download work with responses validated strictly."""
    batch = clients.run([chat(f"row-{i}") for i in range(20)], metadata={"k": "v"})
    assert batch.status == "completed"
    assert "sandbox" in batch.id
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (20, 20, 0)
    assert batch.error_file_id is None
    assert batch.metadata == {"k": "v"}
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at
    assert batch.finalizing_at <= batch.completed_at <= batch.expires_at
    results = clients.results(batch)
    assert results.keys() == {f"row-{i}" for i in range(20)}
    bodies = [line["response"]["body"] for line in results.values()]
    for body in bodies:
        ChatCompletion.model_validate(body)
    used = sum(body["usage"]["total_tokens"] for body in bodies)
    assert batch.usage.total_tokens == used


def test_results_come_in_another_order_than_requests(clients: Any, chat: Any) -> None:
    """The output file is shuffled, as both providers may do."""
    batch = clients.run([chat(f"row-{i}") for i in range(50)])
    lines = clients.raw(batch.output_file_id).splitlines()
    order = [orjson.loads(line)["custom_id"] for line in lines]
    assert order != sorted(order, key=lambda name: int(name[4:]))


def test_a_result_line_has_the_documented_members(clients: Any, chat: Any) -> None:
    """Success has a response and a null error; the text says it is synthetic."""
    line = clients.results(clients.run([chat()]))["row-0"]
    assert line.keys() == {"id", "custom_id", "response", "error"}
    assert line["error"] is None
    assert line["response"].keys() == {"status_code", "request_id", "body"}
    content = line["response"]["body"]["choices"][0]["message"]["content"]
    assert "Synthetic" in content


FORMS = [
    (
        "/v1/chat/completions",
        {"response_format": {"type": "json_schema", "json_schema": JSON_SCHEMA}},
    ),
    (
        "/v1/chat/completions",
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "answer",
                        "strict": True,
                        "parameters": SCHEMA,
                    },
                }
            ],
            "tool_choice": {"type": "function", "function": {"name": "answer"}},
        },
    ),
    ("/v1/responses", {"text": {"format": {"type": "json_schema", **JSON_SCHEMA}}}),
    (
        "/v1/responses",
        {
            "tools": [
                {
                    "type": "function",
                    "name": "answer",
                    "strict": True,
                    "parameters": SCHEMA,
                }
            ],
            "tool_choice": {"type": "function", "name": "answer"},
        },
    ),
]


@pytest.mark.parametrize(("endpoint", "form"), FORMS)
def test_answers_satisfy_the_schema_of_the_request(
    clients: Any, endpoint: str, form: dict[str, Any]
) -> None:
    """However a schema is asked for, the answer is valid for it."""
    prompt: dict[str, Any] = {"messages": [{"role": "user", "content": "Label this."}]}
    if endpoint == "/v1/responses":
        prompt = {"input": "Label this."}
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": endpoint,
        "body": {"model": "gpt-5-mini", **prompt, **form},
    }
    body = clients.results(clients.run([line], endpoint))["a"]["response"]["body"]
    if endpoint == "/v1/responses":
        Response.model_validate(body)
        item = body["output"][0]
        text = item.get("arguments") or item["content"][0]["text"]
    else:
        ChatCompletion.model_validate(body)
        answer = body["choices"][0]["message"]
        text = answer["content"]
        if text is None:
            text = answer["tool_calls"][0]["function"]["arguments"]
    Draft202012Validator(SCHEMA).validate(orjson.loads(text))


PLAIN: list[tuple[str, dict[str, Any], Any]] = [
    ("/v1/embeddings", {"input": ["a", "b"], "dimensions": 7}, CreateEmbeddingResponse),
    ("/v1/completions", {"prompt": "a"}, Completion),
]


@pytest.mark.parametrize(("endpoint", "body", "shape"), PLAIN)
def test_other_endpoints_answer_in_their_own_shape(
    clients: Any, endpoint: str, body: dict[str, Any], shape: Any
) -> None:
    """Embeddings and completions validate as the SDK's types."""
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": endpoint,
        "body": {"model": "gpt-4o-mini", **body},
    }
    found = clients.results(clients.run([line], endpoint))["a"]["response"]["body"]
    shape.model_validate(found)
    if endpoint == "/v1/embeddings":
        assert [len(each["embedding"]) for each in found["data"]] == [7, 7]


def test_the_same_request_gets_the_same_answer(clients: Any, chat: Any) -> None:
    """Answers depend on seed, `custom_id` and body alone."""
    form = {"type": "json_schema", "json_schema": JSON_SCHEMA}
    lines = [chat(f"row-{i}", response_format=form) for i in range(10)]
    said = []
    for _ in range(2):
        results = clients.results(clients.run(lines))
        said.append({k: v["response"]["body"]["choices"] for k, v in results.items()})
    assert said[0] == said[1]


def test_lists_page_from_newest_to_oldest(clients: Any, chat: Any) -> None:
    """The SDK's own paging walks over every batch once, newest first."""
    made = [clients.create([chat()]) for _ in range(5)]
    page = clients.openai.batches.list(limit=2)
    assert page.has_more
    assert [batch.id for batch in page] == made[::-1]


def test_files_can_be_looked_at_listed_and_deleted(clients: Any, chat: Any) -> None:
    """A file is what was uploaded, byte for byte, until it is deleted."""
    content = orjson.dumps(chat()) + b"\n"
    file_id = clients.upload(content)
    assert clients.openai.files.retrieve(file_id).bytes == len(content)
    assert clients.raw(file_id) == content
    assert [file.id for file in clients.openai.files.list(purpose="batch")] == [file_id]
    assert clients.openai.files.delete(file_id).deleted
    with pytest.raises(openai.NotFoundError):
        clients.openai.files.content(file_id)


def test_a_batch_goes_on_without_its_deleted_input(clients: Any, chat: Any) -> None:
    """Deleting the request file of a running batch does not stop it."""
    clients.sandbox.set_faults({"durations": {"in_progress": 3600}})
    batch_id = clients.create([chat(f"row-{i}") for i in range(4)])
    clients.sandbox.backend.worker.wait_idle()
    batch = clients.openai.batches.retrieve(batch_id)
    clients.openai.files.delete(batch.input_file_id)
    clients.sandbox.advance(1800)
    clients.openai.batches.cancel(batch_id)
    clients.sandbox.settle()
    batch = clients.openai.batches.retrieve(batch_id)
    assert batch.status == "cancelled"
    assert len(clients.results(batch)) == 4


def test_cancel_keeps_what_has_run(clients: Any, chat: Any) -> None:
    """Cancelling ends a batch as cancelled, with a line for every request."""
    clients.sandbox.set_faults({"durations": {"in_progress": 1000, "cancelling": 60}})
    batch_id = clients.create([chat(f"row-{i}") for i in range(10)])
    clients.sandbox.backend.worker.wait_idle()
    clients.sandbox.advance(500.02)
    batch = clients.openai.batches.cancel(batch_id)
    assert batch.status == "cancelling"
    assert batch.output_file_id is None
    clients.sandbox.settle()
    batch = clients.openai.batches.retrieve(batch_id)
    assert batch.status == "cancelled"
    assert batch.request_counts.completed == 5
    results = clients.results(batch)
    assert len(results) == 10
    codes = [line["error"]["code"] for line in results.values() if line["error"]]
    assert codes == ["batch_cancelled"] * 5
    assert clients.openai.batches.cancel(batch_id).status == "cancelled"


@pytest.mark.parametrize("content", [b"{}", b""])
def test_a_batch_can_be_cancelled_while_it_is_checked(
    clients: Any, chat: Any, content: bytes
) -> None:
    """It ends as cancelled without having run, whether its file was good or bad."""
    clients.sandbox.set_faults({"durations": {"validating": 3600, "cancelling": 60}})
    batch_id = clients.create([chat(), content or chat("row-1")])
    assert clients.openai.batches.cancel(batch_id).status == "cancelling"
    clients.sandbox.settle()
    batch = clients.openai.batches.retrieve(batch_id)
    assert batch.status == "cancelled"
    assert batch.in_progress_at is None
    assert batch.request_counts.completed == 0
    assert len(clients.results(batch)) == (0 if content else 2)


def test_cancel_after_the_end_is_a_conflict(clients: Any, chat: Any) -> None:
    """A completed batch answers 409, which the SDK would retry."""
    batch = clients.run([chat()])
    with pytest.raises(openai.ConflictError):
        clients.openai.batches.cancel(batch.id)


def test_counts_grow_while_it_runs(clients: Any, chat: Any) -> None:
    """Half the time is half the requests; file IDs show only at the end."""
    clients.sandbox.set_faults({"durations": {"validating": 600, "in_progress": 6000}})
    batch_id = clients.create([chat(f"row-{i}") for i in range(10)])
    assert clients.openai.batches.retrieve(batch_id).status == "validating"
    clients.sandbox.backend.worker.wait_idle()
    clients.sandbox.advance(3600)
    batch = clients.openai.batches.retrieve(batch_id)
    assert batch.status == "in_progress"
    assert batch.request_counts.total == 10
    assert batch.request_counts.completed == 5
    assert batch.output_file_id is None


def test_all_requests_failing_leaves_no_output_file(clients: Any, chat: Any) -> None:
    """A batch without any success is completed, with an error file alone."""
    form = {"type": "json_schema", "json_schema": JSON_SCHEMA}
    batch = clients.run([chat(model="gpt-3.5-turbo", response_format=form)])
    assert batch.status == "completed"
    assert batch.output_file_id is None
    assert batch.request_counts.failed == 1
    line = clients.results(batch)["row-0"]
    assert line["response"]["status_code"] == 400
    assert line["error"] is None


REFUSED = [
    ({"model": "gpt-5-mini", "max_tokens": 5}, "max_tokens"),
    ({"model": "o3", "temperature": 0.5}, "temperature"),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    **JSON_SCHEMA,
                    "schema": {**SCHEMA, "required": ["label"]},
                },
            }
        },
        "required",
    ),
    ({"tool_choice": "required"}, "only allowed when 'tools'"),
    (
        {
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "tool_choice": {"type": "function", "function": {"name": "x"}},
        },
        "'x'",
    ),
    ({"n": "two"}, "'n'"),
    ({"messages": "hello", "response_format": "text"}, "Invalid type"),
]


@pytest.mark.parametrize(("body", "word"), REFUSED)
def test_one_bad_request_is_one_failed_line(
    clients: Any, chat: Any, body: dict[str, Any], word: str
) -> None:
    """What a model refuses is a 400 in the error file; the rest is answered."""
    model = body.get("model", "gpt-4o-mini")
    batch = clients.run([chat("bad", **body), chat("good", model=model)])
    results = clients.results(batch)
    assert results["good"]["response"]["status_code"] == 200
    assert results["bad"]["response"]["status_code"] == 400
    assert word in results["bad"]["response"]["body"]["error"]["message"]


CREATE_ERRORS = [
    ({"endpoint": "/v1/nothing"}, "endpoint"),
    ({"completion_window": "1h"}, "completion_window"),
    ({"metadata": {str(i): "v" for i in range(17)}}, "metadata"),
    ({"metadata": {"k" * 65: "v"}}, f"metadata.{'k' * 64}"),
    ({"metadata": {"k": "v" * 513}}, "metadata.k"),
    ({"metadata": {"k": 1}}, "metadata.k"),
    (
        {"output_expires_after": {"anchor": "created_at", "seconds": 60}},
        "output_expires_after.seconds",
    ),
]


@pytest.mark.parametrize(("options", "param"), CREATE_ERRORS)
def test_bad_options_are_refused_at_once(
    clients: Any, chat: Any, options: dict[str, Any], param: str
) -> None:
    """What the API checks synchronously is a 400, and no batch exists."""
    given = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **options}
    file_id = clients.upload(orjson.dumps(chat()))
    with pytest.raises(openai.BadRequestError) as caught:
        clients.openai.batches.create(input_file_id=file_id, **given)
    assert caught.value.param == param
    assert clients.sandbox.created() == 0


UPLOAD_ERRORS = [
    ({"file": ("x.txt", b"{}")}, "jsonl"),
    ({"file": ("x.jsonl", b"")}, "empty"),
    ({"file": ("x.jsonl", b"no json")}, "JSONL"),
    ({"file": ("x.jsonl", b"{}"), "purpose": "batsch"}, "purpose"),
    (
        {
            "file": ("x.jsonl", b"{}"),
            "expires_after": {"anchor": "created_at", "seconds": 9},
        },
        "seconds",
    ),
]


@pytest.mark.parametrize(("options", "word"), UPLOAD_ERRORS)
def test_bad_uploads_are_refused(
    clients: Any, options: dict[str, Any], word: str
) -> None:
    """Name, content, purpose and expiry are checked before a file exists."""
    with pytest.raises(openai.BadRequestError, match=word):
        clients.openai.files.create(**{"purpose": "batch", **options})


def test_unknown_ids_are_not_found(clients: Any) -> None:
    """A batch or file that never was is a 404."""
    with pytest.raises(openai.NotFoundError):
        clients.openai.batches.retrieve("batch_nothing")
    with pytest.raises(openai.NotFoundError):
        clients.openai.files.retrieve("file-nothing")


@pytest.mark.parametrize("limit", [0, 101])
def test_a_list_has_at_most_100_batches(clients: Any, limit: int) -> None:
    """A `limit` outside 1..100 is a 400."""
    with pytest.raises(openai.BadRequestError, match="limit"):
        clients.openai.batches.list(limit=limit)


def _chat_choice(clients: Any, line: dict[str, Any]) -> Any:
    body = clients.results(clients.run([line]))["row-0"]["response"]["body"]
    return ChatCompletion.model_validate(body).choices[0]


def test_log_probabilities_come_when_asked_for(clients: Any, chat: Any) -> None:
    """Each token has its own, and as many alternatives as were asked for."""
    choice = _chat_choice(clients, chat(logprobs=True, top_logprobs=2))
    tokens = choice.logprobs.content
    assert "".join(token.token for token in tokens) == choice.message.content
    assert {len(token.top_logprobs) for token in tokens} == {2}
    assert _chat_choice(clients, chat()).logprobs is None


def test_the_form_before_tools_is_answered(clients: Any, chat: Any) -> None:
    """`functions` with a forced `function_call` gives a `function_call`."""
    function = {"name": "answer", "parameters": SCHEMA}
    options = {"functions": [function], "function_call": {"name": "answer"}}
    message = _chat_choice(clients, chat(**options)).message
    assert message.tool_calls is None
    assert message.function_call.name == "answer"
    arguments = orjson.loads(message.function_call.arguments)
    Draft202012Validator(SCHEMA).validate(arguments)


@pytest.mark.parametrize(
    ("model", "dated"),
    [("gpt-4o-mini", "gpt-4o-mini-2024-07-18"), ("llama3.2", "llama3.2")],
)
def test_a_short_name_is_answered_by_a_dated_one(
    clients: Any, chat: Any, model: str, dated: str
) -> None:
    """The response names the model that answered."""
    body = clients.results(clients.run([chat(model=model)]))["row-0"]["response"]
    assert body["body"]["model"] == dated


def test_ids_are_unique_over_batches(clients: Any, chat: Any) -> None:
    """The same request in two batches gets the same answer under other IDs."""
    one, other = (clients.results(clients.run([chat()]))["row-0"] for _ in range(2))
    bodies = [line["response"]["body"] for line in (one, other)]
    assert bodies[0]["choices"] == bodies[1]["choices"]
    assert bodies[0]["id"] != bodies[1]["id"]
    assert one["id"] != other["id"]


@pytest.mark.parametrize(
    ("endpoint", "tool", "param"),
    [
        (
            "/v1/chat/completions",
            {"type": "function", "function": {"name": "a", "strict": True}},
            "tools[0].function.parameters",
        ),
        (
            "/v1/responses",
            {"type": "function", "name": "a", "strict": True},
            "tools[0].parameters",
        ),
    ],
)
def test_errors_name_the_path_as_it_was_sent(
    clients: Any, endpoint: str, tool: dict[str, Any], param: str
) -> None:
    """A bad schema is named by where it stands in the request."""
    member = "input" if endpoint == "/v1/responses" else "messages"
    text = [{"role": "user", "content": "x"}]
    body = {"model": "gpt-5-mini", member: text, "tools": [tool]}
    line = {"custom_id": "a", "method": "POST", "url": endpoint, "body": body}
    found = clients.results(clients.run([line], endpoint))["a"]["response"]["body"]
    assert found["error"]["param"] == param
    assert found["error"]["code"] == "invalid_function_parameters"


BOUNDS = [
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": -0.1}, "temperature", "decimal_below_min_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"max_tokens": -1}, "max_tokens", "integer_below_min_value"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"top_logprobs": 2}, "top_logprobs", "invalid_value"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "array_above_max_length"),
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": [{"role": "robot"}]}, "messages[0].role", "invalid_value"),
    ({"reasoning_effort": "immense"}, "reasoning_effort", "invalid_value"),
    ({"top_k": 5}, None, None),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "an answer", "schema": {}},
            }
        },
        "response_format.json_schema.name",
        "invalid_value",
    ),
]


@pytest.mark.parametrize(("body", "param", "code"), BOUNDS)
def test_what_is_out_of_bounds_fails_its_line(
    clients: Any, chat: Any, body: dict[str, Any], param: str, code: str
) -> None:
    """The error names parameter and code as the API does."""
    results = clients.results(clients.run([chat("bad", **body), chat("good")]))
    assert results["good"]["response"]["status_code"] == 200
    assert results["bad"]["response"]["status_code"] == 400
    error = results["bad"]["response"]["body"]["error"]
    assert (error["param"], error["code"]) == (param, code)
