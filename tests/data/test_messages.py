"""Requests from messages, and answers from result lines."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from pydantic import BaseModel, Field

from batchwright import Answer, BatchJob, BatchwrightError, Outcome
from batchwright.data.requests.check import check_file
from batchwright.data.results.reader import provider_of, read_results
from batchwright.errors import InputError
from batchwright.providers import get_format

Line = Callable[..., bytes]


class Classification(BaseModel):
    """What is asked about an email."""

    label: Literal["SPAM", "NOT_SPAM"] = Field(..., description="Spam or not")


_EMAILS = ["Hello there, send money", "Meeting on Friday", "Weekly news\u2028from us"]
_MESSAGES = [
    [{"role": "system", "content": f"Classify the following email {email}"}]
    for email in _EMAILS
]


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-3.5-turbo", "openai"),
        ("gpt-5-mini", "openai"),
        ("claude-haiku-4-5", "anthropic"),
        ("anthropic/other", "anthropic"),
    ],
)
def test_the_file_that_it_makes_is_accepted(
    tmp_path: Path, model: str, provider: str
) -> None:
    """The documented loop writes a file that the provider's own checks accept."""
    path = tmp_path / "output.jsonl"
    with path.open("w", encoding="utf-8") as f:
        for line in BatchJob.create_from_messages(
            _MESSAGES,
            model=model,
            response_model=Classification,
            max_tokens=100,
        ):
            f.write(json.dumps(line) + "\n")
    check = check_file(path, get_format(provider))
    assert check.problems == ()
    assert check.requests == 3


def test_an_old_model_is_asked_by_a_tool() -> None:
    """`gpt-3.5-turbo` knows no json_schema, so `auto` makes it a forced tool call."""
    first = next(
        BatchJob.create_from_messages(
            _MESSAGES, model="gpt-3.5-turbo", response_model=Classification
        )
    )
    assert first["custom_id"] == "row-000000000"
    assert first["body"]["tool_choice"]["type"] == "function"


@pytest.mark.parametrize("mode", ["json_schema", "tools"])
@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
def test_the_name_on_the_wire_is_that_of_the_class(model: str, mode: Any) -> None:
    """The model reads it as the name of the schema or of the tool."""
    made = BatchJob.create_from_messages(_MESSAGES, model, Classification, mode=mode)
    request = json.dumps(next(made))
    named = '"name": "Classification"' in request
    assert named == (mode == "tools" or model.startswith("gpt"))
    assert "_class_" not in request


def test_requests_are_made_lazily() -> None:
    """An endless iterable is no problem, because nothing is read ahead."""
    endless: Iterator[list[dict[str, Any]]] = (
        [{"role": "user", "content": str(number)}] for number in itertools.count()
    )
    made = BatchJob.create_from_messages(endless, model="gpt-5-mini", seed=7)
    first, second = itertools.islice(made, 2)
    assert first["body"]["seed"] == 7
    assert second["custom_id"] == "row-000000001"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """With `file_path` the requests are on disk at return; an error leaves nothing."""
    path = tmp_path / "requests.jsonl"
    made = BatchJob.create_from_messages(
        _MESSAGES, model="gpt-5-mini", file_path=path, custom_id="mail-{}".format
    )
    assert made == path
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["custom_id"] for line in lines] == ["mail-0", "mail-1", "mail-2"]

    def broken() -> Iterator[list[dict[str, Any]]]:
        yield _MESSAGES[0]
        raise RuntimeError

    other = tmp_path / "other.jsonl"
    with pytest.raises(RuntimeError):
        BatchJob.create_from_messages(broken(), model="gpt-5-mini", file_path=other)
    assert list(tmp_path.iterdir()) == [path]


def _anthropic_line(row: int, content: list[dict[str, Any]], **message: Any) -> bytes:
    line = {
        "custom_id": f"0123abcd-{row:09}-0",
        "result": {
            "type": "succeeded",
            "message": {
                "id": "msg",
                "type": "message",
                "role": "assistant",
                "model": "claude-haiku-4-5",
                "content": content,
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 1, "output_tokens": 1},
                **message,
            },
        },
    }
    return orjson.dumps(line) + b"\n"


def test_both_providers_are_told_apart(tmp_path: Path, answer_line: Line) -> None:
    """Results of both are parsed by their own shape, in the order of the file."""
    spam, fine = '{"label":"SPAM"}', '{"label":"NOT_SPAM"}'
    lines = [
        answer_line(0, spam),
        _anthropic_line(1, [{"type": "text", "text": fine}]),
        answer_line(2, '{"label":"MAYBE"}'),
        _anthropic_line(
            3,
            [{"type": "tool_use", "id": "t", "name": "x", "input": {"label": "SPAM"}}],
        ),
        orjson.dumps({"custom_id": "e", "result": {"type": "expired"}}) + b"\n",
        b"no json\n",
        b"[1]\n",
        b'{"custom_id":"x"}\n',
        b"\n",
        answer_line(5, None, status=500),
    ]
    path = tmp_path / "results.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(lines))
    parsed, unparsed = BatchJob.parse_from_file(path, Classification)
    assert [one.label for one in parsed] == ["SPAM", "NOT_SPAM", "SPAM"]
    assert [one["custom_id"] if isinstance(one, dict) else one for one in unparsed] == [
        "0123abcd-000000002-0",
        "e",
        "no json",
        "[1]",
        "x",
        "0123abcd-000000005-0",
    ]
    text = path.read_text(encoding="utf-8")
    assert BatchJob.parse_from_string(text, Classification) == (parsed, unparsed)


def test_results_come_one_by_one(tmp_path: Path, answer_line: Line) -> None:
    """Each line that is not blank is one answer, with what became of its request."""
    lines = [
        answer_line(0, '{"label":"SPAM"}'),
        answer_line(1, '{"label":"MAYBE"}'),
        b"\n",
        orjson.dumps({"custom_id": "e", "result": {"type": "expired"}}) + b"\n",
        b"no json\n",
    ]
    path = tmp_path / "results.jsonl"
    path.write_bytes(b"".join(lines))
    good, bad, expired, odd = BatchJob.results_from_file(path, Classification)
    assert isinstance(good, Answer)
    assert good.custom_id == "0123abcd-000000000-0"
    assert good.value == Classification(label="SPAM")
    assert good.error is None
    assert good.usage is not None
    assert good.usage.output_tokens > 0
    assert bad.outcome is Outcome.INVALID
    assert bad.value is None
    assert "label: Input should be" in str(bad.error)
    assert (expired.custom_id, expired.outcome) == ("e", Outcome.EXPIRED)
    assert (odd.custom_id, odd.outcome) == (None, Outcome.ERRORED)
    assert odd.error == "line 5 is no result of a known provider"
    texts = BatchJob.results_from_file(path)
    assert next(texts).value == '{"label":"SPAM"}'
    with pytest.raises(BatchwrightError, match=r"absent\.jsonl cannot be read"):
        next(BatchJob.results_from_file(tmp_path / "absent.jsonl"))


def test_text_is_split_on_newlines_alone(answer_line: Line) -> None:
    """A line separator inside an answer ends no line."""

    class Note(BaseModel):
        text: str

    line = answer_line(0, '{"text":"a\u2028b\u0085c"}').decode()
    parsed, unparsed = BatchJob.parse_from_string(line, Note)
    assert parsed == [Note(text="a\u2028b\u0085c")]
    assert unparsed == []


@pytest.mark.parametrize(
    ("line", "provider"),
    [
        (b'{"id":"b","custom_id":"x","response":null,"error":{}}', "openai"),
        (b'{ "custom_id": "x", "error": {} }', "openai"),
        (b'{"result":{"type":"succeeded"},"custom_id":"x"}', "anthropic"),
        (b'{"custom_id":"x","result":5}', None),
        (b'{"response":{}}', None),
        (b"\xff", None),
    ],
)
def test_a_shape_is_of_one_provider(line: bytes, provider: str | None) -> None:
    """A line is of the provider whose keys it has, however it is spelled."""
    assert provider_of(line) == provider


def test_results_are_read_by_provider_with_their_lines(answer_line: Line) -> None:
    """Neighbours of one provider come together; blank lines count as lines."""
    ours = answer_line(0, '{"label":"SPAM"}').strip()
    theirs = b'{"custom_id":"x","result":{}}'
    lines = [b"\xef\xbb\xbf" + ours, ours + b"\r", b"", b"  ", theirs, b"odd", ours]
    blocks = list(read_results(BytesIO(b"\n".join(lines))))
    assert [
        (block.fmt and block.fmt.name, block.first_line, block.lines)
        for block in blocks
    ] == [
        ("openai", 1, [ours + b"\n", ours + b"\r\n"]),
        ("anthropic", 5, [theirs + b"\n"]),
        (None, 6, [b"odd\n"]),
        ("openai", 7, [ours]),
    ]
    assert [len(block.results) for block in blocks] == [2, 1, 0, 1]


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    """A file of results that is not there is named."""
    with pytest.raises(InputError, match=r"absent\.jsonl cannot be read"):
        BatchJob.parse_from_file(tmp_path / "absent.jsonl", Classification)
