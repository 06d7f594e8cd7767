"""Mistral's jobs: the conformance suite, and the vendor's own SDK as the judge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import mistralai.client.models as types
import orjson
import pytest
from mistralai.client import Mistral
from mistralai.extra.batch import BatchOutput

from batchwright.data.endpoints import endpoint_for
from batchwright.errors import (
    AccessError,
    InputError,
    RejectedError,
    UnknownBatchError,
    UnreachableError,
)
from batchwright.models import (
    Account,
    Batch,
    BatchStatus,
    Intent,
    Outcome,
    RequestTemplate,
)
from batchwright.providers import Provider, get_format, get_provider, get_vendor
from batchwright.providers.conformance import (
    ClientConformance,
    Example,
    FormatConformance,
    PipelineConformance,
    VendorServer,
)
from batchwright.providers.mistral.client import MistralProvider
from batchwright.sandbox import Sandbox
from batchwright.sandbox.openai.dialects import DIALECTS
from tests.providers.test_conformance import SandboxServer

MODEL = "mistral-small-latest"
USER = [{"role": "user", "content": "Hi."}]


def _line(status: int, body: Any, error: Any = None) -> bytes:
    response = {"status_code": status, "body": body}
    line = {"id": "b", "custom_id": "row-1", "response": response, "error": error}
    return orjson.dumps(line)


def _chat(reason: str, content: Any, **message: Any) -> bytes:
    message = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    return _line(200, {"model": MODEL, "choices": [choice], "usage": usage})


THOUGHT = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    {"type": "text", "text": "Yes."},
]
CALL = {"id": "c", "function": {"name": "answer", "arguments": '{"label":"a"}'}}


class _Mistral:
    vendor = "mistral"
    model = MODEL

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)


class TestFormat(_Mistral, FormatConformance):
    """Mistral's lines."""

    examples = (
        Example(Outcome.SUCCEEDED, _chat("stop", "Yes.")),
        Example(Outcome.SUCCEEDED, _chat("stop", THOUGHT)),
        Example(Outcome.SUCCEEDED, _chat("tool_calls", None, tool_calls=[CALL])),
        Example(Outcome.TRUNCATED, _chat("length", "Ye")),
        Example(Outcome.TRUNCATED, _chat("model_length", "Ye")),
        Example(Outcome.ERRORED, _line(422, {"detail": [{"msg": "Too long."}]})),
        Example(Outcome.ERRORED, _line(400, {"message": "No.", "code": "3051"})),
        Example(Outcome.ERRORED, _line(429, None, "rate limited"), retryable=True),
        Example(Outcome.ERRORED, _chat("error", ""), retryable=True),
    )


class TestClient(_Mistral, ClientConformance):
    """Mistral's client, against the sandbox."""


@pytest.mark.long
class TestRuns(_Mistral, PipelineConformance):
    """Runs with Mistral, killed and without answers."""


@pytest.fixture
def provider(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Give a client in a new account."""
    for name, value in SandboxServer(sandbox, "mistral").environment().items():
        monkeypatch.setenv(name, value)
    sandbox.set_faults(None)
    return get_provider("mistral")


def _create(provider: Provider, folder: Path, **more: Any) -> tuple[Batch, Intent]:
    template = RequestTemplate(model=MODEL, endpoint="/v1/chat/completions")
    path = folder / "in.jsonl"
    path.write_bytes(provider.encoder(template)("row-1", USER))
    intent = Intent(
        token="the-token",
        claimed_at=datetime.now(UTC),
        requests=1,
        bytes=path.stat().st_size,
        digest="",
        endpoint=template.endpoint,
        account=provider.account(),
        input_file_id=provider.upload(path),
        **more,
    )
    return provider.create(path, intent), intent


@pytest.fixture
def sdk(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Mistral:
    """Give the vendor's own client, in the same account."""
    import os

    return Mistral(
        api_key=os.environ["MISTRAL_API_KEY"],
        server_url=provider.base_url.removesuffix("/v1"),
    )


def test_what_ours_creates_the_sdk_lands(
    provider: Provider, sdk: Mistral, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The SDK lists, reads and downloads a job of ours, with its token and model."""
    batch, intent = _create(provider, tmp_path, completion_window="2d")
    sandbox.settle()
    job = sdk.batch.jobs.get(job_id=batch.id)
    assert [each.id for each in sdk.batch.jobs.list().data or []] == [batch.id]
    assert job.metadata == {"batchwright": intent.token}
    assert (job.status, job.model, job.succeeded_requests) == ("SUCCESS", MODEL, 1)
    raw = sdk.files.download(file_id=str(job.output_file)).read()
    answers = BatchOutput.from_jsonl_bytes(raw, types.ChatCompletionResponse)
    assert [*answers.responses] == ["row-1"]
    (sent,) = [each for each in sandbox.calls() if each.operation == "create"][-1:]
    assert sent.path == "/mistral/v1/batch/jobs"


def test_what_the_sdk_creates_ours_lands(
    provider: Provider, sdk: Mistral, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A job of the SDK's is listed, cancelled and downloaded by ours."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    line = {"custom_id": "theirs", "body": {"messages": USER}}
    content = orjson.dumps(line)
    file = types.File(file_name="in.jsonl", content=content)
    sent = sdk.files.upload(file=file, purpose="batch")
    jobs = [
        sdk.batch.jobs.create(
            endpoint="/v1/chat/completions", input_files=[sent.id], model=MODEL
        )
        for _ in range(2)
    ]
    assert [each.id for each in provider.list(5)] == [jobs[1].id, jobs[0].id]
    assert provider.cancel(jobs[1].id).status is not BatchStatus.IN_PROGRESS
    sandbox.settle()
    path = tmp_path / "out.jsonl"
    assert provider.download(provider.retrieve(jobs[0].id), path) == 1
    result = provider.decode(path.read_bytes())
    assert (result.custom_id, result.outcome) == ("theirs", Outcome.SUCCEEDED)
    assert sdk.batch.jobs.get(job_id=jobs[1].id).status == "CANCELLED"


def test_a_job_on_a_later_page_is_found(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The search for a lost creation reads all numbered pages."""
    made, intent = _create(provider, tmp_path)
    sandbox.set_faults({"seed": 1})
    later = intent.model_copy(update={"token": "another", "input_file_id": None})
    for _ in range(3):
        provider.create(tmp_path / "in.jsonl", later)
    provider.page_size = 2
    assert [each.id for each in provider.find(intent)] == [made.id]


def _answering(*pages: Mapping[str, Any], status: int = 200) -> MistralProvider:
    left = iter(pages)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, json=next(left)))
    vendor = get_vendor("mistral")
    return MistralProvider("http://h/v1", "key", vendor=vendor, transport=transport)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([{"total": 0}], []),
        ([{"data": [{"id": "a"}]}, {"data": []}], ["a"]),
        ([{"data": [{"id": "a"}], "total": 1}], ["a"]),
    ],
    ids=["no-data", "no-total", "one-page"],
)
def test_a_list_ends_where_the_api_says(
    pages: list[dict[str, Any]], expected: list[str]
) -> None:
    """By its total, or with the first page without a job."""
    assert [each.id for each in _answering(*pages).list(200)] == expected


def test_an_unclear_end_is_no_absence() -> None:
    """Pages that repeat themselves do not prove that there is no job."""
    page = {"data": [{"id": "a"}], "total": 500}
    intent = Intent(
        token="t",
        claimed_at=datetime.now(UTC),
        requests=1,
        bytes=1,
        digest="",
        endpoint="/v1/chat/completions",
        account=Account(base_url="http://h/v1"),
    )
    with pytest.raises(UnreachableError, match="could not be read to its end"):
        _answering(page, page).find(intent)


@pytest.mark.parametrize(
    ("word", "files", "status"),
    [
        ("QUEUED", {}, BatchStatus.IN_PROGRESS),
        ("CANCELLATION_REQUESTED", {}, BatchStatus.CANCELLING),
        ("TIMEOUT_EXCEEDED", {"output_file": "f"}, BatchStatus.ENDED),
        ("FAILED", {}, BatchStatus.FAILED),
        ("FAILED", {"error_file": "f"}, BatchStatus.ENDED),
        ("SOMETHING_NEW", {}, BatchStatus.IN_PROGRESS),
    ],
)
def test_a_status_is_read(
    word: str, files: dict[str, str], status: BatchStatus
) -> None:
    """A failed job with files has results; an unknown word is no end."""
    job = {"id": "j", "status": word, "errors": [{"message": "Bad."}], **files}
    batch = _answering(job).retrieve("j")
    assert (batch.status, batch.provider_status) == (status, word)
    assert batch.errors[0].message == "Bad."


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (404, {"message": "No job."}, UnknownBatchError, "knows no batch"),
        (404, {"message": "no Route matched with those values"}, RejectedError, "base"),
        (404, {"detail": "Not Found"}, RejectedError, "base URL"),
        (400, {"message": "Bad id.", "code": "3000"}, RejectedError, "Bad id."),
        (401, {"detail": "Unauthorized"}, AccessError, "Check the key"),
    ],
)
def test_an_error_is_read(
    status: int, body: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Its text stands in the body itself; an address without such a path is no job."""
    with pytest.raises(error, match=said) as caught:
        _answering(body, status=status).retrieve("j")
    is_known_absence = isinstance(caught.value, UnknownBatchError)
    assert is_known_absence == (error is UnknownBatchError)


def _body(template: dict[str, Any], messages: list[Any]) -> dict[str, Any]:
    facts = {"model": MODEL, "endpoint": "/v1/chat/completions", **template}
    fmt = get_format("mistral")
    line = fmt.encoder(RequestTemplate(**facts))("row-1", messages)
    assert fmt.check(line)[2] == []
    body: dict[str, Any] = orjson.loads(line)["body"]
    return body


PDF = "data:application/pdf;base64,AAAA"
PARTS = [
    {"type": "text", "text": "What is it?"},
    {"type": "image_url", "image_url": {"url": "https://h/a.png"}},
    {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
]


def test_the_sdk_reads_our_requests() -> None:
    """System text, image, PDF, schema and own members are as its types say."""
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    own = {"random_seed": 7, "safe_prompt": True}
    asked = {"system": "Be brief.", "answer_schema": schema, "max_tokens": 9}
    body = _body({**asked, "params": own}, [{"role": "user", "content": PARTS}])
    read = types.ChatCompletionRequest.model_validate(body)
    assert read.model_dump(by_alias=True, exclude_unset=True) == body
    document = read.messages[1].content[2]  # type: ignore[index, union-attr]
    assert isinstance(document, types.DocumentURLChunk)
    tools = _body({**asked, "mode": "tools"}, USER)
    read = types.ChatCompletionRequest.model_validate(tools)
    assert isinstance(read.tool_choice, types.ToolChoice)


def test_an_embedding_is_asked_for() -> None:
    """The model says the endpoint, and the body is the type of the SDK's."""
    model = "mistral-embed"
    endpoint = endpoint_for("mistral", model, None)
    body = _body({"model": model, "endpoint": endpoint}, USER)
    assert types.EmbeddingRequest.model_validate(body).inputs == "Hi."


def test_a_file_without_content_is_refused() -> None:
    """Files that were uploaded elsewhere have no place in a batch."""
    part = {"type": "file", "file": {"file_id": "f"}}
    with pytest.raises(InputError, match="give `file_data`"):
        _body({}, [{"role": "user", "content": [part]}])


def test_both_tables_say_the_same() -> None:
    """The judge's row and the client's were written apart and agree."""
    vendor, judge = get_vendor("mistral"), DIALECTS["mistral"]
    assert judge.base_url_variable == vendor.base_url_variable
    assert judge.key_variable == vendor.key_variables[0]
    assert judge.endpoints == vendor.endpoints
    assert vendor.has_window("6d")
    assert not vendor.has_window("7d")
