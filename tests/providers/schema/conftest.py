"""The way of an answer: its schema converted, answered, and the answer restored."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import jsonschema
import orjson
import pytest

from batchwright.models import RequestTemplate
from batchwright.providers import get_format, get_vendor
from batchwright.providers.anthropic.body import answer_schema
from batchwright.providers.gemini.body import answer_schema as gemini_schema
from batchwright.providers.schema.convert import convert
from batchwright.providers.schema.dialects import OPENAI
from batchwright.sandbox import Sandbox
from batchwright.sandbox.answers.sample import sample
from batchwright.sandbox.anthropic.schema import schema_problem as anthropic_problem
from batchwright.sandbox.gemini.schema import schema_problem as gemini_problem
from batchwright.sandbox.openai.schema import schema_problem as openai_problem

MODELS = {
    "openai": "gpt-5-mini",
    "anthropic": "claude-sonnet-5",
    "gemini": "gemini-2.5-flash",
}
JUDGES = {
    "openai": openai_problem,
    "anthropic": anthropic_problem,
    "gemini": gemini_problem,
}


@dataclass(frozen=True)
class Way:
    """One provider's conversion, judged by rules that know nothing of it."""

    provider: str

    def convert(self, source: dict[str, Any], mode: str = "auto") -> dict[str, Any]:
        """Convert a source schema, and assert that the provider would take it."""
        if self.provider == "openai":
            schema = convert(source, OPENAI)
        elif self.provider == "gemini":
            schema = gemini_schema(source, mode)
        else:
            schema, _ = answer_schema(source, mode, MODELS[self.provider])
        if mode == "auto":
            assert JUDGES[self.provider](schema) is None
        jsonschema.Draft202012Validator.check_schema(schema)
        return schema

    def answers(self, source: dict[str, Any], mode: str = "auto") -> list[Any]:
        """Return restored answers, each of which satisfies the converted schema."""
        schema, fmt = self.convert(source, mode), get_format(self.provider)
        dice = [random.Random(seed) for seed in range(20)]  # noqa: S311 - no secret
        wire = [sample(schema, each) for each in dice]
        for answer in wire:
            jsonschema.validate(answer, schema)
        return [fmt.restore(source, answer) for answer in wire]

    def ask(self, source: dict[str, Any], custom_id: str, mode: str) -> bytes:
        """Return a request line that asks for an answer."""
        template = RequestTemplate(
            model=MODELS[self.provider],
            endpoint=get_vendor(self.provider).endpoints[0],
            answer_schema=source,
            mode=mode,
        )
        messages = [{"role": "user", "content": "Go on."}]
        return get_format(self.provider).encoder(template)(custom_id, messages)

    def read(self, source: dict[str, Any], line: bytes) -> tuple[str | None, Any]:
        """Return custom_id and restored answer of a result line that succeeded."""
        fmt = get_format(self.provider)
        result = fmt.decode(line)
        assert result.error is None
        answer = orjson.loads(result.text or "")
        return result.custom_id, fmt.restore(source, answer)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A server of both APIs."""
    with Sandbox() as server:
        yield server


@pytest.fixture
def send(sandbox: Sandbox) -> Callable[[str, list[bytes]], list[bytes]]:
    """Send request lines as one batch, and return its result lines."""
    return lambda provider, lines: _SEND[provider](sandbox, b"".join(lines))


def _send_openai(sandbox: Sandbox, lines: bytes) -> list[bytes]:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    with httpx2.Client(base_url=sandbox.openai_base_url, headers=headers) as client:
        upload = {"file": ("requests.jsonl", lines)}
        file = client.post("/files", data={"purpose": "batch"}, files=upload).json()
        asked = {
            "input_file_id": file["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        batch = client.post("/batches", json=asked).json()
        while batch["status"] not in {"completed", "failed"}:
            time.sleep(0.02)
            batch = client.get(f"/batches/{batch['id']}").json()
        assert batch["request_counts"]["failed"] == 0, batch
        found = client.get(f"/files/{batch['output_file_id']}/content").content
    return found.split(b"\n")[:-1]


def _send_anthropic(sandbox: Sandbox, lines: bytes) -> list[bytes]:
    headers = {"x-api-key": sandbox.api_key, "anthropic-version": "2023-06-01"}
    with httpx2.Client(base_url=sandbox.anthropic_base_url, headers=headers) as client:
        asked = b'{"requests":[%b]}' % b",".join(lines.split(b"\n")[:-1])
        path = "/v1/messages/batches"
        batch = client.post(path, content=asked).json()
        while batch["processing_status"] != "ended":
            time.sleep(0.02)
            batch = client.get(f"{path}/{batch['id']}").json()
        found = client.get(f"{path}/{batch['id']}/results").content
    return found.split(b"\n")[:-1]


_SEND = {"openai": _send_openai, "anthropic": _send_anthropic}


@pytest.fixture(params=["openai", "anthropic"])
def way(request: pytest.FixtureRequest) -> Way:
    """Each provider in turn."""
    return Way(request.param)


@pytest.fixture(scope="session")
def way_of() -> Callable[[str], Way]:
    """The provider that a test names."""
    return Way
