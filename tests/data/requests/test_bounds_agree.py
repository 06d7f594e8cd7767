"""Generated bodies, judged by our check and by the sandbox, which share no table."""

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

NUMBERS = [-3, -1, 0, 0.5, 1, 2, 2.5, 5, 16, 21, 129, 9000, 70_000, True, "1", None]
NAMES = ["answer", "an answer", "ä", "a" * 64, "a" * 65, "a" * 129]
ROLES = ["user", "system", "developer", "assistant", "tool", "function", "robot", None]
EFFORTS = ["none", "low", "max", "immense", None]
FLAGS = [True, False, None, "yes", 1]
WORDS = ["auto", "default", "low", "float", "in_memory", "none", "", 1, None]
TEXTS = ["x", "", 5, None]
ODD = ["top_k", "format", "extra_body", "max_token", "model_name", "betas"]


def _call(**function: Any) -> dict[str, Any]:
    return {"type": "function", **function}


def _chat(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    schema = {"name": pick(NAMES), "schema": {"type": "object"}}
    function = {"name": pick(NAMES), "parameters": {"type": "object"}}
    return {
        "model": pick(["gpt-4o-mini", "gpt-4.1", "gpt-4", "o3", "gpt-5", "gpt-5.1"]),
        "temperature": pick(NUMBERS),
        "top_p": pick(NUMBERS),
        "presence_penalty": pick(NUMBERS),
        "frequency_penalty": pick(NUMBERS),
        "n": pick(NUMBERS),
        "seed": pick([1, -1, 1.5, None]),
        "max_tokens": pick(NUMBERS),
        "max_completion_tokens": pick(NUMBERS),
        "logprobs": pick(FLAGS),
        "top_logprobs": pick(NUMBERS),
        "store": pick(FLAGS),
        "parallel_tool_calls": pick(FLAGS),
        "user": pick(TEXTS),
        "service_tier": pick(WORDS),
        "verbosity": pick(WORDS),
        "stop": pick(["x", ["x"] * 4, ["x"] * 5, None]),
        "messages": pick([[], [{"role": pick(ROLES), "content": "x"}]]),
        "reasoning_effort": pick(EFFORTS),
        "response_format": {"type": "json_schema", "json_schema": schema},
        "tools": [{"type": "function", "function": function}],
        "tool_choice": pick(
            ["auto", "required", _call(function={"name": "answer"}), None]
        ),
        pick(ODD): 1,
    }


def _responses(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    schema = {"type": "json_schema", "name": pick(NAMES), "schema": {"type": "object"}}
    tool = {"type": "function", "name": pick(NAMES), "parameters": {"type": "object"}}
    return {
        "model": pick(["gpt-4o-mini", "gpt-4-turbo", "o4-mini", "gpt-5", "gpt-5.2"]),
        "temperature": pick(NUMBERS),
        "top_p": pick(NUMBERS),
        "max_output_tokens": pick(NUMBERS),
        "top_logprobs": pick(NUMBERS),
        "background": pick(FLAGS),
        "truncation": pick(WORDS),
        "service_tier": pick(WORDS),
        "reasoning": {"effort": pick(EFFORTS)},
        "text": pick([{"format": schema}, {"verbosity": pick(WORDS)}]),
        "tools": [tool],
        "tool_choice": pick(
            ["auto", _call(name="answer"), {"type": "mcp", "name": "x"}]
        ),
        "input": pick(["x", [{"role": pick(ROLES), "content": "x"}]]),
        pick([*ODD, "messages", "n", "max_tokens", "response_format"]): 1,
    }


def _embeddings(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    return {
        "dimensions": pick(NUMBERS),
        "encoding_format": pick(WORDS),
        "user": pick(TEXTS),
        pick([*ODD, "temperature", "messages"]): 1,
    }


def _completions(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    return {
        "max_tokens": pick(NUMBERS),
        "logprobs": pick(NUMBERS),
        "best_of": pick(NUMBERS),
        "echo": pick(FLAGS),
        "suffix": pick(TEXTS),
        pick([*ODD, "messages", "top_logprobs"]): 1,
    }


def _params(pick: Callable[[list[Any]], Any]) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": pick(["t1", "t2"]), "content": "x"}
    use = {"type": "tool_use", "id": "t1", "name": "answer", "input": {}}
    asked = {"role": "user", "content": "x"}
    called = {"role": "assistant", "content": [use]}
    said = {"role": "user", "content": [result]}
    odd = {"role": pick(ROLES), "content": pick(["x", "", [], None, 5])}
    talk = [[asked], [asked, called, said], [asked, said], [asked, odd], [odd, asked]]
    schema = {"type": "object", "additionalProperties": False}
    form = {"type": "json_schema", "schema": schema}
    return {
        "temperature": pick(NUMBERS),
        "top_p": pick(NUMBERS),
        "top_k": pick(NUMBERS),
        "max_tokens": pick([1, 1024, 1025, 9000, 32_001, 64_001, 128_001]),
        "model": pick(
            [
                "claude-haiku-4-5",
                "claude-opus-4-1",
                "claude-sonnet-4-20250514",
                "claude-3-haiku-20240307",
                "claude-sonnet-4-6",
                "claude-opus-4-7",
                "claude-opus-4-8",
                "claude-opus-5-5",
                "claude-fable-5-2",
            ]
        ),
        "thinking": {
            "type": pick(["enabled", "disabled", "adaptive"]),
            "budget_tokens": pick([0, 1023, 1024, 8999, 9000]),
        },
        "service_tier": pick(WORDS),
        "output_config": pick([{"effort": pick(EFFORTS)}, {"format": form}]),
        "tools": [{"name": pick(NAMES), "input_schema": {"type": "object"}}],
        "tool_choice": pick(
            [{"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "answer"}]
        ),
        "messages": pick(talk),
        pick([*ODD, "seed", "n", "response_format"]): 1,
    }


CASES: list[tuple[str, str, dict[str, Any], Callable[..., dict[str, Any]]]] = [
    ("openai", "/v1/chat/completions", {"messages": []}, _chat),
    ("openai", "/v1/responses", {"input": "x"}, _responses),
    ("openai", "/v1/embeddings", {"input": "x"}, _embeddings),
    ("openai", "/v1/completions", {"prompt": "x"}, _completions),
    ("anthropic", "", {"model": "claude-haiku-4-5", "max_tokens": 9}, _params),
]


def _lines(case: Any) -> list[dict[str, Any]]:
    """Return 150 requests, each with none to three members from the generator."""
    provider, url, good, members = case
    rng = random.Random(url)  # noqa: S311 - the same bodies in every run
    user = [{"role": "user", "content": "x"}]
    lines = []
    for number in range(150):
        body = {**good}
        if provider == "openai":
            body["model"] = "gpt-4o-mini"
        if "messages" in good or provider == "anthropic":
            body["messages"] = user
        found = members(rng.choice)
        for name in rng.sample(sorted(found), rng.randint(0, 3)):
            body[name] = found[name]
        line: dict[str, Any] = {"custom_id": f"row-{number}"}
        if provider == "openai":
            line |= {"method": "POST", "url": url, "body": body}
        else:
            line["params"] = body
        lines.append(line)
    return lines


def _batches(case: Any, lines: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the requests by model, if a batch is for one model."""
    if case[0] == "anthropic":
        return [lines]
    models = {line["body"]["model"] for line in lines}
    return [
        [line for line in lines if line["body"]["model"] == model] for model in models
    ]


def _refused_by_sandbox(sandbox: Sandbox, case: Any, content: bytes) -> dict[str, str]:
    """Return what is refused when the batch runs, by `custom_id`."""
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
            return {
                each["custom_id"]: str(each["result"]["error"])
                for each in found
                if each["result"]["type"] == "errored"
            }
        file = client.post(
            f"{base}/files", data={"purpose": "batch"}, files={"file": ("x", content)}
        ).json()
        body = {"input_file_id": file["id"], "endpoint": case[1]}
        body["completion_window"] = "24h"
        made = client.post(f"{base}/batches", json=body).raise_for_status().json()
        sandbox.settle()
        batch = client.get(f"{base}/batches/{made['id']}").json()
        assert batch["status"] == "completed", batch["errors"]
        if batch["error_file_id"] is None:
            return {}
        errors = client.get(f"{base}/files/{batch['error_file_id']}/content").content
        found = map(orjson.loads, errors.splitlines())
        return {line["custom_id"]: str(line["response"]) for line in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1] or case[0])
def test_both_refuse_the_same_bodies(
    sandbox: Sandbox, tmp_path: Path, case: Any
) -> None:
    """What one refuses, the other refuses too, and neither refuses all or nothing."""
    ours: dict[str, str] = {}
    theirs: dict[str, str] = {}
    for number, lines in enumerate(_batches(case, _lines(case))):
        content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        path = tmp_path / f"requests-{number}.jsonl"
        path.write_bytes(content)
        check: FileCheck = check_file(path, get_format(case[0]))
        ours |= {str(each.custom_id): each.message for each in check.problems}
        theirs |= _refused_by_sandbox(sandbox, case, content)
    only_ours = {name: ours[name] for name in ours.keys() - theirs.keys()}
    only_theirs = {name: theirs[name] for name in theirs.keys() - ours.keys()}
    assert (only_ours, only_theirs) == ({}, {})
    assert 30 < len(ours) < 120


@pytest.mark.parametrize(
    ("provider", "own", "elsewhere"),
    [
        ("openai", "https://eu.api.openai.com/v1", "https://api.groq.example/v1"),
        ("openai", "http://localhost:4040/openai/v1", "http://localhost:11434/v1"),
        ("anthropic", "https://api.anthropic.com", "https://claude.example"),
        ("anthropic", "http://127.0.0.1:4040/anthropic", "http://127.0.0.1:4040"),
    ],
)
def test_other_services_may_take_more(
    tmp_path: Path, provider: str, own: str, elsewhere: str
) -> None:
    """Only the vendor and the sandbox refuse; what imitates them gets a warning."""
    case = next(each for each in CASES if each[0] == provider)
    line = next(each for each in _lines(case) if "temperature" not in each)
    body = line.get("body") or line["params"]
    body.clear()
    body |= {"model": "m", "max_tokens": 5, "temperature": 9, "top_k_of_ours": 1}
    body["messages"] = [{"role": "user", "content": "x"}]
    path = tmp_path / "requests.jsonl"
    path.write_bytes(orjson.dumps(line))
    check = check_file(path, get_format(provider, own))
    assert (len(check.problems), len(check.warnings)) == (2, 0)
    check = check_file(path, get_format(provider, elsewhere))
    assert (len(check.problems), len(check.warnings)) == (0, 2)


@pytest.mark.parametrize(("vendor", "status"), [("openai", 400), ("deepinfra", 200)])
def test_the_sandbox_bounds_openai_alone(
    sandbox: Sandbox, vendor: str, status: int
) -> None:
    """Members of other services are taken where the sandbox stands in for them."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x"}]}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}
    line |= {"body": {**body, "top_k": 5}}
    headers = {"authorization": "Bearer some-key"}
    with httpx2.Client(base_url=sandbox.base_url(vendor), headers=headers) as http:
        file = http.post(
            "/files",
            data={"purpose": "batch"},
            files={"file": ("requests.jsonl", orjson.dumps(line))},
        ).json()
        asked = {"endpoint": line["url"], "completion_window": "24h"}
        batch = http.post("/batches", json={**asked, "input_file_id": file["id"]})
        sandbox.settle()
        ended = http.get(f"/batches/{batch.json()['id']}").json()
        file_id = ended["output_file_id"] or ended["error_file_id"]
        found = orjson.loads(http.get(f"/files/{file_id}/content").content)
    assert found["response"]["status_code"] == status


ANYTHING: list[Any] = [None, True, -1, 0.5, 10**18, "x", [], {}, [1], [[]], [{}]]
INNER = ["type", "name", "role", "effort", "format", "json_schema", "function"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1] or case[0])
def test_values_of_any_kind_are_judged(case: Any) -> None:
    """Whatever stands in a member, its line gets a verdict and no error is raised."""
    check = get_format(case[0]).check
    rng = random.Random(case[1])  # noqa: S311 - the same bodies in every run
    names = sorted({name for _ in range(50) for name in case[3](rng.choice)})
    for line in _lines(case):
        body = line.get("body") or line["params"]
        for name in rng.sample(names, 3):
            inner = {key: rng.choice(ANYTHING) for key in rng.sample(INNER, 3)}
            body[name] = rng.choice([*ANYTHING, inner, [inner]])
        custom_id, _, problems = check(orjson.dumps(line))
        assert custom_id == line["custom_id"]
        assert all(problem.message for problem in problems)
