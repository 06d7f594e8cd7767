"""Gemini's client against the sandbox, with google-genai as the judge of both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx2
import pytest
from google import genai

from batchwright.data.job import BatchJob
from batchwright.errors import (
    AccessError,
    BatchFailedError,
    BatchNotEndedError,
    CreationUnknownError,
    InputError,
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
    RequestCounts,
    RequestTemplate,
)
from batchwright.providers import get_provider, split_model
from batchwright.providers.gemini import GeminiProvider
from batchwright.providers.gemini.batch import read_batch
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

MODEL = "gemini-2.5-flash"
CONTENT = "/v1/generateContent"
QUICK = {"durations": {"validating": 0, "in_progress": 0.01, "finalizing": 0}}
NOW = datetime.now(UTC)


class Both:
    """Our client and the SDK's, in one account of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.key, self.url = f"key-{token_hex(4)}", sandbox.base_url("gemini")
        self.ours = GeminiProvider(self.url, self.key)
        options = genai.types.HttpOptions(base_url=self.url)
        self.theirs = genai.Client(api_key=self.key, http_options=options)

    def write(self, path: Path, rows: int = 3, endpoint: str = CONTENT) -> Path:
        """Write a request file."""
        model = MODEL if endpoint == CONTENT else "gemini-embedding-001"
        encode = self.ours.encoder(RequestTemplate(model=model, endpoint=endpoint))
        lines = (
            encode(f"row-{n}", [{"role": "user", "content": f"Say {n}."}])
            for n in range(rows)
        )
        path.write_bytes(b"".join(lines))
        return path

    def create(self, path: Path, name: str = "t", endpoint: str = CONTENT) -> Batch:
        """Create a batch of a file."""
        return self.ours.create(path, self.intent(path, name, endpoint))

    def intent(self, path: Path, token: str, endpoint: str = CONTENT) -> Intent:
        """Upload a file and claim."""
        return Intent(
            token=token,
            claimed_at=datetime.now(UTC),
            requests=1,
            bytes=1,
            digest="",
            endpoint=endpoint,
            account=self.ours.account(),
            input_file_id=self.ours.upload(path),
        )


@pytest.fixture
def account(sandbox: Sandbox) -> Both:
    """Return a new account."""
    sandbox.set_faults(QUICK)
    return Both(sandbox)


def test_the_sdk_sees_what_we_create(account: Both, tmp_path: Path) -> None:
    """google-genai finds, reads and downloads a batch of ours."""
    created = account.create(account.write(tmp_path / "r.jsonl"), "token-1")
    account.sandbox.settle()
    jobs = account.theirs.batches
    found = jobs.get(name=f"batches/{created.id}")
    assert [job.name for job in jobs.list()] == [found.name]
    assert (found.display_name, found.model) == ("token-1", f"models/{MODEL}")
    assert found.state is genai.types.JobState.JOB_STATE_SUCCEEDED
    assert found.dest is not None
    assert found.dest.file_name is not None
    theirs = account.theirs.files.download(file=found.dest.file_name)
    path = tmp_path / "results.jsonl"
    batch = account.ours.retrieve(f"batches/{created.id}")
    assert account.ours.download(batch, path) == 3
    assert path.read_bytes() == theirs
    assert batch.counts == RequestCounts(total=3, succeeded=3)
    assert batch.ended_at == found.end_time


def test_we_land_what_the_sdk_creates(account: Both, tmp_path: Path) -> None:
    """A file and a batch of google-genai's are read as our own are."""
    source = account.write(tmp_path / "r.jsonl")
    uploaded = account.theirs.files.upload(
        file=str(source), config={"mime_type": "application/jsonl"}
    )
    job = account.theirs.batches.create(
        model=MODEL, src=str(uploaded.name), config={"display_name": "theirs"}
    )
    account.sandbox.settle()
    (batch,) = account.ours.list(9)
    assert job.name == f"batches/{batch.id}"
    assert batch.metadata == {"displayName": "theirs"}
    path = tmp_path / "results.jsonl"
    account.ours.download(batch, path)
    results = [account.ours.decode(line) for line in path.read_bytes().splitlines()]
    assert {each.custom_id for each in results} == {"row-0", "row-1", "row-2"}
    assert {each.outcome for each in results} == {Outcome.SUCCEEDED}


def test_embeddings_are_batched(account: Both, tmp_path: Path) -> None:
    """They have a method of their own, and a vector for each row."""
    source = account.write(tmp_path / "r.jsonl", endpoint="/v1/embeddings")
    batch = account.create(source, endpoint="/v1/embeddings")
    account.sandbox.settle()
    path = tmp_path / "results.jsonl"
    account.ours.download(account.ours.retrieve(batch.id), path)
    results = [account.ours.decode(line) for line in path.read_bytes().splitlines()]
    assert [len(each.data) for each in results] == [3072] * 3
    calls = [c.path for c in account.sandbox.calls() if c.operation == "create"]
    assert calls[-1] == "/gemini/v1/models/gemini-embedding-001:asyncBatchEmbedContent"


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        ({"do": "status", "status": 503}, 4),
        ({"do": "drop", "after": True}, 3),
        ({"do": "drop", "after": False}, 4),
    ],
    ids=["refused", "answer lost", "lost"],
)
def test_an_upload_goes_on_where_it_broke_off(
    account: Both, tmp_path: Path, fault: dict[str, Any], parts: int
) -> None:
    """What has arrived of a file is not sent again; a query tells how much that is."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"a":"%b"}\n' % (b"x" * (9 << 20)))
    rule = {"operation": "upload_part", "nth": [1], **fault}
    account.sandbox.set_faults({**QUICK, "calls": [rule]})
    before = len(account.sandbox.calls())
    told: list[tuple[int, int | None]] = []
    name = account.ours.upload(path, lambda *pair: told.append(pair))
    stored = account.sandbox.backend.store.path(name.removeprefix("files/"))
    assert stored.read_bytes() == path.read_bytes()
    sent = [c.operation for c in account.sandbox.calls()[before:]]
    assert sent == ["upload", *["upload_part"] * parts]
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    account.sandbox.set_faults(None)
    assert account.ours.upload(path, earlier=name) == name


def test_an_upload_whose_end_is_lost_can_be_repeated(
    account: Both, tmp_path: Path
) -> None:
    """It may have ended or not: that is worth another try, as a new upload."""
    rule = {"operation": "upload_part", "nth": [1], "do": "drop", "after": True}
    account.sandbox.set_faults({"calls": [rule]})
    path = account.write(tmp_path / "r.jsonl")
    with pytest.raises(UnreachableError):
        account.ours.upload(path)
    assert account.ours.upload(path).startswith("files/")


def test_what_is_deleted_is_told_from_a_wrong_key(
    account: Both, tmp_path: Path
) -> None:
    """Gemini forbids to look at a file that is gone: it is uploaded again, or lost."""
    path = account.write(tmp_path / "r.jsonl")
    assert account.ours.upload(path, earlier="files/gone") != "files/gone"
    batch = account.create(path)
    account.sandbox.settle()
    batch = account.ours.retrieve(batch.id)
    account.theirs.files.delete(name=str(batch.output_file_id))
    with pytest.raises(ResultsGoneError, match="does not show result file"):
        account.ours.download(batch, tmp_path / "results.jsonl")


def test_an_expired_batch_has_no_results(account: Both, tmp_path: Path) -> None:
    """After 48 hours nothing is kept, also what was answered before."""
    fault = {"end": "expired", "ran": 0.5}
    account.sandbox.set_faults({**QUICK, "batches": [fault]})
    batch = account.create(account.write(tmp_path / "r.jsonl", 4))
    account.sandbox.settle()
    batch = account.ours.retrieve(batch.id)
    assert batch.provider_status == "BATCH_STATE_EXPIRED"
    assert batch.status is BatchStatus.ENDED
    assert account.ours.download(batch, tmp_path / "results.jsonl") == 0


def test_a_cancelled_batch_keeps_what_ran(account: Both, tmp_path: Path) -> None:
    """Its answers are downloaded; what did not run has no line."""
    slow = {"durations": {"validating": 0, "in_progress": 100, "finalizing": 0}}
    account.sandbox.set_faults(slow)
    batch = account.create(account.write(tmp_path / "r.jsonl", 4))
    account.sandbox.backend.worker.wait_idle()
    account.sandbox.advance(60)
    assert account.ours.cancel(f"batches/{batch.id}").status is BatchStatus.CANCELLING
    account.sandbox.settle()
    batch = account.ours.retrieve(batch.id)
    assert batch.provider_status == "BATCH_STATE_CANCELLED"
    assert account.ours.download(batch, tmp_path / "results.jsonl") == 2


def test_rows_of_an_expired_batch_are_sent_again(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose batch expired asks all its rows in a further round."""
    account = Both(sandbox)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", account.url)
    monkeypatch.setenv("GEMINI_API_KEY", account.key)
    for name in ("POLL", "MAX_POLL", "ROUND"):
        monkeypatch.setenv(f"BATCHWRIGHT_{name}_SECONDS", "0.02")
    fault = {"nth": [1], "end": "expired", "ran": 0.5}
    before = sandbox.created()
    sandbox.set_faults({**QUICK, "batches": [fault]})
    (tmp_path / "in.csv").write_text("text\na\nb\n", encoding="utf-8")
    job = BatchJob(
        input=str(tmp_path / "in.csv"),
        model=MODEL,
        prompt="Say {{ text }}",
        output=str(tmp_path / "out.jsonl"),
    )
    report = drive(open_run(job, str(tmp_path / "run")), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: 2}
    assert sandbox.created() - before == 2


def _answering(*answers: Any) -> GeminiProvider:
    """Return a client whose calls get these answers."""
    left = list(answers)

    def answer(_: httpx2.Request) -> httpx2.Response:
        found = left.pop(0)
        return found if isinstance(found, httpx2.Response) else _json(found)

    url = "https://generativelanguage.googleapis.com"
    transport = httpx2.MockTransport(answer)
    return GeminiProvider(url, "some-key", transport=transport)


def _json(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=body)


def _refusal(status: int, word: str, message: str = "No.") -> httpx2.Response:
    error = {"code": status, "message": message, "status": word}
    return _json({"error": error}, status)


def _operation(name: str, **about: Any) -> dict[str, Any]:
    return {"name": f"batches/{name}", "metadata": about}


INTENT = Intent(
    token="t",
    claimed_at=NOW,
    requests=1,
    bytes=1,
    digest="",
    endpoint=CONTENT,
    account=Account(base_url="https://x"),
    input_file_id="files/a",
)


def test_a_lost_batch_is_found_in_any_order() -> None:
    """The list is read to its end, over a page that is empty; its name decides."""
    pages = [
        {"operations": [_operation("old", displayName="x", createTime="2020-01-01")]},
        {},
        {"operations": [_operation("mine", displayName="t"), {"metadata": {}}]},
    ]
    for number, page in enumerate(pages[:-1]):
        page["nextPageToken"] = f"page-{number}"
    assert [batch.id for batch in _answering(*pages).find(INTENT)] == ["mine"]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (_refusal(429, "RESOURCE_EXHAUSTED"), UnreachableError, "Try again later"),
        (_refusal(400, "INVALID_ARGUMENT"), RejectedError, r"\(400\): No\."),
        (_refusal(503, "UNAVAILABLE"), CreationUnknownError, "may exist"),
        (_json({}), CreationUnknownError, "may exist"),
        (
            _refusal(400, "INVALID_ARGUMENT", "API key not valid. Please pass one."),
            AccessError,
            "Check the key that was given",
        ),
        (_refusal(403, "PERMISSION_DENIED"), AccessError, "Check what the key"),
    ],
    ids=["queue full", "bad request", "unclear", "no batch", "bad key", "forbidden"],
)
def test_what_a_creation_may_get(
    tmp_path: Path, answer: httpx2.Response, error: type[Exception], said: str
) -> None:
    """Only a clear refusal means that there is no batch."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"key":"a","request":{"model":"models/gemini-x"}}\n')
    with pytest.raises(error, match=said):
        _answering(answer).create(path, INTENT)


def test_a_file_without_a_model_makes_no_batch(tmp_path: Path) -> None:
    """The model is part of the path, so one must be named."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"key":"a","request":{"contents":[]}}\n')
    with pytest.raises(InputError, match=r"line 1: the request has no `model`"):
        _answering().create(path, INTENT)


@pytest.mark.parametrize(
    ("operation", "status", "word"),
    [
        (_operation("a", state="BATCH_STATE_RUNNING"), "in_progress", None),
        (_operation("a", state="JOB_STATE_PENDING"), "in_progress", None),
        (_operation("a", state="BATCH_STATE_NEW_WORD"), "in_progress", None),
        (_operation("a", state=7), "in_progress", "no state"),
        ({"name": "batches/a"}, "in_progress", "no state"),
        (_operation("a", state="BATCH_STATE_SUCCEEDED"), "ended", None),
        (_operation("a", state="JOB_STATE_PARTIALLY_SUCCEEDED"), "ended", None),
        (_operation("a", state="BATCH_STATE_EXPIRED"), "ended", None),
        (_operation("a", state="BATCH_STATE_FAILED"), "failed", None),
        (
            _operation("a", state="BATCH_STATE_FAILED", output={"responsesFile": "f"}),
            "ended",
            None,
        ),
    ],
)
def test_states(operation: dict[str, Any], status: str, word: str | None) -> None:
    """Each state is ours; a batch that failed in part can be downloaded."""
    batch = read_batch(operation, "gemini")
    state = operation.get("metadata", {}).get("state")
    assert (batch.status, batch.provider_status) == (status, word or state)


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        ({"requestCount": "9", "successfulRequestCount": "7"}, (9, 7, None)),
        ({"requestCount": 9, "failedRequestCount": "1"}, (9, None, 1)),
        ({"requestCount": "many", "failedRequestCount": True}, (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_counts(stats: Any, expected: tuple[int | None, ...]) -> None:
    """Counts are text; what is no number is not known."""
    counts = read_batch(_operation("a", batchStats=stats), "gemini").counts
    assert (counts.total, counts.succeeded, counts.errored) == expected


@pytest.mark.parametrize(
    ("state", "stats", "error"),
    [
        ("BATCH_STATE_RUNNING", {}, BatchNotEndedError),
        ("BATCH_STATE_FAILED", {}, BatchFailedError),
        ("BATCH_STATE_SUCCEEDED", {"successfulRequestCount": "2"}, ResultsGoneError),
    ],
)
def test_no_results(
    tmp_path: Path, state: str, stats: Any, error: type[Exception]
) -> None:
    """A batch that names no file has not ended, was refused, or hides its results."""
    batch = read_batch(_operation("a", state=state, batchStats=stats), "gemini")
    with pytest.raises(error):
        _answering().download(batch, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gemini-3-flash-preview", ("gemini", "gemini-3-flash-preview")),
        ("models/gemini-2.5-pro", ("gemini", "gemini-2.5-pro")),
        ("gemini/models/gemini-2.5-pro", ("gemini", "gemini-2.5-pro")),
        ("gemini/tunedModels/mine", ("gemini", "tunedModels/mine")),
    ],
)
def test_names_of_models(name: str, expected: tuple[str, str]) -> None:
    """A model is known with and without the path of its resource."""
    assert split_model(name) == expected


def test_keys_are_taken_as_the_sdk_takes_them(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GOOGLE_API_KEY comes before GEMINI_API_KEY, and an error names what was set."""
    url = sandbox.base_url("gemini")
    monkeypatch.setenv("GEMINI_API_KEY", "second")
    assert get_provider("gemini", url)._client.headers["x-goog-api-key"] == "second"  # type: ignore[attr-defined]
    monkeypatch.setenv("GOOGLE_API_KEY", "AIzaThisOneLooksReal")
    with pytest.raises(AccessError) as caught:
        get_provider("gemini", url).account()
    assert "the key in GOOGLE_API_KEY" in str(caught.value)
    assert "AIza" not in str(caught.value)


def test_parts_go_to_our_own_host_alone(tmp_path: Path) -> None:
    """An upload address on another host is not followed there."""
    hosts: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        hosts.append(str(request.url))
        headers = {"x-goog-upload-url": "https://elsewhere.example/up?upload_id=1"}
        return httpx2.Response(200, json={"file": {"name": "files/a"}}, headers=headers)

    path = tmp_path / "r.jsonl"
    path.write_bytes(b"{}\n")
    make: Callable[..., GeminiProvider] = GeminiProvider
    client = make("https://a.example", "k", transport=httpx2.MockTransport(answer))
    assert client.upload(path) == "files/a"
    own = "https://a.example"
    assert hosts == [f"{own}/upload/v1/files", f"{own}/up?upload_id=1"]
