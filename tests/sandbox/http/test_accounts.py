"""Keys: each is an account, none is kept, and real ones are turned away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from batchwright.sandbox import Sandbox

SECRET = "a-key-nobody-may-find-again"


@pytest.mark.parametrize("key", ["sk-proj-abc", "sk-ant-api03-abc", "sk-svcacct-abc"])
def test_a_key_that_looks_real_is_refused(
    sandbox: Sandbox, connect: Any, key: str
) -> None:
    """Both APIs say in one sentence why, without repeating the key."""
    clients = connect(sandbox, key)
    with pytest.raises(openai.AuthenticationError, match="looks like a real one") as a:
        clients.openai.batches.list()
    with pytest.raises(anthropic.AuthenticationError, match="real one") as b:
        clients.anthropic.messages.batches.list()
    assert key not in str(a.value) + str(b.value)


def test_no_key_is_refused_in_each_envelope(sandbox: Sandbox) -> None:
    """401 comes in the words of the API that was called."""
    answer = httpx2.get(f"{sandbox.openai_base_url}/batches")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    answer = httpx2.get(f"{sandbox.anthropic_base_url}/v1/messages/batches")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_anthropic_takes_either_key_header(sandbox: Sandbox, header: str) -> None:
    """Older SDKs and curl send `x-api-key`; the version header is asked for."""
    url = f"{sandbox.anthropic_base_url}/v1/messages/batches?beta=true"
    headers = {header: "Bearer some-key" if header == "authorization" else "some-key"}
    assert httpx2.get(url, headers=headers).status_code == 400
    headers["anthropic-version"] = "2023-06-01"
    answer = httpx2.get(url, headers=headers)
    assert answer.json() == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


def test_accounts_see_only_their_own(
    sandbox: Sandbox, connect: Any, chat: Any, message: Any
) -> None:
    """Another key finds neither batches nor files, and has another organization."""
    mine, other = connect(sandbox, "one"), connect(sandbox, "two")
    batch = mine.run([chat()])
    theirs = mine.run_anthropic([message()])
    with pytest.raises(openai.NotFoundError):
        other.openai.batches.retrieve(batch.id)
    with pytest.raises(openai.NotFoundError):
        other.openai.files.retrieve(batch.input_file_id)
    with pytest.raises(anthropic.NotFoundError):
        other.anthropic.messages.batches.retrieve(theirs.id)
    assert not list(other.openai.batches.list())
    headers = [
        each.openai.batches.with_raw_response.list().headers["openai-organization"]
        for each in (mine, other, mine)
    ]
    assert headers[0] == headers[2] != headers[1]
    assert len({made.account for made in sandbox.batches()}) == 1


def test_the_organization_of_the_request_comes_back(sandbox: Sandbox) -> None:
    """OpenAI's organization and project headers are echoed."""
    client = openai.OpenAI(
        base_url=sandbox.openai_base_url, api_key="k", organization="org-1", project="p"
    )
    headers = client.batches.with_raw_response.list().headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "p")
    client.close()


def test_no_key_is_kept_anywhere(tmp_path: Path, connect: Any, chat: Any) -> None:
    """Neither the folder, nor the log of calls, nor the state holds the key."""
    with Sandbox(tmp_path) as sandbox:
        connect(sandbox, SECRET).run([chat()])
        state = httpx2.get(f"{sandbox.url}/_sandbox/state").text
        calls = httpx2.get(f"{sandbox.url}/_sandbox/calls").text
    assert SECRET not in state + calls
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert kept
    assert SECRET.encode() not in kept


def test_the_environment_leads_both_sdks_here(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the four variables set, the SDKs need no argument."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    with openai.OpenAI() as one, anthropic.Anthropic() as other:
        assert not list(one.batches.list())
        assert not list(other.messages.batches.list())
