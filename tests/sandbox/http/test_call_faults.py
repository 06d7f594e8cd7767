"""What can go wrong with a single HTTP call."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from batchwright.sandbox import Sandbox


def _create(clients: Any, chat: Any) -> str:
    return str(clients.create([chat()]))


STATUSES = [
    (400, openai.BadRequestError, anthropic.BadRequestError),
    (401, openai.AuthenticationError, anthropic.AuthenticationError),
    (403, openai.PermissionDeniedError, anthropic.PermissionDeniedError),
    (404, openai.NotFoundError, anthropic.NotFoundError),
    (409, openai.ConflictError, anthropic.ConflictError),
    (429, openai.RateLimitError, anthropic.RateLimitError),
    (500, openai.InternalServerError, anthropic.InternalServerError),
    (529, openai.InternalServerError, anthropic.OverloadedError),
]


@pytest.mark.parametrize(("status", "of_openai", "of_anthropic"), STATUSES)
def test_any_status_comes_in_the_envelope_of_its_provider(
    clients: Any, message: Any, status: int, of_openai: Any, of_anthropic: Any
) -> None:
    """Each SDK raises the error it has for that status, and nothing was done."""
    rule = {"operation": "create", "do": "status", "status": status, "message": "no!"}
    clients.sandbox.set_faults({"calls": [rule]})
    with pytest.raises(of_openai, match="no!"):
        clients.openai.batches.create(
            input_file_id="f", endpoint="/v1/responses", completion_window="24h"
        )
    with pytest.raises(of_anthropic, match="no!"):
        clients.anthropic.messages.batches.create(requests=[message()])
    assert clients.sandbox.created() == 0


def test_a_status_after_the_work_hides_a_batch(clients: Any, chat: Any) -> None:
    """With `after`, the call fails although the batch exists."""
    rule = {"operation": "create", "do": "status", "status": 500, "after": True}
    clients.sandbox.set_faults({"calls": [rule]})
    with pytest.raises(openai.InternalServerError):
        _create(clients, chat)
    assert clients.sandbox.created() == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_can_drop_before_or_after_the_work(
    clients: Any, chat: Any, *, after: bool
) -> None:
    """The client sees the same; only the sandbox knows whether a batch exists."""
    rule = {"operation": "create", "do": "drop", "after": after, "nth": [1]}
    clients.sandbox.set_faults({"calls": [rule]})
    with pytest.raises(openai.APIConnectionError):
        _create(clients, chat)
    assert clients.sandbox.created() == after
    _create(clients, chat)
    assert clients.sandbox.created() == after + 1


def test_the_sdk_makes_a_second_batch_after_a_lost_answer(
    clients: Any, chat: Any
) -> None:
    """With its own retries on, a lost answer costs twice: calls show the retry."""
    rule = {"operation": "create", "do": "drop", "after": True, "nth": [1]}
    file_id = clients.upload(b'{"custom_id":"a"}')
    clients.sandbox.set_faults({"calls": [rule]})
    clients.openai.with_options(max_retries=1).batches.create(
        input_file_id=file_id, endpoint="/v1/responses", completion_window="24h"
    )
    assert clients.sandbox.created() == 2
    calls = [call for call in clients.sandbox.calls() if call.operation == "create"]
    retries = [call.headers["x-stainless-retry-count"] for call in calls]
    assert retries == ["0", "1"]
    assert calls[0].fault == "drop"


HEADERS: list[tuple[dict[str, Any], str, str]] = [
    ({"retry_after_seconds": 130}, "retry-after", "130"),
    ({"retry_after_ms": 20}, "retry-after-ms", "20"),
    ({"should_retry": False}, "x-should-retry", "false"),
    ({"headers": {"x-ratelimit-limit-tokens": "5"}}, "x-ratelimit-limit-tokens", "5"),
]


@pytest.mark.parametrize(("fields", "name", "value"), HEADERS)
def test_a_429_says_when_to_come_back(
    clients: Any, fields: dict[str, Any], name: str, value: str
) -> None:
    """Every header form of production can be asked for."""
    clients.sandbox.set_faults({"calls": [{"do": "status", "status": 429, **fields}]})
    with pytest.raises(openai.RateLimitError) as caught:
        clients.openai.batches.list()
    assert caught.value.response.headers[name] == value


def test_a_retry_after_can_be_a_date(clients: Any) -> None:
    """As an HTTP date, it lies as far ahead as was asked."""
    rule = {"do": "status", "status": 429, "retry_after_date_seconds": 90}
    clients.sandbox.set_faults({"calls": [rule]})
    with pytest.raises(anthropic.RateLimitError) as caught:
        clients.anthropic.messages.batches.list()
    then = parsedate_to_datetime(caught.value.response.headers["retry-after"])
    assert 80 < then.timestamp() - time.time() <= 90


@pytest.mark.parametrize("do", ["bad_json", "html"])
def test_garbage_with_200_hides_a_batch(clients: Any, chat: Any, do: str) -> None:
    """Half a JSON document or a web page: the batch exists all the same."""
    clients.sandbox.set_faults({"calls": [{"operation": "create", "do": do}]})
    with pytest.raises((openai.OpenAIError, ValueError)):
        _create(clients, chat)
    assert clients.sandbox.created() == 1


def test_a_cut_download_is_seen_by_its_length(clients: Any, chat: Any) -> None:
    """Content-Length promises more than arrives, which the transport reports."""
    batch = clients.run([chat()])
    clients.sandbox.set_faults({"calls": [{"operation": "download", "do": "cut"}]})
    with pytest.raises(openai.APIConnectionError) as caught:
        clients.raw(batch.output_file_id)
    assert isinstance(caught.value.__cause__, httpx2.RemoteProtocolError)


def test_an_unframed_cut_goes_unnoticed(clients: Any, chat: Any) -> None:
    """Without any length, half a file looks like a whole one."""
    batch = clients.run([chat()])
    whole = clients.raw(batch.output_file_id)
    rule = {"operation": "download", "do": "cut_unframed", "keep": 0.25}
    clients.sandbox.set_faults({"calls": [rule]})
    assert clients.raw(batch.output_file_id) == whole[: len(whole) // 4]


def test_a_slow_body_arrives_whole(clients: Any, chat: Any) -> None:
    """Slowness loses nothing."""
    batch = clients.run([chat()])
    whole = clients.raw(batch.output_file_id)
    rule = {"operation": "download", "do": "slow", "seconds": 0.05}
    clients.sandbox.set_faults({"calls": [rule]})
    assert clients.raw(batch.output_file_id) == whole


def test_a_stall_outlasts_an_impatient_client(clients: Any, chat: Any) -> None:
    """A client that waits less than the stall gets a timeout; the batch exists."""
    rule = {"operation": "create", "do": "stall", "seconds": 1}
    file_id = clients.upload(b'{"custom_id":"a"}')
    clients.sandbox.set_faults({"calls": [rule]})
    with pytest.raises(openai.APITimeoutError):
        clients.openai.with_options(timeout=0.2).batches.create(
            input_file_id=file_id, endpoint="/v1/responses", completion_window="24h"
        )
    assert clients.sandbox.created() == 1


LISTS = [
    ("no_has_more", lambda page: "has_more" not in page and len(page["data"]) == 2),
    ("empty_page", lambda page: page["has_more"] and not page["data"]),
    ("repeat_page", lambda page: len(page["data"]) == 4),
]


@pytest.mark.parametrize(("do", "holds"), LISTS)
def test_lists_can_be_odd(clients: Any, chat: Any, do: str, holds: Any) -> None:
    """A list without `has_more`, an empty page with more, items twice."""
    for _ in range(2):
        _create(clients, chat)
    clients.sandbox.set_faults({"calls": [{"operation": "list", "do": do}]})
    page = clients.openai.get("/batches", cast_to=httpx2.Response).json()
    assert holds(page)


def test_probability_is_seeded(connect: Any) -> None:
    """The same seed picks the same calls; another seed picks others."""

    def picked(seed: int) -> list[str | None]:
        rule = {"do": "status", "status": 503, "probability": 0.5}
        with Sandbox(faults={"seed": seed, "calls": [rule]}) as sandbox:
            client = connect(sandbox).openai
            for _ in range(20):
                _try(client)
            return [call.fault for call in sandbox.calls()]

    first = picked(1)
    assert None in first
    assert "status" in first
    assert picked(1) == first
    assert picked(2) != first


def _try(client: openai.OpenAI) -> None:
    try:
        client.batches.list()
    except openai.InternalServerError:
        return


def test_the_first_rule_that_picks_a_call_counts(clients: Any) -> None:
    """Rules are tried in order, and `every` and `first` count their own calls."""
    rules = [
        {"do": "status", "status": 404, "every": 2, "operation": "list"},
        {"do": "status", "status": 403, "first": 3, "provider": "openai"},
    ]
    clients.sandbox.set_faults({"calls": rules})
    seen = []
    for _ in range(5):
        try:
            clients.openai.batches.list()
            seen.append(200)
        except openai.APIStatusError as exc:
            seen.append(exc.status_code)
    assert seen == [403, 404, 403, 404, 200]
