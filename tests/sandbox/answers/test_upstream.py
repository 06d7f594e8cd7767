"""Answers from a model's server: any chat API becomes a batch API."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import InputError
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.runs.report.markdown import markdown
from batchwright.sandbox import Sandbox

SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string"}},
    "required": ["label"],
    "additionalProperties": False,
}
ASKED = {"asked": ["additionalProperties", "properties", "required", "type"]}


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The base URL of a chat API in another process."""
    script = str(Path(__file__).with_name("upstream.py"))
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    process.kill()
    process.communicate()


@pytest.fixture
def clients(upstream: str, connect: Any) -> Iterator[Any]:
    """Both SDKs on a sandbox that asks the upstream."""
    with Sandbox(upstream=upstream) as sandbox:
        yield connect(sandbox)


def _says(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_openai_batches_are_answered(clients: Any, chat: Any) -> None:
    """Text and usage are the upstream's, in the shape of a batch line."""
    batch = clients.run([chat("a", messages=_says("hello"), model="llama3.2")])
    body = clients.results(batch)["a"]["response"]["body"]
    assert body["choices"][0]["message"]["content"] == "llama3.2: hello"
    assert body["usage"]["prompt_tokens"] == 11


def test_anthropic_batches_are_answered(clients: Any, message: Any) -> None:
    """The same upstream answers the other wire format, system text included."""
    request = message("a", messages=_says("hello"), system="be kind")
    batch = clients.run_anthropic([request])
    (line,) = clients.anthropic.messages.batches.results(batch.id)
    assert line.result.message.content[0].text == "claude-sonnet-4-5: hello"
    assert line.result.message.usage.input_tokens == 11


def test_a_schema_is_passed_on(clients: Any, chat: Any, message: Any) -> None:
    """Structured outputs and forced tools both ask the upstream for the schema."""
    form = {"name": "answer", "strict": True, "schema": SCHEMA}
    batch = clients.run(
        [chat("a", response_format={"type": "json_schema", "json_schema": form})]
    )
    body = clients.results(batch)["a"]["response"]["body"]
    assert orjson.loads(body["choices"][0]["message"]["content"]) == ASKED
    tools = [{"name": "answer", "input_schema": SCHEMA}]
    choice = {"type": "tool", "name": "answer"}
    ended = clients.run_anthropic([message("a", tools=tools, tool_choice=choice)])
    (line,) = clients.anthropic.messages.batches.results(ended.id)
    assert line.result.message.content[0].input == ASKED


def test_errors_of_the_upstream_are_errors_of_lines(clients: Any, chat: Any) -> None:
    """A bad answer fails its own request and no other."""
    words = ("fail", "html", "drop", "fine")
    batch = clients.run([chat(word, messages=_says(word)) for word in words])
    assert batch.status == "completed"
    results = clients.results(batch)
    statuses = {word: results[word]["response"]["status_code"] for word in words}
    assert statuses == {"fail": 429, "html": 500, "drop": 503, "fine": 200}
    failed = results["fail"]["response"]["body"]["error"]
    assert failed["message"] == "slow down"


def test_several_requests_are_asked_at_a_time(clients: Any, chat: Any) -> None:
    """Two that wait for each other both get their answer; never more than eight run."""
    pair = [chat(f"together-{i}", messages=_says("together")) for i in range(2)]
    many = [chat(f"row-{i}", messages=_says("hello")) for i in range(40)]
    results = clients.results(clients.run(pair + many))
    assert len(results) == 42
    bodies = [each["response"]["body"] for each in results.values()]
    most = max(body["usage"]["completion_tokens"] for body in bodies)
    assert 2 <= most <= 8


def test_embeddings_are_not_made_up(clients: Any) -> None:
    """With an upstream, nothing is synthetic: what it cannot answer fails."""
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/embeddings",
        "body": {"model": "m", "input": "x"},
    }
    results = clients.results(clients.run([line], "/v1/embeddings"))
    assert results["a"]["response"]["status_code"] == 400


def test_nothing_is_added_to_an_answer(clients: Any, chat: Any, message: Any) -> None:
    """Thinking, log probabilities and further choices would be made up."""
    asked = {"n": 2, "logprobs": True, "top_logprobs": 1}
    batch = clients.run([chat("a", messages=_says("hello"), **asked)])
    (choice,) = clients.results(batch)["a"]["response"]["body"]["choices"]
    assert choice["logprobs"] is None
    thinking = {"type": "enabled", "budget_tokens": 1024}
    request = message("a", messages=_says("hi"), thinking=thinking, max_tokens=2000)
    ended = clients.run_anthropic([request])
    (line,) = clients.anthropic.messages.batches.results(ended.id)
    assert [block.type for block in line.result.message.content] == ["text"]


def test_a_fragment_chooses_the_model(
    upstream: str, connect: Any, message: Any
) -> None:
    """`URL#MODEL` asks for one model whatever the requests name."""
    with Sandbox(upstream=f"{upstream}#llama3.2") as sandbox:
        clients = connect(sandbox)
        batch = clients.run_anthropic([message("a", messages=_says("hello"))])
        (line,) = clients.anthropic.messages.batches.results(batch.id)
        assert line.result.message.content[0].text == "llama3.2: hello"


def test_an_upstream_that_is_not_there_fails_every_line(
    connect: Any, chat: Any
) -> None:
    """The batch completes, and each line says who could not be reached."""
    with Sandbox(upstream="http://127.0.0.1:9/v1") as sandbox:
        clients = connect(sandbox)
        batch = clients.run([chat("a")])
        line = clients.results(batch)["a"]["response"]
        assert line["status_code"] == 503
        assert "127.0.0.1:9" in line["body"]["error"]["message"]


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
def test_a_report_does_not_call_them_synthetic(
    upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """The sandbox's own answers are synthetic, those of an upstream are not."""
    source = tmp_path / "in.csv"
    source.write_text("text\nhello\n", encoding="utf-8")
    for url in (upstream, None):
        output = tmp_path / f"out-{url is None}.jsonl"
        job = BatchJob(
            input=str(source), output=str(output), prompt="{{ text }}", model=model
        )
        with Sandbox(upstream=url) as sandbox:
            for name, value in sandbox.environment().items():
                monkeypatch.setenv(name, value)
            run = open_run(job, str(tmp_path / f"run-{url is None}"))
            report = drive(run, wait=True)
        assert report.synthetic == (url is None)
        assert ("synthetic" in markdown(report)) == (url is None)


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://x", "http://"])
def test_an_upstream_must_be_an_http_address(url: str) -> None:
    """Anything else is refused before the server starts."""
    with pytest.raises(InputError, match="http://localhost:11434/v1"):
        Sandbox(upstream=url)
