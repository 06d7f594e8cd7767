"""What both clients promise, over real HTTP."""

from __future__ import annotations

import pickle
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from batchwright.errors import (
    AccessError,
    BatchNotEndedError,
    BatchwrightError,
    CreationUnknownError,
    DownloadCutError,
    InputError,
    MissingKeyError,
    ProviderError,
    RejectedError,
    ResultsGoneError,
    UnknownBatchError,
    UnreachableError,
)
from batchwright.models import Account, BatchStatus, Intent
from batchwright.providers import get_provider
from batchwright.providers.anthropic.client import AnthropicProvider
from batchwright.providers.http.client import create_budget
from batchwright.providers.openai.client import OpenAIProvider
from batchwright.sandbox import Sandbox
from batchwright.settings import get_settings


def fault(operation: str, do: str = "status", **rest: Any) -> dict[str, Any]:
    """Return a fault file with one call fault."""
    return {"calls": [{"operation": operation, "do": do, **rest}]}


def test_batch_goes_from_file_to_results(client: Any) -> None:
    """A request file becomes a batch, and the batch one result line per request."""
    told: list[tuple[int, int | None]] = []
    batch = client.ended(7)
    path = client.folder / "results.jsonl"
    lines = client.provider.download(
        batch, path, lambda done, total: told.append((done, total))
    )
    answered = path.read_bytes().split(b"\n")[:-1]
    results = [client.provider.decode(line) for line in answered]
    assert lines == len(results) == 7
    assert {result.custom_id for result in results} == {
        f"row-{row:09}" for row in range(7)
    }
    assert batch.counts.total == batch.counts.succeeded == 7
    assert told[-1][0] >= path.stat().st_size
    assert sorted(item.name for item in client.folder.iterdir()) == [
        "requests-7.jsonl",
        "results.jsonl",
    ]


def test_progress_of_sending_ends_at_the_size_of_the_file(client: Any) -> None:
    """The bytes told while sending grow to the whole file."""
    told: list[tuple[int, int | None]] = []
    path = client.write(50)
    client.provider.upload(path, lambda *pair: told.append(pair))
    client.provider.create(path, client.intent(path), lambda *pair: told.append(pair))
    assert told[-1][0] == told[-1][1]
    assert path.stat().st_size - 1 <= told[-1][0] <= path.stat().st_size


def test_account_names_its_newest_batch(client: Any) -> None:
    """The account has no newest batch at first, then the one just created."""
    before = client.provider.account()
    batch = client.create()
    assert before.newest_batch_id is None
    assert before.organization
    assert before.base_url == client.base_url
    assert client.provider.account().newest_batch_id == batch.id


def test_list_pages_through_everything_once(client: Any) -> None:
    """Listing with a small page yields each batch once, newest first."""
    made = [client.create().id for _ in range(5)]
    client.provider.page_size = 2
    assert [batch.id for batch in client.provider.list(10)] == made[::-1]
    assert [batch.id for batch in client.provider.list(3)] == made[:1:-1]


@pytest.mark.parametrize("do", ["no_has_more", "repeat_page", "empty_page"])
def test_odd_pages_neither_repeat_nor_hang(client: Any, do: str) -> None:
    """A list without `has_more`, with repeats or with an empty page comes to an end."""
    made = {client.create().id for _ in range(3)}
    client.provider.page_size = 2
    client.sandbox.set_faults(fault("list", do))
    found = [batch.id for batch in client.provider.list(10)]
    assert len(found) == len(set(found))
    assert set(found) == (set() if do == "empty_page" else made)


def test_search_does_not_take_an_empty_page_for_absence(client: Any) -> None:
    """A page that is empty but claims more proves nothing about a lost batch."""
    path = client.write()
    intent = client.intent(path)
    client.provider.create(path, intent)
    client.sandbox.set_faults(fault("list", "empty_page"))
    with pytest.raises(UnreachableError, match="to its end"):
        client.provider.find(intent)


def test_lost_batch_is_found_behind_newer_ones(client: Any) -> None:
    """A batch whose answer got lost is found, and batches of other claims are not."""
    client.create(2)
    path = client.write(4)
    intent = client.intent(path, token="lost")
    client.sandbox.set_faults(fault("create", "drop", after=True, nth=[1]))
    with pytest.raises(CreationUnknownError, match="may exist"):
        client.provider.create(path, intent)
    lost = client.provider.account().newest_batch_id
    for _ in range(3):
        client.create(2)
    client.provider.page_size = 2
    assert [batch.id for batch in client.provider.find(intent)] == [lost]


@pytest.mark.parametrize("hours", [-5, 5])
def test_wrong_clock_hides_no_lost_batch(client: Any, hours: int) -> None:
    """The server's times decide what is newer, not the clock of this machine."""
    client.create(2)
    path = client.write(4)
    intent = client.intent(path)
    batch = client.provider.create(path, intent)
    skewed = intent.model_copy(
        update={"claimed_at": datetime.now(UTC) + timedelta(hours=hours)}
    )
    assert [found.id for found in client.provider.find(skewed)] == [batch.id]


@pytest.mark.parametrize(
    ("do", "rest"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 502}),
        ("status", {"status": 507}),
        ("status", {"status": 409}),
        ("status", {"status": 408}),
        ("drop", {"after": True}),
        ("drop", {"after": False}),
        ("bad_json", {}),
        ("html", {}),
        ("cut", {}),
    ],
)
def test_unclear_creation_is_sent_once(client: Any, do: str, rest: Any) -> None:
    """Whatever leaves it open whether a batch exists is said, and never repeated."""
    path = client.write()
    intent = client.intent(path)
    client.sandbox.set_faults(fault("create", do, **rest))
    before = client.operations().count("create")
    with pytest.raises(CreationUnknownError) as caught:
        client.provider.create(path, intent)
    assert client.operations().count("create") == before + 1
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, None, RejectedError),
        (401, None, AccessError),
        (402, None, AccessError),
        (403, None, AccessError),
        (404, None, RejectedError),
        (413, None, RejectedError),
        (422, None, RejectedError),
        (429, None, UnreachableError),
        (429, "insufficient_quota", AccessError),
    ],
)
def test_refused_creation_made_no_batch(
    client: Any, status: int, code: str | None, error: type[ProviderError]
) -> None:
    """A clear refusal is its own error, and only 429 is worth another try."""
    path = client.write()
    intent = client.intent(path)
    client.sandbox.set_faults(
        fault("create", status=status, code=code, message="No such luck.")
    )
    with pytest.raises(ProviderError, match="No such luck") as caught:
        client.provider.create(path, intent)
    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.retryable == (error is UnreachableError)
    assert client.provider.account().newest_batch_id is None


def test_creation_that_never_left_made_no_batch(client: Any) -> None:
    """Where no connection came about, nothing was sent, so nothing is in doubt."""
    path = client.write()
    intent = client.intent(path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        provider = get_provider(client.name, f"http://127.0.0.1:{port}", "key")
        with pytest.raises(UnreachableError, match=rf"127\.0\.0\.1:{port} gave no"):
            provider.create(path, intent)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (httpx2.ReadTimeout, CreationUnknownError),
        (httpx2.WriteTimeout, CreationUnknownError),
        (httpx2.ReadError, CreationUnknownError),
        (httpx2.RemoteProtocolError, CreationUnknownError),
        (httpx2.ConnectTimeout, UnreachableError),
        (httpx2.ConnectError, UnreachableError),
        (httpx2.ProxyError, UnreachableError),
    ],
)
@pytest.mark.parametrize("vendor", [OpenAIProvider, AnthropicProvider])
def test_broken_creation_is_unclear_once_it_was_sent(
    tmp_path: Path, vendor: Any, broken: Any, error: type[ProviderError]
) -> None:
    """What broke before anything was sent is safe; all else may be a batch."""
    sent: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        raise broken("gone", request=request)

    path = tmp_path / "r.jsonl"
    path.write_bytes(b"{}\n")
    provider = vendor("http://x", "key", transport=httpx2.MockTransport(handler))
    intent = Intent(
        token="t",
        claimed_at=datetime.now(UTC),
        requests=1,
        bytes=3,
        digest="",
        endpoint="/v1/chat/completions",
        account=Account(base_url="http://x"),
        input_file_id="file-1",
    )
    with pytest.raises(ProviderError) as caught:
        provider.create(path, intent)
    assert type(caught.value) is error
    assert len(sent) == 1


def test_creation_ends_within_the_time_out_as_a_whole() -> None:
    """All phases of a create call together take no longer than one time-out."""
    limits, body_seconds = create_budget()
    phases = (limits.connect, limits.pool, limits.write, limits.read, body_seconds)
    assert sum(phase or float("inf") for phase in phases) <= (
        get_settings().http_timeout_seconds
    )


@pytest.mark.parametrize("status", [500, 503, 529])
def test_passing_trouble_is_retried(client: Any, status: int) -> None:
    """A call other than a creation survives one answer of a busy server."""
    batch = client.create()
    client.sandbox.set_faults(
        fault("retrieve", status=status, nth=[1], retry_after_ms=1)
    )
    assert client.provider.retrieve(batch.id).id == batch.id


@pytest.mark.parametrize(
    "header",
    [
        {"retry_after_seconds": 9000},
        {"retry_after_ms": 9_000_000},
        {"retry_after_date_seconds": 9000},
    ],
)
def test_long_waits_are_not_slept_but_told(client: Any, header: Any) -> None:
    """An answer that asks for hours is an error that says for how long, at once."""
    client.sandbox.set_faults(fault("list", status=429, **header))
    with pytest.raises(UnreachableError) as caught:
        client.provider.account()
    assert caught.value.retry_after_seconds == pytest.approx(9000, abs=30)


@pytest.mark.parametrize("do", ["bad_json", "html"])
def test_garbled_answer_is_trouble_that_may_pass(client: Any, do: str) -> None:
    """A look at a batch that brings no batch object can be tried again."""
    batch = client.create()
    client.sandbox.set_faults(fault("retrieve", do))
    with pytest.raises(UnreachableError, match="proxy"):
        client.provider.retrieve(batch.id)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>404 Not Found</html>",
        b'{"detail": "Not Found"}',
        b'{"error": {"message": "Invalid URL (GET /v1/v1/batches/b)", "type": "x"}}',
    ],
)
@pytest.mark.parametrize("vendor", [OpenAIProvider, AnthropicProvider])
def test_absence_is_only_believed_in_the_api_s_words(vendor: Any, body: bytes) -> None:
    """A 404 of a wrong base URL does not say that a paid batch is unknown."""
    answer = httpx2.Response(404, content=body)
    provider = vendor(
        "http://wrong/v2", "key", transport=httpx2.MockTransport(lambda _: answer)
    )
    with pytest.raises(RejectedError, match="right base URL") as caught:
        provider.retrieve("b")
    assert not isinstance(caught.value, UnknownBatchError)


@pytest.mark.parametrize("batch_id", ["nope", "", ".", "..", "a/b", "ü ?#"])
def test_unknown_batch_is_said_so(client: Any, batch_id: str) -> None:
    """An ID that names no batch is one clear error for each call that takes one."""
    for call in (client.provider.retrieve, client.provider.cancel):
        with pytest.raises(UnknownBatchError):
            call(batch_id)


def test_id_of_the_other_vendor_is_recognised(client: Any) -> None:
    """An ID that looks like the other provider's comes with the way out."""
    foreign = {"openai": "msgbatch_01", "anthropic": "batch_01"}[client.name]
    with pytest.raises(UnknownBatchError, match="use --provider"):
        client.provider.retrieve(foreign)


def test_cancelling_stops_a_running_batch(client: Any) -> None:
    """A cancelled batch ends, and what it holds can be downloaded."""
    batch = client.create()
    stopping = client.provider.cancel(batch.id)
    assert stopping.status in {BatchStatus.CANCELLING, BatchStatus.ENDED}
    client.sandbox.settle()
    ended = client.provider.retrieve(batch.id)
    assert ended.status is BatchStatus.ENDED
    assert client.provider.download(ended, client.folder / "out.jsonl") >= 0


def test_cancelling_an_ended_batch_returns_it(client: Any) -> None:
    """A batch that already ended is returned as it is."""
    assert client.provider.cancel(client.ended().id).status is BatchStatus.ENDED


def test_running_batch_is_not_downloaded(client: Any) -> None:
    """Before the end there is no download, and the text says how far it is."""
    with pytest.raises(BatchNotEndedError, match="is still"):
        client.provider.download(client.create(), client.folder / "out.jsonl")


@pytest.mark.parametrize(
    "lines",
    [
        {"crlf": True},
        {"bom": True},
        {"blank_lines": True},
        {"end": "none"},
        {"end": "double"},
        {"bom": True, "crlf": True, "blank_lines": True, "end": "double"},
    ],
)
def test_odd_result_files_become_plain_ones(client: Any, lines: Any) -> None:
    """Marks, blank lines and odd ends never make, lose or join result lines."""
    client.sandbox.set_faults({"batches": [{"lines": lines}]})
    path = client.folder / "out.jsonl"
    assert client.provider.download(client.ended(9), path) == 9
    raw = path.read_bytes()
    assert raw.count(b"\n") == 9
    assert raw.endswith(b"\n")
    assert not raw.startswith(b"\xef\xbb\xbf")
    answered = raw.split(b"\n")[:-1]
    outcomes = {client.provider.decode(line).custom_id for line in answered}
    assert len(outcomes) == 9


@pytest.mark.parametrize("kind", ["separators", "control_characters", "lone_surrogate"])
def test_strange_characters_split_no_line(client: Any, kind: str) -> None:
    """Only a newline ends a line, whatever else the text holds."""
    client.sandbox.set_faults({"batches": [{"answers": [{"kind": kind}]}]})
    assert client.provider.download(client.ended(4), client.folder / "out.jsonl") == 4


@pytest.mark.parametrize("do", ["cut", "cut_unframed", "html"])
def test_cut_download_is_an_error(client: Any, do: str) -> None:
    """A download that broke off is an error worth a retry."""
    batch = client.ended(9)
    client.sandbox.set_faults(fault("download", do))
    with pytest.raises(DownloadCutError) as caught:
        client.provider.download(batch, client.folder / "out.jsonl")
    assert caught.value.retryable


def test_a_cut_refusal_is_no_answer(client: Any) -> None:
    """Where the text of an error breaks off, nothing is known of the results."""
    batch = client.ended(3)
    client.sandbox.advance(timedelta(days=40).total_seconds())
    client.sandbox.set_faults(fault("download", "cut"))
    with pytest.raises(ProviderError) as caught:
        client.provider.download(batch, client.folder / "out.jsonl")
    assert caught.value.retryable


def test_lines_that_the_provider_lost_are_believed_lost(client: Any) -> None:
    """Fewer lines than requests are accepted once a second download has no more."""
    client.sandbox.set_faults({"batches": [{"lines": {"missing": {"nth": [2, 5]}}}]})
    batch = client.ended(9)
    before = client.operations().count("download")
    assert client.provider.download(batch, client.folder / "out.jsonl") == 7
    assert client.operations().count("download") == before + 2


def test_lines_that_come_twice_are_kept(client: Any) -> None:
    """More lines than requests are all written; telling them apart is not its job."""
    client.sandbox.set_faults({"batches": [{"lines": {"duplicate": {"nth": [1]}}}]})
    assert client.provider.download(client.ended(3), client.folder / "out.jsonl") == 4


def test_old_results_are_gone(client: Any) -> None:
    """What the provider no longer keeps is said to be gone, not worth a retry."""
    batch = client.ended()
    client.sandbox.advance(timedelta(days=40).total_seconds())
    with pytest.raises(ResultsGoneError) as caught:
        client.provider.download(
            client.provider.retrieve(batch.id), client.folder / "out.jsonl"
        )
    assert not caught.value.retryable


def test_missing_request_file_is_one_sentence(client: Any) -> None:
    """A request file that is not there is named before anything is sent."""
    missing = client.folder / "none.jsonl"
    intent = client.intent(client.write()).model_copy(update={"input_file_id": None})
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read"):
        client.provider.create(missing, intent)


def test_unknown_status_counts_as_running(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A word that is not known is kept, taken for running, and warned of once."""
    word = f"pondering-{client.name}"
    client.sandbox.set_faults({"batches": [{"status": word}]})
    batch = client.create()
    for _ in range(2):
        batch = client.provider.retrieve(batch.id)
        assert batch.status is BatchStatus.IN_PROGRESS
        assert batch.provider_status == word
    assert caplog.text.count(word) == 1


@pytest.mark.parametrize("counts", ["null", "missing", "zero", "null_members"])
def test_batch_without_counts_is_read_and_downloaded(client: Any, counts: str) -> None:
    """Counts that are missing, null or zero neither break reading nor downloading."""
    client.sandbox.set_faults({"batches": [{"counts": counts}]})
    batch = client.ended(4)
    assert batch.counts.done == 0
    assert next(client.provider.list(1)).id == batch.id
    assert client.provider.download(batch, client.folder / "out.jsonl") == 4


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_missing_key_names_variable_and_way_out(name: str) -> None:
    """Without a key the message says which variable to set, and what needs none."""
    with pytest.raises(MissingKeyError, match=rf"{name.upper()}_API_KEY.*--sandbox"):
        get_provider(name)


@pytest.mark.parametrize("key", ["kéy", "a key", "key\nkey"])
def test_key_that_is_none_is_refused_without_showing_it(key: str) -> None:
    """What cannot be a key never gets into a header, nor into the message."""
    with pytest.raises(MissingKeyError) as caught:
        get_provider("openai", "http://127.0.0.1:1", key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "base_url", ["localhost:8000", "ftp://x", "http://", "http://x:y"]
)
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_base_url_must_be_an_address(name: str, base_url: str) -> None:
    """An address that cannot be one is refused before any call."""
    with pytest.raises(InputError, match="Base URL"):
        get_provider(name, base_url, "key")


@pytest.mark.parametrize(
    ("key", "name"),
    [("sk-ant-api03-x", "the key that was given"), (None, "the key in {}_API_KEY")],
)
@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_a_refused_key_is_called_by_where_it_is_from(
    vendor: str, key: str | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 says which key to look at: that of the environment, or the one given."""
    monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "sk-proj-looks-real")
    with Sandbox() as sandbox:
        urls = {
            "openai": sandbox.openai_base_url,
            "anthropic": sandbox.anthropic_base_url,
        }
        with pytest.raises(AccessError, match=name.format(vendor.upper())):
            get_provider(vendor, urls[vendor], key).account()


def test_key_is_in_no_error(client: Any) -> None:
    """A provider that repeats the key in its answer does not get it into our texts."""
    key = "very-secret-value"
    provider = get_provider(client.name, client.base_url, key)
    message = f"Incorrect API key provided: {key} or sk-proj-12****cdef."
    client.sandbox.set_faults(fault("list", status=401, message=message))
    with pytest.raises(AccessError, match=r"\[key\]") as caught:
        provider.account()
    for text in (str(caught.value), repr(caught.value), repr(provider.__dict__)):
        assert key not in text
        assert "sk-proj" not in text
    assert caught.value.__suppress_context__


def test_errors_survive_pickling(client: Any) -> None:
    """What a task raises arrives whole in another process."""
    with pytest.raises(BatchwrightError) as caught:
        client.provider.retrieve("nope")
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert type(copy) is type(caught.value)
    assert str(copy) == str(caught.value)


def test_http_carries_no_idempotency_key_on_creation(client: Any) -> None:
    """A creation goes out as the first try, and says so."""
    client.create()
    sent = [call for call in client.sandbox.calls() if call.operation == "create"][-1]
    assert sent.headers["x-stainless-retry-count"] == "0"
    assert int(sent.headers["content-length"]) > 0


def test_result_file_is_readable_by_others(client: Any, tmp_path: Path) -> None:
    """The results have the rights that any new file of the user has."""
    plain = tmp_path / "plain"
    plain.touch()
    path = client.folder / "out.jsonl"
    client.provider.download(client.ended(), path)
    assert path.stat().st_mode == plain.stat().st_mode
