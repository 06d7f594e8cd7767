"""A sandbox and both official SDKs, strict about every response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import orjson
import pytest

from batchwright.sandbox import Sandbox


class Clients:
    """Both SDKs, talking to one sandbox, and the few steps that tests repeat."""

    def __init__(
        self, sandbox: Sandbox, key: str = "sandbox-key", *, strict: bool = True
    ) -> None:
        self.sandbox = sandbox
        self.openai = openai.OpenAI(
            base_url=sandbox.openai_base_url,
            api_key=key,
            max_retries=0,
            _strict_response_validation=strict,
        )
        self.anthropic = anthropic.Anthropic(
            base_url=sandbox.anthropic_base_url,
            api_key=key,
            max_retries=0,
            _strict_response_validation=strict,
        )

    def close(self) -> None:
        """Close the connections."""
        self.openai.close()
        self.anthropic.close()

    def upload(self, content: bytes) -> str:
        """Upload a request file and return its ID."""
        file = ("requests.jsonl", content)
        return self.openai.files.create(file=file, purpose="batch").id

    def create(
        self, lines: list[Any], endpoint: str = "/v1/chat/completions", **options: Any
    ) -> str:
        """Create an OpenAI batch of lines, objects or bytes; return its ID."""
        content = b"\n".join(
            line if isinstance(line, bytes) else orjson.dumps(line) for line in lines
        )
        batch = self.openai.batches.create(
            input_file_id=self.upload(content + b"\n"),
            endpoint=endpoint,  # type: ignore[arg-type]
            completion_window="24h",
            **options,
        )
        return batch.id

    def run(
        self, lines: list[Any], endpoint: str = "/v1/chat/completions", **options: Any
    ) -> Any:
        """Run an OpenAI batch to its end and return it."""
        batch_id = self.create(lines, endpoint, **options)
        self.sandbox.settle()
        return self.openai.batches.retrieve(batch_id)

    def raw(self, file_id: str | None) -> bytes:
        """Return a file's bytes; nothing for no file."""
        return self.openai.files.content(file_id).content if file_id else b""

    def results(self, batch: Any) -> dict[str, Any]:
        """Return the lines of an OpenAI batch, both files, by `custom_id`."""
        lines = self.raw(batch.output_file_id) + self.raw(batch.error_file_id)
        parsed = [orjson.loads(line) for line in lines.splitlines()]
        return {line["custom_id"]: line for line in parsed}

    def run_anthropic(self, requests: list[Any]) -> Any:
        """Run an Anthropic batch to its end and return it."""
        batch = self.anthropic.messages.batches.create(requests=requests)
        self.sandbox.settle()
        return self.anthropic.messages.batches.retrieve(batch.id)

    def anthropic_raw(self, batch_id: str) -> bytes:
        """Return the bytes of an Anthropic batch's results."""
        url = f"/v1/messages/batches/{batch_id}/results"
        return self.anthropic.get(url, cast_to=httpx2.Response).content


@pytest.fixture
def clients(sandbox: Sandbox) -> Iterator[Clients]:
    """Both SDKs with the sandbox's own key."""
    clients = Clients(sandbox)
    yield clients
    clients.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without faults, with a folder of its own."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def connect() -> Iterator[Any]:
    """Makes `Clients` for other sandboxes or keys, and closes them."""
    made: list[Clients] = []

    def connect(
        sandbox: Sandbox, key: str = "sandbox-key", *, strict: bool = True
    ) -> Clients:
        made.append(Clients(sandbox, key, strict=strict))
        return made[-1]

    yield connect
    for clients in made:
        clients.close()


def chat_line(custom_id: str = "row-0", **body: Any) -> dict[str, Any]:
    """Return one chat request."""
    messages = [{"role": "user", "content": "Is this spam?"}]
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "gpt-4o-mini", "messages": messages, **body},
    }


def message_request(custom_id: str = "row-0", **params: Any) -> dict[str, Any]:
    """Return one Anthropic request."""
    messages = [{"role": "user", "content": "Is this spam?"}]
    base = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages}
    return {"custom_id": custom_id, "params": {**base, **params}}


@pytest.fixture
def chat() -> Any:
    """Builds one chat request line."""
    return chat_line


@pytest.fixture
def message() -> Any:
    """Builds one Anthropic request."""
    return message_request
