"""The control routes: look at a running sandbox and steer it, from any process."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from batchwright.errors import InputError
from batchwright.sandbox import Sandbox


def test_state_shows_every_batch(clients: Any, chat: Any) -> None:
    """Batches come with account, status, first ID and metadata."""
    batch = clients.run([chat("first"), chat("second")], metadata={"token": "t"})
    state = httpx2.get(f"{clients.sandbox.url}/_sandbox/state").json()
    (shown,) = state["batches"]
    assert shown["id"] == batch.id
    assert shown["status"] == "completed"
    assert shown["first_custom_id"] == "first"
    assert shown["metadata"] == {"token": "t"}
    assert shown["requests"] == 2


def test_faults_can_change_while_it_runs(clients: Any) -> None:
    """New faults hold from the next call on; wrong ones change nothing."""
    url = f"{clients.sandbox.url}/_sandbox/faults"
    rule = {"do": "status", "status": 404}
    assert httpx2.put(url, json={"calls": [rule]}).status_code == 200
    with pytest.raises(openai.NotFoundError):
        clients.openai.batches.list()
    answer = httpx2.put(url, json={"calls": [{"do": "nothing"}]})
    assert answer.status_code == 400
    assert "calls.0.do" in answer.json()["error"]
    with pytest.raises(openai.NotFoundError):
        clients.openai.batches.list()
    httpx2.put(url, json={})
    assert not list(clients.openai.batches.list())


@pytest.mark.parametrize("body", [b"", b"{}", b'{"seconds":"x"}', b'{"seconds":-1}'])
def test_the_clock_moves_forward_only(sandbox: Sandbox, body: bytes) -> None:
    """Seconds from 0 on move it; anything else is a 400."""
    url = f"{sandbox.url}/_sandbox/clock/advance"
    before = httpx2.post(url, json={"seconds": 0}).json()["now"]
    assert httpx2.post(url, json={"seconds": 100}).json()["now"] >= before + 100
    assert httpx2.post(url, content=body).status_code == 400


def test_calls_are_recorded_with_their_operation(clients: Any, chat: Any) -> None:
    """Every call is there in its order, told by what it does."""
    clients.raw(clients.run([chat()]).output_file_id)
    operations = [call.operation for call in clients.sandbox.calls()]
    assert operations == ["upload", "create", "retrieve", "download"]


def test_a_taken_port_is_an_input_error(sandbox: Sandbox) -> None:
    """The sentence names the port and the option."""
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(InputError, match=f"{port}.*--port"):
        Sandbox(port=port).start()


def test_unknown_paths_are_not_found(clients: Any) -> None:
    """A route that is not there answers 404 in the provider's envelope."""
    with pytest.raises(openai.NotFoundError):
        clients.openai.get("/nothing", cast_to=httpx2.Response)


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:1", 200), ("127.0.0.1", 200), ("attacker.example", 400)],
)
def test_other_host_names_are_refused(host: str, status: int, sandbox: Sandbox) -> None:
    """A page whose name was made to lead to this machine does not reach it."""
    answer = httpx2.get(f"{sandbox.url}/_sandbox/state", headers={"Host": host})
    assert answer.status_code == status


def test_a_sandbox_that_others_use_has_any_name() -> None:
    """Whoever opens it to a network decides by what name it is called."""
    with Sandbox(host="0.0.0.0") as sandbox:  # noqa: S104 - the point of the test
        port = sandbox.url.rpartition(":")[2]
        url = f"http://127.0.0.1:{port}/_sandbox/state"
        answer = httpx2.get(url, headers={"Host": "box.example"})
    assert answer.status_code == 200
