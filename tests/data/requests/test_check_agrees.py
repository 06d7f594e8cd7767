"""One table of request files, judged by our check and by the sandbox over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from batchwright.data.requests.check import check_file
from batchwright.providers import get_format
from batchwright.sandbox import Sandbox

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "x"}]
ABSENT = object()

Refused = dict[int | None, str]
"""By line (None: the file as a whole), all that was said about it."""


def _changed(good: dict[str, Any], changes: dict[str, Any]) -> bytes:
    merged = {**good, **changes}
    return orjson.dumps({k: v for k, v in merged.items() if v is not ABSENT})


def o(custom_id: Any = "b", body: Any = None, /, **changes: Any) -> bytes:
    """Return an OpenAI request: good, but for the changes."""
    if not isinstance(body, (str, int, list)):
        good = {"model": "gpt-5-mini", "messages": MESSAGES}
        body = orjson.loads(_changed(good, body or {}))
    good = {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body}
    return _changed(good, changes)


def a(custom_id: Any = "b", params: Any = None, /, **changes: Any) -> bytes:
    """Return an Anthropic request: good, but for the changes."""
    if not isinstance(params, (str, int, list)):
        good = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": MESSAGES}
        params = orjson.loads(_changed(good, params or {}))
    return _changed({"custom_id": custom_id, "params": params}, changes)


def _embed(value: Any) -> bytes:
    body = {"messages": ABSENT, "input": value}
    return o(f"{id(value)}", body, url="/v1/embeddings")


OPENAI: dict[str, tuple[list[bytes], dict[int | None, str]]] = {
    "good": ([o("a"), o("b")], {}),
    "other ids": ([o("ż" * 70), o(" ")], {}),
    "more members": ([o("a", None, extra=1)], {}),
    "stream off": ([o("a", {"stream": False}), o("b", {"stream": None})], {}),
    "responses": (
        [o("a", {"messages": ABSENT, "input": "x"}, url="/v1/responses")],
        {},
    ),
    "embeddings": ([_embed("x"), _embed(["y", "z"])], {}),
    "completions": (
        [o("a", {"messages": ABSENT, "prompt": "x"}, url="/v1/completions")],
        {},
    ),
    "empty": ([], {None: "empty"}),
    "half a line": ([o("a"), b'{"custom_id": "b",'], {2: "json"}),
    "no object": ([o("a"), b"[1]", b"null", b'"text"'], {2: "json", 3: "json", 4: "j"}),
    "blank": ([o("a"), b"", o("b")], {2: "json"}),
    "white space": ([o("a"), b"  \t", o("b")], {2: "json"}),
    "not utf-8": ([o("a"), o().replace(b'"x"', b'"\xff"')], {2: "json"}),
    "byte order mark": ([b"\xef\xbb\xbf" + o("a"), o("b")], {1: "json"}),
    "too deep": ([o("a"), b'{"custom_id":' + b"[" * 5000], {2: "json"}),
    "not a number": ([o("a"), o().replace(b'"x"', b"NaN")], {2: "json"}),
    "no id": ([o("a"), o(ABSENT)], {2: "missing_required_parameter custom_id"}),
    "null id": ([o("a"), o(None)], {2: "missing_required_parameter custom_id"}),
    "empty id": ([o("a"), o("")], {2: "missing_required_parameter custom_id"}),
    "number as id": ([o("a"), o(5)], {2: "invalid_request custom_id"}),
    "no method": (
        [o("a"), o(method=ABSENT)],
        {2: "missing_required_parameter method"},
    ),
    "other method": ([o("a"), o(method="GET")], {2: "invalid_method method"}),
    "no url": ([o("a"), o(url=ABSENT)], {2: "missing_required_parameter url"}),
    "list as url": ([o("a"), o(url=[])], {2: "invalid_url url"}),
    "unknown url": ([o("a"), o(url="/v1/chat")], {2: "invalid_url url"}),
    "second url": (
        [
            o("a"),
            o("b", {"messages": ABSENT, "input": "x"}, url="/v1/responses"),
        ],
        {2: "invalid_url url"},
    ),
    "no body": ([o("a"), o(body=ABSENT)], {2: "missing_required_parameter body"}),
    "text as body": ([o("a"), o("b", "text")], {2: "invalid_request body"}),
    "no model": ([o("a"), o("b", {"model": ABSENT})], {2: "body.model"}),
    "empty model": ([o("a"), o("b", {"model": ""})], {2: "body.model"}),
    "number as model": ([o("a"), o("b", {"model": 5})], {2: "body.model"}),
    "second model": (
        [o("a"), o("b", {"model": "gpt-4o"})],
        {2: "mismatched_model body.model"},
    ),
    "no messages": ([o("a"), o("b", {"messages": ABSENT})], {2: "messages"}),
    "null messages": ([o("a"), o("b", {"messages": None})], {2: "messages"}),
    "text as messages": ([o("a"), o("b", {"messages": "hi"})], {2: "messages"}),
    "no input": (
        [
            o("a", {"messages": ABSENT, "input": "x"}, url="/v1/responses"),
            o("b", {"messages": ABSENT}, url="/v1/responses"),
        ],
        {2: "invalid_request body.input"},
    ),
    "streaming": (
        [o("a"), o("b", {"stream": True})],
        {2: "streaming_unsupported body.stream"},
    ),
    "twice": (
        [o("a"), o("b"), o("a"), o("a")],
        {3: "duplicate_custom_id", 4: "duplicate_custom_id"},
    ),
    "several": (
        [o("a"), b"{", o(""), o("a")],
        {2: "json", 3: "custom_id", 4: "duplicate_custom_id"},
    ),
    "anthropic's": ([a("a"), a("b")], {1: "", 2: ""}),
    "embeddings of too many inputs": (
        [_embed(["x"] * 30_000), _embed(["y"] * 20_001)],
        {None: "50,000"},
    ),
    "too many": ([o(f"{number}") for number in range(50_001)], {None: "50,000"}),
}

ANTHROPIC: dict[str, tuple[list[bytes], dict[int | None, str]]] = {
    "good": ([a("a"), a("b")], {}),
    "two models": ([a("a"), a("b", {"model": "claude-opus-4-1"})], {}),
    "stream off": ([a("a", {"stream": False})], {}),
    "longest id": ([a("x" * 64)], {}),
    "empty": ([], {None: ""}),
    "half a line": ([a("a"), b'{"custom_id": "b",'], {2: "json"}),
    "not utf-8": ([a("a"), a().replace(b'"x"', b'"\xff"')], {2: "json"}),
    "no object": ([a("a"), b"[1]"], {2: "object"}),
    "too deep": ([a("a"), b'{"custom_id":' + b"[" * 5000], {2: "json"}),
    "no id": ([a("a"), a(ABSENT)], {2: "custom_id"}),
    "number as id": ([a("a"), a(5)], {2: "custom_id"}),
    "empty id": ([a("a"), a("")], {2: "custom_id"}),
    "id too long": ([a("a"), a("x" * 65)], {2: "custom_id"}),
    "id with a space": ([a("a"), a("b c")], {2: "custom_id"}),
    "id with a newline": ([a("a"), a("b\n")], {2: "custom_id"}),
    "twice": ([a("a"), a("b"), a("a")], {3: "custom_id"}),
    "no params": ([a("a"), a(params=ABSENT)], {2: "params"}),
    "text as params": ([a("a"), a("b", "text")], {2: "params"}),
    "more members": ([a("a"), a(method="POST")], {2: "method"}),
    "no model": ([a("a"), a("b", {"model": ABSENT})], {2: "model"}),
    "number as model": ([a("a"), a("b", {"model": 5})], {2: "model"}),
    "no limit": ([a("a"), a("b", {"max_tokens": ABSENT})], {2: "max_tokens"}),
    "limit of nothing": ([a("a"), a("b", {"max_tokens": 0})], {2: "max_tokens"}),
    "yes as limit": ([a("a"), a("b", {"max_tokens": True})], {2: "max_tokens"}),
    "no messages": ([a("a"), a("b", {"messages": ABSENT})], {2: "messages"}),
    "empty messages": ([a("a"), a("b", {"messages": []})], {2: "messages"}),
    "text as messages": ([a("a"), a("b", {"messages": "hi"})], {2: "messages"}),
    "streaming": ([a("a"), a("b", {"stream": True})], {2: "stream"}),
    "fast": ([a("a"), a("b", {"speed": "fast"})], {2: "speed"}),
    "openai's": ([o("a"), o("b")], {1: "", 2: ""}),
}


@pytest.fixture(scope="module")
def judge() -> Iterator[Sandbox]:
    """One sandbox for the table."""
    with Sandbox() as running:
        yield running


def _ours(path: Path, provider: str) -> Refused:
    said: Refused = {}
    for each in check_file(path, get_format(provider)).problems:
        text = f"{each.code} {each.param} {each.message}\n"
        said[each.line] = said.get(each.line, "") + text
    return said


def _openai(sandbox: Sandbox, lines: list[bytes], content: bytes) -> Refused:
    """Create the batch; it fails as a whole, or runs and fails line by line."""
    with httpx2.Client(headers={"authorization": "Bearer sandbox-key"}) as client:
        base = sandbox.openai_base_url
        file = client.post(
            f"{base}/files",
            data={"purpose": "batch"},
            files={"file": ("requests.jsonl", content)},
        )
        if file.status_code == 400:
            return {None: file.text}
        try:
            url = orjson.loads(lines[0])["url"]
        except (orjson.JSONDecodeError, KeyError):
            url = CHAT
        body = {"input_file_id": file.json()["id"], "endpoint": url}
        made = client.post(f"{base}/batches", json={**body, "completion_window": "24h"})
        made.raise_for_status()
        sandbox.settle()
        batch = client.get(f"{base}/batches/{made.json()['id']}").json()
        said: Refused = {}
        for each in (batch["errors"] or {"data": []})["data"]:
            text = f"{each['code']} {each['param']} {each['message']}\n"
            said[each["line"]] = said.get(each["line"], "") + text
        if batch["error_file_id"]:
            errors = client.get(f"{base}/files/{batch['error_file_id']}/content")
            by_id = {orjson.loads(line)["custom_id"]: n for n, line in _numbered(lines)}
            for line in errors.content.split(b"\n")[:-1]:
                failed = orjson.loads(line)
                said[by_id[failed["custom_id"]]] = str(failed["response"]["body"])
        return said


def _anthropic(sandbox: Sandbox, lines: list[bytes]) -> Refused:
    """Create the batch; the call is refused, or requests fail one by one."""
    headers = {"x-api-key": "sandbox-key", "anthropic-version": "2023-06-01"}
    with httpx2.Client(headers=headers) as client:
        base = f"{sandbox.anthropic_base_url}/v1/messages/batches"
        content = b'{"requests":[' + b",".join(lines) + b"]}"
        made = client.post(base, content=content)
        if made.status_code == 400:
            text = made.json()["error"]["message"]
            where, _, _ = text.removeprefix("requests.").partition(".")
            number, _, _ = where.partition(":")
            return {int(number) + 1 if number.isdigit() else None: text}
        sandbox.settle()
        results = client.get(f"{base}/{made.json()['id']}/results").content
        by_id = {orjson.loads(line)["custom_id"]: n for n, line in _numbered(lines)}
        found = map(orjson.loads, results.split(b"\n")[:-1])
        return {
            by_id[each["custom_id"]]: each["result"]["error"]["error"]["message"]
            for each in found
            if each["result"]["type"] == "errored"
        }


def _numbered(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    return enumerate(lines, 1)


def _assert_named(said: Refused, expected: dict[int | None, str]) -> None:
    assert said.keys() == expected.keys(), said
    for line, words in expected.items():
        for word in words.split():
            assert word in said[line].lower().replace("50000", "50,000"), (line, said)


@pytest.mark.parametrize("case", OPENAI)
def test_openai(judge: Sandbox, tmp_path: Path, case: str) -> None:
    """Both refuse the same lines for the same reason, or both take the file."""
    lines, expected = OPENAI[case]
    content = b"".join(line + b"\n" for line in lines)
    path = tmp_path / "requests.jsonl"
    path.write_bytes(content)
    _assert_named(_ours(path, "openai"), expected)
    _assert_named(_openai(judge, lines, content), expected)


@pytest.mark.parametrize("case", ANTHROPIC)
def test_anthropic(judge: Sandbox, tmp_path: Path, case: str) -> None:
    """Both refuse the same lines; of a call refused at once, the API names the first.

    What is not JSON refuses the call without a line, as it is one document there.
    """
    lines, expected = ANTHROPIC[case]
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    _assert_named(_ours(path, "anthropic"), expected)
    theirs = _anthropic(judge, lines)
    if None in theirs:
        assert set(expected.values()) <= {"json", ""}
    else:
        first = min(line for line in expected if line) if expected else None
        _assert_named(theirs, {first: expected[first]} if first else {})
