"""What only the Anthropic client does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from batchwright.errors import AccessError, DownloadCutError, ResultsGoneError
from batchwright.models import Batch, BatchStatus, RequestCounts
from batchwright.providers import get_provider
from batchwright.providers.anthropic.client import AnthropicProvider, read_batch


def ended(**facts: Any) -> Batch:
    """Return an ended batch."""
    known = {"results_url": "http://x/results", **facts}
    return Batch(
        id="msgbatch_1",
        provider="anthropic",
        status=BatchStatus.ENDED,
        provider_status="ended",
        **known,
    )


def provider(handler: Any) -> AnthropicProvider:
    """Return a provider whose network is a function."""
    return AnthropicProvider(
        "http://own/proxy", "key", transport=httpx2.MockTransport(handler)
    )


@pytest.mark.parametrize(
    "url", ["http://foreign.test/ID", "/elsewhere", "http://foreign.test/{x}"]
)
def test_results_come_from_our_own_host_alone(anthropic_client: Any, url: str) -> None:
    """Wherever `results_url` points, the key goes to the base URL only."""
    anthropic_client.sandbox.set_faults({"batches": [{"results_url": url}]})
    batch = anthropic_client.ended(3)
    assert batch.results_url
    path = anthropic_client.folder / "out.jsonl"
    assert anthropic_client.provider.download(batch, path) == 3


def test_results_are_below_the_base_url_s_own_path(tmp_path: Any) -> None:
    """A base URL with a path keeps it."""
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(200, content=b"{}\n")

    provider(handler).download(ended(), tmp_path / "out.jsonl")
    assert seen == ["http://own/proxy/v1/messages/batches/msgbatch_1/results"]


def test_body_is_the_file_s_lines_in_one_document(anthropic_client: Any) -> None:
    """Every line of the file is one request, whatever ends the file."""
    path = anthropic_client.write(40)
    intent = anthropic_client.intent(path)
    content = path.read_bytes()
    for end in (b"", b"\n", b"\n\n", b"\r\n \n"):
        path.write_bytes(content.rstrip() + end)
        batch = anthropic_client.provider.create(path, intent)
        assert batch.counts.total == 40


def test_batches_of_another_size_are_no_candidates(anthropic_client: Any) -> None:
    """Of what is newer than the baseline only the exact number of requests counts."""
    path = anthropic_client.write(4)
    intent = anthropic_client.intent(path)
    anthropic_client.create(3)
    first = anthropic_client.provider.create(path, intent)
    second = anthropic_client.create(4)
    found = anthropic_client.provider.find(intent)
    assert [batch.id for batch in found] == [second.id, first.id]


def test_lost_batch_is_found_though_the_baseline_is_deleted(
    anthropic_client: Any,
) -> None:
    """Without the baseline the whole list is read, and old batches are left out."""
    old = anthropic_client.ended(4)
    anthropic_client.sandbox.advance(timedelta(hours=2).total_seconds())
    baseline = anthropic_client.ended(2)
    path = anthropic_client.write(4)
    intent = anthropic_client.intent(path)
    assert intent.account.newest_batch_id == baseline.id
    virtual = baseline.created_at + timedelta(seconds=1)
    intent = intent.model_copy(update={"claimed_at": virtual})
    lost = anthropic_client.provider.create(path, intent)
    anthropic_client.provider._client.messages.batches.delete(baseline.id)
    found = [batch.id for batch in anthropic_client.provider.find(intent)]
    assert found == [lost.id]
    assert old.id not in found


def test_archived_results_are_gone(tmp_path: Any) -> None:
    """An ended batch without a results URL is not asked for results."""
    with pytest.raises(ResultsGoneError, match="29 days"):
        provider(None).download(ended(results_url=None), tmp_path / "out.jsonl")


def test_lines_short_without_any_framing_are_never_believed(tmp_path: Any) -> None:
    """A closed connection may be a cut one, however often it looks the same."""

    def handler(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=httpx2.ByteStream(b"{}\n"))

    batch = ended(counts=RequestCounts(total=2))
    with pytest.raises(DownloadCutError, match="1 of 2 lines"):
        provider(handler).download(batch, tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            429,
            {"type": "x", "details": {"error_code": "enforced_spend_limit_reached"}},
        ),
        (
            400,
            {
                "type": "x",
                "message": "You have reached your specified API usage limits.",
            },
        ),
        (400, {"type": "x", "message": "Your credit balance is too low."}),
        (402, {"type": "billing_error", "message": "Pay."}),
    ],
)
def test_spent_account_needs_a_person(status: int, error: Any) -> None:
    """However the API says that the money is out, waiting is not the answer."""
    body = {"type": "error", "error": error}
    answer = httpx2.Response(status, json=body, headers={"x-should-retry": "false"})
    with pytest.raises(AccessError, match="credit") as caught:
        provider(lambda _: answer).account()
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "code", ["workspace_human_review_disabled", "human_review_not_available"]
)
def test_a_setting_of_the_workspace_needs_a_person(code: str) -> None:
    """A workspace that does not allow the call is an access error, not bad input."""
    details = {"error_code": code}
    error = {"type": "invalid_request_error", "message": "Off.", "details": details}
    answer = httpx2.Response(400, json={"type": "error", "error": error})
    with pytest.raises(AccessError, match="workspace's settings") as caught:
        provider(lambda _: answer).account()
    assert caught.value.code == code
    assert not caught.value.retryable


def test_auth_token_of_the_sdk_is_a_key_too(
    anthropic_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's second variable is read where the first is not set."""
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-a-gateway")
    get_provider("anthropic", anthropic_client.base_url).account()


def test_unknown_counts_are_no_total() -> None:
    """Counts that are not all there add up to nothing."""
    counts = {"processing": 1, "succeeded": 2}
    assert (
        read_batch({"id": "m", "request_counts": counts}, "anthropic").counts.total
        is None
    )
