"""Tests of `runs.create.submit_file`: a lost call is settled, whatever the file is now.

Each call here that is lost ends as by SIGKILL, right after its request was sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from batchwright.errors import InputError, RunError
from batchwright.models import RequestTemplate, RunEvent
from batchwright.providers import Provider, get_provider
from batchwright.providers.anthropic.client import AnthropicProvider
from batchwright.providers.openai.client import OpenAIProvider
from batchwright.runs.create.submit_file import submit_file
from batchwright.runs.events import listening
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
ENDPOINTS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
CLIENTS = {"openai": OpenAIProvider, "anthropic": AnthropicProvider}
BOTH = pytest.mark.parametrize("provider", list(MODELS))
REQUESTS = 3
LONG = {"durations": {"in_progress": 3600}}


class Death(BaseException):
    """The process ends here; nothing below catches it."""


class Deadly(httpx2.HTTPTransport):
    """A network in which no create call returns."""

    def __init__(self, *, sends: bool) -> None:
        super().__init__()
        self._sends = sends

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request, and die if it creates a batch."""
        creates = request.method == "POST" and request.url.path.endswith("/batches")
        if creates and not self._sends:
            raise Death
        response = super().handle_request(request)
        if creates:
            raise Death
        return response


def write(path: Path, provider: str, text: str, name: str = "row") -> Path:
    """Write a request file."""
    client = get_provider(provider)
    encode = client.encoder(
        RequestTemplate(
            model=MODELS[provider], endpoint=ENDPOINTS[provider], max_tokens=9
        )
    )
    path.write_bytes(
        b"".join(
            encode(f"{name}-{row}", [{"role": "user", "content": f"{text} {row}"}])
            for row in range(REQUESTS)
        )
    )
    return path


def lose(path: Path, provider: str, *, sends: bool = True) -> None:
    """Die in the call that creates the batch of a request file."""
    with pytest.raises(Death):
        submit_file(path, CLIENTS[provider](transport=Deadly(sends=sends)))


def submit(path: Path, client: Provider, **options: Any) -> tuple[str, list[str], Any]:
    """Submit as the command does; return the batch, what was said, and the rest."""
    said: list[str] = []

    def hear(event: RunEvent) -> None:
        if event.kind == "notice":
            said.append(event.text or "")

    with listening(hear):
        submitted = submit_file(path, client, again=True, **options)
    return submitted.batch.id, said, submitted


@pytest.mark.parametrize("label", ["a/b", "../up", ".", "..", "a\\b", "\0", ".tmp-a"])
def test_a_label_that_is_no_name_is_refused(
    label: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its records would lie in another folder, so its batch would be bought again."""
    requests = tmp_path / "requests.jsonl"
    requests.write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"The label .* cannot name a folder"):
        submit_file(requests, get_provider("openai"), label=label)
    assert list(tmp_path.iterdir()) == [requests]


@BOTH
@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("ids", ["row", "other"])
def test_a_changed_file_gets_its_own_batch(
    provider: str, ids: str, sandbox: Sandbox, tmp_path: Path, *, ended: bool
) -> None:
    """The batch of the lost call is named, and never taken for the new content's."""
    sandbox.set_faults(LONG)
    path = write(tmp_path / "requests.jsonl", provider, "old")
    lose(path, provider)
    (old,) = [batch.id for batch in sandbox.batches()]
    if ended:
        sandbox.settle()
    write(path, provider, "new", ids)
    client = get_provider(provider)
    new, said, submitted = submit(path, client)
    assert new != old
    assert sandbox.created() == 2
    assert submitted.earlier == (old,)
    assert not submitted.adopted
    assert f"stop it with `batchwright cancel --batch-id {old}`" in said[-1]
    unproved = provider == "anthropic" and not ended
    assert any(f"not proved that batch {old}" in each for each in said) is unproved
    sandbox.settle()
    client.download(client.retrieve(new), tmp_path / "results.jsonl")
    assert f'"{ids}-0"' in (tmp_path / "results.jsonl").read_text("utf-8")


@BOTH
def test_a_lost_call_that_created_nothing_is_made_up_for(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A changed file whose first call never arrived is submitted without a word."""
    path = write(tmp_path / "requests.jsonl", provider, "old")
    lose(path, provider, sends=False)
    write(path, provider, "new")
    _, said, submitted = submit(path, get_provider(provider))
    assert submitted.earlier == ()
    assert [each for each in said if "Looking for" not in each] == []
    assert sandbox.created() == 1


@pytest.mark.parametrize("created", [True, False])
@pytest.mark.parametrize("ended", [True, False])
def test_another_clients_batch_is_not_taken_for_ours(
    sandbox: Sandbox, tmp_path: Path, *, ended: bool, created: bool
) -> None:
    """Anthropic's batch of a lost call is proved by its `custom_id`s, not its size."""
    sandbox.set_faults(LONG if not ended else {})
    path = write(tmp_path / "requests.jsonl", "anthropic", "ours")
    lose(path, "anthropic", sends=created)
    client = get_provider("anthropic")
    if not (created and not ended):
        (tmp_path / "elsewhere").mkdir()
        other = write(tmp_path / "elsewhere/other.jsonl", "anthropic", "x", "their")
        submit_file(other, client)
    if ended:
        sandbox.settle()
    else:
        likely, said, _ = submit(path, client)
        assert likely == sandbox.batches()[0].id
        assert f"not proved that batch {likely}" in said[-1]
        assert "Submit the file again once it has ended" in said[-1]
        assert sandbox.created() == 1
        assert submit(path, client)[0] == likely
        sandbox.settle()
    ours, said, submitted = submit(path, client)
    first_ids = {each.id: each.first_custom_id for each in sandbox.batches()}
    assert first_ids[ours] == "row-0"
    assert submitted.adopted is created
    assert not any("not proved" in each for each in said)
    again, _, submitted = submit(path, client)
    assert submitted.earlier == (ours,)
    assert again != ours  # the proof is on record, so the file can be sent once more


def test_the_batch_of_another_file_here_is_no_candidate(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What the records of the files in the same folder name is never ours."""
    sandbox.set_faults(LONG)
    path = write(tmp_path / "requests.jsonl", "anthropic", "ours")
    lose(path, "anthropic", sends=False)
    client = get_provider("anthropic")
    other = write(tmp_path / "other.jsonl", "anthropic", "other", "other")
    theirs = submit_file(other, client).batch.id
    ours, _, submitted = submit(path, client)
    assert ours != theirs
    assert not submitted.adopted


@BOTH
def test_a_batch_record_without_its_intent_counts(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """No other batch is created, and the missing file is named."""
    path = write(tmp_path / "requests.jsonl", provider, "ours")
    client = get_provider(provider)
    submit(path, client)
    (tmp_path / "requests.jsonl.batch/000.intent.json").unlink()
    with pytest.raises(RunError, match=r"000\.intent\.json is damaged"):
        submit(path, client)
    assert sandbox.created() == 1
