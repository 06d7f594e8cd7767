"""A pytest plugin for the SDKs' own tests: their fixture `client`, on a sandbox.

Their own `conftest.py` needs packages for recorded and faked responses, which the tests
that go to a server do not use. The tests name objects that a faked server would invent;
here they are in the sandbox before each test.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import anthropic
import httpx2
import openai
import orjson
import pytest

from batchwright.sandbox import Sandbox
from batchwright.sandbox.engine.store import BatchRow, FileRow

ENDPOINT = "/v1/responses"
ASKED = {"model": "gpt-4o", "input": "x"}
LINE = orjson.dumps(
    {"custom_id": "a", "method": "POST", "url": ENDPOINT, "body": ASKED}
)
MESSAGES = [{"role": "user", "content": "x"}]
PARAMS = {"model": "claude-sonnet-4-5", "max_tokens": 5, "messages": MESSAGES}

faked = ModuleType("respx")
faked.MockRouter = object  # type: ignore[attr-defined]  # named in annotations only
sys.modules.setdefault("respx", faked)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of their tests."""
    for name in ("respx", "respx2", "asyncio"):
        config.addinivalue_line("markers", f"{name}: of the SDK's own plugins")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[object]:
    """A client of the SDK under test; the parameter says whether it is strict."""
    ended = "delete" in request.node.name
    phases = ("validating", "in_progress", "cancelling")
    sandbox.set_faults({"durations": dict.fromkeys(phases, 0.01 if ended else 1000)})
    _fill(sandbox, ended=ended)
    is_openai = "Anthropic" not in str(request.function.__annotations__)
    kind = openai.OpenAI if is_openai else anthropic.Anthropic
    with kind(
        base_url=sandbox.base_url("openai" if is_openai else "anthropic"),
        api_key=sandbox.api_key,
        max_retries=0,
        _strict_response_validation=getattr(request, "param", True),
    ) as made:
        yield made


def _fill(sandbox: Sandbox, *, ended: bool) -> None:
    """Add a file and a batch of each vendor, under the IDs that the tests name."""
    headers = {
        "authorization": f"Bearer {sandbox.api_key}",
        "anthropic-version": "2023-06-01",
    }
    with httpx2.Client(base_url=sandbox.url, headers=headers) as http:
        file = http.post(
            "/openai/v1/files", data={"purpose": "batch"}, files={"file": ("x", LINE)}
        ).json()
        asked = {"endpoint": ENDPOINT, "completion_window": "24h"}
        batch = http.post(
            "/openai/v1/batches", json={**asked, "input_file_id": file["id"]}
        ).json()
        requests = [{"custom_id": "a", "params": PARAMS}]
        url = "/anthropic/v1/messages/batches"
        made = http.post(url, json={"requests": requests}).json()
    if ended:
        sandbox.settle()
    store = sandbox.backend.store
    for kind, found, name in (
        (FileRow, file["id"], "file_id"),
        (BatchRow, batch["id"], "batch_id"),
        (BatchRow, made["id"], "message_batch_id"),
    ):
        row = store.get(kind, found)
        assert row is not None
        store.remove(kind, name)
        store.add(replace(row, id=name, seq=0))
        if store.path(found).exists():
            shutil.copy(store.path(found), store.path(name))
