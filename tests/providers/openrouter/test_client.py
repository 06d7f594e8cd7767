"""OpenRouter's client against the sandbox, with its SDK as the judge of both."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx2
import openrouter
import orjson
import pytest

from batchwright.data.job import BatchJob
from batchwright.data.prices import price
from batchwright.errors import (
    AccessError,
    BatchFailedError,
    DownloadCutError,
    RejectedError,
    ResultsGoneError,
    UnreachableError,
)
from batchwright.models import (
    Account,
    Batch,
    BatchStatus,
    Intent,
    Outcome,
    RequestTemplate,
    Usage,
)
from batchwright.providers import get_format, split_model
from batchwright.providers.openrouter.client import OpenRouterProvider
from batchwright.runs.drive import cancel_run, drive
from batchwright.runs.events import listening
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

MODEL = "openai/gpt-5-mini"
CHAT = "/v1/chat/completions"
USER = {"role": "user", "content": "Hi."}
SLOW = {"durations": {"in_progress": 100}}
QUICK = {"durations": {"in_progress": 0.01}, "limits": {"openrouter_page": 2}}


class Both:
    """Our client and the SDK's, in one account of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.key, self.url = f"key-{token_hex(4)}", sandbox.base_url("openrouter")
        self.ours = OpenRouterProvider(self.url, self.key)
        self.theirs = openrouter.OpenRouter(api_key=self.key, server_url=self.url)

    def create(self, path: Path, rows: int = 5, **params: Any) -> Batch:
        """Create a batch."""
        template = RequestTemplate(model=MODEL, endpoint=CHAT, params=params)
        encode = self.ours.encoder(template)
        path.write_bytes(b"".join(encode(f"row-{n}", [USER]) for n in range(rows)))
        assert self.ours.upload(path) is None
        return self.ours.create(path, intent(rows))


def intent(rows: int) -> Intent:
    """Return a claim."""
    return Intent(
        token="t",
        claimed_at=datetime.now(UTC),
        requests=rows,
        bytes=1,
        digest="",
        endpoint=CHAT,
        account=Account(base_url="https://x"),
    )


@pytest.fixture
def both(sandbox: Sandbox) -> Both:
    """Return a new account."""
    sandbox.set_faults(QUICK)
    return Both(sandbox)


def test_the_sdk_sees_what_we_create(both: Both, tmp_path: Path) -> None:
    """OpenRouter's SDK lists and reads a batch of ours, and the results in it."""
    created = both.create(tmp_path / "r.jsonl", provider={"only": ["azure"]})
    assert created.provider_status == "validating"
    both.sandbox.settle()
    with both.theirs as client:
        listed = client.batch.list()
        found = client.batch.get_batches(id=created.id)
    assert listed is not None
    assert [each.id for each in listed.result.data] == [created.id]
    assert (found.endpoint, found.model, found.status) == (CHAT, MODEL, "completed")
    assert found.results is not None
    path = tmp_path / "results.jsonl"
    batch = both.ours.retrieve(created.id)
    told: list[int] = []
    number = both.ours.download(batch, path, lambda done, _: told.append(done))
    assert number == len(found.results) == batch.counts.total == 5
    assert told == sorted(told)
    ours = {both.ours.decode(line).custom_id for line in path.read_bytes().splitlines()}
    assert ours == {each.custom_id for each in found.results}


def test_we_land_what_the_sdk_creates(both: Both, tmp_path: Path) -> None:
    """A batch of the SDK's is read as our own are; one request of it fails."""
    faults = {"answers": [{"status": 503, "nth": [2]}]}
    both.sandbox.set_faults({**QUICK, "batches": [faults]})
    requests: Any = [
        {"custom_id": f"row-{n}", "body": {"messages": [USER]}} for n in range(3)
    ]
    with both.theirs as client:
        made = client.batch.create_batches(
            endpoint=CHAT, model=MODEL, requests=requests
        )
    both.sandbox.settle()
    (batch,) = both.ours.list(9)
    assert (batch.id, batch.status) == (made.id, BatchStatus.ENDED)
    path = tmp_path / "results.jsonl"
    both.ours.download(batch, path)
    results = {
        r.custom_id: r for r in map(both.ours.decode, path.read_bytes().splitlines())
    }
    assert results["row-0"].outcome is Outcome.SUCCEEDED
    assert (results["row-1"].outcome, results["row-1"].retryable) == ("errored", True)


def test_the_body_is_in_the_order_that_the_api_reads(tmp_path: Path) -> None:
    """What the requests are for comes before them; routing is the batch's."""
    sent: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.read())
        return httpx2.Response(202, json={"id": "batch-1", "status": "validating"})

    path = tmp_path / "r.jsonl"
    body = {"model": MODEL, "messages": [USER], "provider": {"only": ["azure"]}}
    path.write_bytes(orjson.dumps({"custom_id": "a", "body": body}) + b"\n")
    assert _answering(answer).create(path, intent(1)).id == "batch-1"
    assert list(orjson.loads(sent[0]).items())[:-1] == [
        ("endpoint", CHAT),
        ("model", MODEL),
        ("completion_window", "24h"),
        ("provider", {"only": ["azure"]}),
    ]
    assert sent[0].endswith(b',"requests":[' + path.read_bytes().strip() + b"]}")


def test_a_body_in_another_order_is_refused(both: Both) -> None:
    """The sandbox reads it as the API does."""
    body = {
        "requests": [{"custom_id": "a", "body": {}}],
        "endpoint": CHAT,
        "model": "m",
    }
    headers = {"authorization": f"Bearer {both.key}"}
    answer = httpx2.post(f"{both.url}/batches", json=body, headers=headers)
    assert answer.status_code == 400
    assert "must appear before `requests`" in answer.text


def test_an_account_without_credit_is_said_so(both: Both, tmp_path: Path) -> None:
    """A balance below the estimate needs a person, and makes no batch."""
    fault = {"operation": "create", "do": "status", "status": 402}
    both.sandbox.set_faults({"calls": [{**fault, "message": "Insufficient credits"}]})
    with pytest.raises(AccessError, match="Check the account's credit") as caught:
        both.create(tmp_path / "r.jsonl")
    assert not caught.value.retryable


def test_a_running_batch_cannot_be_stopped(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no call for it: a batch is left running, and so are those of a run."""
    sandbox.set_faults(SLOW)
    before = len(sandbox.calls())
    both = Both(sandbox)
    batch = both.create(tmp_path / "r.jsonl")
    with pytest.raises(RejectedError, match="no call that stops a batch"):
        both.ours.cancel(batch.id)
    monkeypatch.setenv("OPENROUTER_BASE_URL", both.url)
    monkeypatch.setenv("OPENROUTER_API_KEY", both.key)
    (tmp_path / "in.csv").write_text("text\na\nb\n", encoding="utf-8")
    job = BatchJob(
        input=str(tmp_path / "in.csv"),
        model=f"openrouter/{MODEL}",
        prompt="Say {{ text }}",
        output=str(tmp_path / "out.jsonl"),
    )
    drive(open_run(job, str(tmp_path / "run")), wait=False)
    said: list[str] = []
    with listening(lambda event: said.append(event.text or "")):
        cancel_run(str(tmp_path / "run"))
    assert any("run to their end" in text for text in said)
    made = sandbox.calls()[before:]
    assert not [call for call in made if call.operation in {"cancel", "other"}]


def _answering(answer: Any) -> OpenRouterProvider:
    transport = httpx2.MockTransport(answer)
    return OpenRouterProvider("https://a.example/api/v1", "k", transport=transport)


ENDED = Batch(
    id="batch-1",
    provider="openrouter",
    status=BatchStatus.ENDED,
    provider_status="completed",
)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            httpx2.Response(404, json={"error": {"code": 404, "message": "No."}}),
            ResultsGoneError,
        ),
        (httpx2.Response(402, json={"error": {"code": 402}}), AccessError),
        (httpx2.Response(200, json={"results": []}), UnreachableError),
        (httpx2.Response(200, text="<html>"), UnreachableError),
        (
            httpx2.Response(200, json={"data": [], "next_cursor": "again"}),
            DownloadCutError,
        ),
    ],
    ids=["gone", "no credit", "no page", "web page", "no end"],
)
def test_results_that_are_not_shown(
    tmp_path: Path, answer: httpx2.Response, error: type[Exception]
) -> None:
    """What is no page of results is never taken for an empty one."""
    with pytest.raises(error):
        _answering(lambda _: answer).download(ENDED, tmp_path / "out")


@pytest.mark.parametrize(
    ("page", "lines"),
    [
        (b'{"data":[{"a": 1},\n{"b":2}]}', [b'{"a": 1}', b'{"b":2}']),
        (b'{"data":[{\n"a":1.10}],"has_more":false}', [b'{"a":1.10}']),
        (b'{"data":[{"a":NaN}],"next_cursor":null}', [b'{"a": NaN}']),
        (b'{"data":[{"a":"\x01"}]}', [b'{"a": "\\u0001"}']),
    ],
    ids=["spaces", "newline", "not a number", "control character"],
)
def test_a_page_of_any_spelling_is_lines(
    tmp_path: Path, page: bytes, lines: list[bytes]
) -> None:
    """Each result is a line of its own, as it was written where that is JSON."""
    client = _answering(lambda _: httpx2.Response(200, content=page))
    assert client.download(ENDED, tmp_path / "out") == len(lines)
    assert (tmp_path / "out").read_bytes() == b"".join(each + b"\n" for each in lines)


def test_a_batch_that_was_refused(tmp_path: Path) -> None:
    """A bad request may fail the batch after its creation, which says why."""
    failed = {"id": "batch-1", "status": "failed", "error": {"message": "Bad row."}}
    client = _answering(lambda _: httpx2.Response(200, json=failed))
    batch = client.retrieve("batch-1")
    assert batch.status is BatchStatus.FAILED
    with pytest.raises(BatchFailedError, match=r"Bad row\."):
        client.download(batch, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"results":[]}'])
def test_what_is_no_batch_is_said_so(content: bytes) -> None:
    """A proxy's page is no batch."""
    client = _answering(lambda _: httpx2.Response(200, content=content))
    with pytest.raises(UnreachableError, match="did not answer as OpenRouter does"):
        client.retrieve("batch-1")


@pytest.mark.parametrize(
    ("batch", "is_candidate"),
    [
        ({"status": "validating", "request_counts": {"total": 0}}, True),
        ({"status": "in_progress", "request_counts": {"total": 5}}, True),
        ({"status": "in_progress"}, True),
        ({"status": "completed", "request_counts": {"total": 0}}, False),
        ({"status": "in_progress", "request_counts": {"total": 4}}, False),
        ({"status": "in_progress", "endpoint": "/v1/embeddings"}, False),
    ],
)
def test_which_batches_may_be_a_lost_one(
    batch: dict[str, Any], *, is_candidate: bool
) -> None:
    """Endpoint and size exclude others; what is not shown excludes nothing."""
    now = int(datetime.now(UTC).timestamp())
    page = {"data": [{"id": "batch-1", "created_at": now, **batch}], "has_more": False}
    client = _answering(lambda _: httpx2.Response(200, json=page))
    assert bool(client.find(intent(5))) is is_candidate


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}],
            1,
        ),
        ([{"type": "file", "file": {"file_data": "data:application/pdf;base64,e"}}], 1),
        ([{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}], 0),
        ('say "url":"data:x"', 0),
    ],
    ids=["image", "file", "link", "text"],
)
def test_images_are_links(content: Any, wrong: int) -> None:
    """An image inside a request is found before it is sent."""
    message = {"role": "user", "content": content}
    body = {"model": MODEL, "messages": [message]}
    line = orjson.dumps({"custom_id": "a", "body": body})
    assert len(get_format("openrouter").check(line)[2]) == wrong


def test_prices_are_those_of_batches() -> None:
    """A model is listed with another price for batches, or its price is unknown."""
    usage = Usage(1_000_000, 0)
    at_once = price("openai", "gpt-5-mini", usage)
    assert split_model(f"openrouter/{MODEL}") == ("openrouter", MODEL)
    assert price("openrouter", MODEL, usage) == at_once == pytest.approx(0.125)
    assert price("openrouter", f"{MODEL}:batch", usage) == at_once
    assert price("openrouter", "01-ai/yi-large", usage) is None
