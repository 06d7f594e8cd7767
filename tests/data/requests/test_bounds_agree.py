"""300 generated bodies, judged by our check and by the sandbox."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from batchwright.data.requests.check import FileCheck, check_file
from batchwright.providers import get_format
from batchwright.sandbox import Sandbox

NUMBERS = [-3, -1, 0, 0.5, 1, 2, 2.5, 5, 16, 21, 1024, 9000, 70_000, True, "1", None]
NAMES = ["answer", "an answer", "ä", "a" * 64, "a" * 65]
ROLES = ["user", "system", "developer", "assistant", "tool", "function", "robot", None]
EFFORTS = ["none", "low", "max", "immense", None]


def _chat(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    schema = {"name": pick(NAMES), "schema": {"type": "object"}}
    function = {"name": pick(NAMES), "parameters": {"type": "object"}}
    return {
        "temperature": pick(NUMBERS),
        "top_p": pick(NUMBERS),
        "presence_penalty": pick(NUMBERS),
        "frequency_penalty": pick(NUMBERS),
        "n": pick([-1, 0, 1, 3, 1.5, None]),
        "max_tokens": pick(NUMBERS),
        "max_completion_tokens": pick(NUMBERS),
        "logprobs": pick([True, False, None]),
        "top_logprobs": pick(NUMBERS),
        "stop": pick(["x", ["x"] * 4, ["x"] * 5, None]),
        "messages": pick([[], [{"role": pick(ROLES), "content": "x"}]]),
        "reasoning_effort": pick(EFFORTS),
        "response_format": {"type": "json_schema", "json_schema": schema},
        "tools": [{"type": "function", "function": function}],
        "top_k": pick([1, None]),
        "input": "x",
    }


def _responses(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    schema = {"type": "json_schema", "name": pick(NAMES), "schema": {"type": "object"}}
    tool = {"type": "function", "name": pick(NAMES), "parameters": {"type": "object"}}
    return {
        "temperature": pick(NUMBERS),
        "top_p": pick(NUMBERS),
        "max_output_tokens": pick(NUMBERS),
        "top_logprobs": pick(NUMBERS),
        "reasoning": {"effort": pick(EFFORTS)},
        "text": {"format": schema},
        "tools": [tool],
        "messages": [{"role": "user", "content": "x"}],
    }


def _embeddings(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    return {"dimensions": pick(NUMBERS), "temperature": pick([1, None]), "user": "x"}


def _params(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": pick(["t1", "t2"]), "content": "x"}
    use = {"type": "tool_use", "id": "t1", "name": "answer", "input": {}}
    asked = {"role": "user", "content": "x"}
    called = {"role": "assistant", "content": [use]}
    said = {"role": "user", "content": [result]}
    return {
        "temperature": pick(NUMBERS),
        "top_p": pick(NUMBERS),
        "top_k": pick(NUMBERS),
        "max_tokens": pick([1, 1024, 1025, 9000, 64_000, 64_001, 200_000]),
        "model": pick(
            ["claude-haiku-4-5", "claude-opus-4-1", "claude-3-haiku-20240307"]
        ),
        "thinking": {
            "type": pick(["enabled", "disabled"]),
            "budget_tokens": pick([0, 1023, 1024, 8999, 9000]),
        },
        "messages": pick([[asked], [asked, called, said], [asked, said]]),
        "seed": pick([1, None]),
    }


CASES: list[tuple[str, str, dict[str, Any], Callable[..., dict[str, Any]]]] = [
    ("openai", "/v1/chat/completions", {"messages": []}, _chat),
    ("openai", "/v1/responses", {"input": "x"}, _responses),
    ("openai", "/v1/embeddings", {"input": "x"}, _embeddings),
    ("anthropic", "", {"model": "claude-haiku-4-5", "max_tokens": 9}, _params),
]


def _lines(case: Any) -> list[dict[str, Any]]:
    """Return 75 requests, each with one to three members from the generator."""
    provider, url, good, members = case
    rng = random.Random(url)  # noqa: S311 - the same bodies in every run
    user = [{"role": "user", "content": "x"}]
    lines = []
    for number in range(75):
        body = {**good}
        if provider == "openai":
            body["model"] = "gpt-4o-mini"
        if "messages" in good or provider == "anthropic":
            body["messages"] = user
        found = members(rng.choice)
        for name in rng.sample(sorted(found), min(rng.randint(1, 3), len(found))):
            body[name] = found[name]
        line: dict[str, Any] = {"custom_id": f"row-{number}"}
        if provider == "openai":
            line |= {"method": "POST", "url": url, "body": body}
        else:
            line["params"] = body
        lines.append(line)
    return lines


def _refused_by_sandbox(sandbox: Sandbox, case: Any, content: bytes) -> set[str]:
    """Return the `custom_id`s that are refused when the batch runs."""
    headers = {"x-api-key": "sandbox-key", "anthropic-version": "2023-06-01"}
    base = sandbox.base_url(case[0])
    with httpx2.Client(headers=headers) as client:
        if case[0] == "anthropic":
            body = b'{"requests":[' + b",".join(content.splitlines()) + b"]}"
            url = f"{base}/v1/messages/batches"
            made = client.post(url, content=body).raise_for_status().json()
            sandbox.settle()
            results = client.get(f"{url}/{made['id']}/results").content
            found = map(orjson.loads, results.splitlines())
            return {x["custom_id"] for x in found if x["result"]["type"] == "errored"}
        file = client.post(
            f"{base}/files", data={"purpose": "batch"}, files={"file": ("x", content)}
        ).json()
        body = {"input_file_id": file["id"], "endpoint": case[1]}
        body["completion_window"] = "24h"
        made = client.post(f"{base}/batches", json=body).raise_for_status().json()
        sandbox.settle()
        batch = client.get(f"{base}/batches/{made['id']}").json()
        assert batch["status"] == "completed", batch["errors"]
        errors = client.get(f"{base}/files/{batch['error_file_id']}/content").content
        return {orjson.loads(line)["custom_id"] for line in errors.splitlines()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1] or case[0])
def test_both_refuse_the_same_bodies(
    sandbox: Sandbox, tmp_path: Path, case: Any
) -> None:
    """What one refuses, the other refuses too; our warnings may go either way."""
    content = b"".join(orjson.dumps(line) + b"\n" for line in _lines(case))
    path = tmp_path / "requests.jsonl"
    path.write_bytes(content)
    check: FileCheck = check_file(path, get_format(case[0]))
    ours = {str(problem.custom_id) for problem in check.problems}
    warned = {str(problem.custom_id) for problem in check.warnings}
    theirs = _refused_by_sandbox(sandbox, case, content)
    assert 10 < len(ours) < 75
    assert ours - theirs == set(), [
        p for p in check.problems if p.custom_id not in theirs
    ]
    assert theirs - ours - warned == set()
