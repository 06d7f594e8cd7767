"""Request files, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.requests.check import FileCheck, check_file, describe_problems
from batchwright.errors import InputError
from batchwright.providers import get_format

MESSAGES = [{"role": "user", "content": "x"}]


def _openai(
    custom_id: str, model: str = "m", url: str = "/v1/chat/completions"
) -> bytes:
    key = "input" if url == "/v1/responses" else "messages"
    body = {"model": model, key: [{"role": "user", "content": "\u2028"}]}
    line = {"custom_id": custom_id, "method": "POST", "url": url, "body": body}
    return orjson.dumps(line)


def _anthropic(custom_id: str, model: str = "m") -> bytes:
    params = {"model": model, "max_tokens": 5, "messages": MESSAGES}
    return orjson.dumps({"custom_id": custom_id, "params": params})


Check = Callable[[bytes, str], FileCheck]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that writes a file and checks it."""

    def run(data: bytes, provider: str) -> FileCheck:
        path = tmp_path / "requests.jsonl"
        path.write_bytes(data)
        return check_file(path, get_format(provider))

    return run


@pytest.mark.parametrize(
    ("data", "provider"),
    [
        (_openai("a") + b"\n" + _openai("b") + b"\n", "openai"),
        (_openai("a") + b"\r\n" + _openai("b"), "openai"),
        (_anthropic("a") + b"\n" + _anthropic("b", "other"), "anthropic"),
    ],
)
def test_a_good_file_is_good(check: Check, data: bytes, provider: str) -> None:
    """CRLF, no last newline and, for Anthropic, several models are no problem."""
    found = check(data, provider)
    assert found.problems == ()
    assert found.requests == 2
    assert found.bytes == len(data)
    assert found.model == "m"
    assert found.endpoint


@pytest.mark.parametrize(
    ("data", "provider", "line", "said"),
    [
        (b"", "openai", None, "no requests"),
        (b"\xef\xbb\xbf" + _openai("a"), "openai", 1, "byte order mark"),
        (_openai("a") + b"\n\n" + _openai("b"), "openai", 2, "blank"),
        (_openai("a") + b"\n{", "openai", 2, "not JSON"),
        (_openai("a") + b'\n{"a":"\xff"}', "openai", 2, "not JSON"),
        (_openai("a") + b"\n" + _openai("a"), "openai", 2, "is that of line 1"),
        (_openai("a") + b"\n" + _openai("b", "n"), "openai", 2, "'n'"),
        (
            _openai("a") + b"\n" + _openai("b", url="/v1/responses"),
            "openai",
            2,
            "/v1/responses",
        ),
        (_anthropic("a"), "openai", 1, "Anthropic"),
        (_openai("a"), "anthropic", 1, "OpenAI"),
        (_anthropic("a b"), "anthropic", 1, "custom_id"),
        (_anthropic("a") + b"\n" + _anthropic("a"), "anthropic", 2, "line 1"),
    ],
)
def test_a_problem_is_named_with_its_line(
    check: Check, data: bytes, provider: str, line: int | None, said: str
) -> None:
    """What the provider would refuse is found, with line and reason."""
    found = check(data, provider)
    assert [problem.line for problem in found.problems[:1]] == [line]
    assert said in found.problems[0].message


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=30))
def test_every_duplicate_is_found(check: Check, ids: list[str]) -> None:
    """Each repeated id is reported once per repetition, with its first line."""
    found = check(b"\n".join(map(_openai, ids)), "openai")
    first = {name: ids.index(name) for name in ids}
    expected = [n for n, name in enumerate(ids, start=1) if first[name] + 1 != n]
    assert [problem.line for problem in found.problems] == expected


def test_limits_are_the_providers(tmp_path: Path) -> None:
    """One request more than a batch holds is a problem of the file as a whole."""
    path = tmp_path / "requests.jsonl"
    with path.open("wb") as file:
        for number in range(50_001):
            file.write(_openai(str(number)) + b"\n")
    found = check_file(path, get_format("openai"))
    assert [problem.code for problem in found.problems] == ["too_many_tasks"]
    path.write_bytes(_openai("a") + b" " * 200_000_000)
    found = check_file(path, get_format("openai"))
    assert {problem.code for problem in found.problems} >= {"too_large"}


def test_the_first_problems_are_shown(check: Check, tmp_path: Path) -> None:
    """Of many problems twenty are shown, and how many there are in all."""
    found = check(b"{\n" * 20_000, "openai")
    assert found.problem_count == 20_000
    assert len(found.problems) == 10_000
    text = describe_problems(tmp_path / "x.jsonl", found)
    assert text.count("\n") == 21
    assert "line 20:" in text
    assert "and 19,980 more" in text


@pytest.mark.parametrize(
    ("line", "provider", "said"),
    [
        (_anthropic, "openai", "request for Anthropic: use --provider anthropic"),
        (_openai, "anthropic", "request for OpenAI: use --provider openai"),
    ],
)
def test_another_providers_file_is_said_once(
    check: Check, line: Callable[[str], bytes], provider: str, said: str
) -> None:
    """A whole file for the wrong provider is one sentence with a count."""
    found = check(b"\n".join(line(str(n)) for n in range(5_000)), provider)
    text = describe_problems(Path("x.jsonl"), found)
    assert text.startswith("x.jsonl, line 1 and 4,999 more: ")
    assert said in text
    assert "\n" not in text


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """No file, or a folder, is one sentence."""
    with pytest.raises(InputError, match="cannot be read"):
        check_file(tmp_path / name, get_format("openai"))
