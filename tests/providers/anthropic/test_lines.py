"""Anthropic's content blocks, further rounds, and the check of request lines."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchwright.errors import InputError
from batchwright.models import RequestTemplate
from batchwright.providers import get_format

FMT = get_format("anthropic")
USER = [{"role": "user", "content": "Hi"}]
TEMPLATE = RequestTemplate(
    model="claude-sonnet-5", endpoint="/v1/messages", system="Be brief.", max_tokens=9
)
LINE = FMT.encoder(TEMPLATE)("row-1", USER)


CHAT_PARTS = [
    {"type": "text", "text": "See"},
    {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BB"},
    },
    {"type": "image", "source": {"type": "file", "file_id": "f"}},
]


def _source(kind: str, data: str) -> dict[str, str]:
    return {"type": "base64", "media_type": kind, "data": data}


BLOCKS = [
    {"type": "text", "text": "See"},
    {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
    {"type": "image", "source": _source("image/png", "AAAA")},
    {
        "type": "document",
        "source": _source("application/pdf", "BB"),
        "title": "a.pdf",
    },
    {"type": "image", "source": {"type": "file", "file_id": "f"}},
]


def test_parts() -> None:
    """Parts in chat style become blocks; blocks stay what they are."""
    line = FMT.encoder(TEMPLATE)("row-1", [{"role": "user", "content": CHAT_PARTS}])
    assert orjson.loads(line)["params"]["messages"] == [
        {"role": "user", "content": BLOCKS}
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_data": "data:text/csv;base64,AA"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "image_url", "image_url": {"url": "data:image/png,AA"}},
        {"type": "image_url"},
    ],
)
def test_parts_without_a_block(part: Any) -> None:
    """A file that Anthropic does not take is refused."""
    with pytest.raises(InputError, match=r"^Request 'row-1' cannot be sent"):
        FMT.encoder(TEMPLATE)("row-1", [{"role": "user", "content": [part]}])


def test_extend() -> None:
    """A further round has a new ID and more messages; all else stays."""
    image = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    block = {
        "type": "image",
        "source": {"type": "url", "url": image["image_url"]["url"]},
    }
    told = {"role": "assistant", "content": "a"}
    more = [told, {"role": "user", "content": [image]}]
    params = orjson.loads(LINE)["params"]
    params["messages"] += [told, {"role": "user", "content": [block]}]
    again = {"custom_id": "row-2", "params": params}
    assert orjson.loads(FMT.extend(LINE, "row-2", more)) == again


def test_extend_by_nothing() -> None:
    """A new ID alone leaves every other byte as it is."""
    assert FMT.extend(LINE, "row-2", ()) == LINE.replace(b"row-1", b"row-2")


def test_own_lines_pass() -> None:
    """What is encoded here passes the check, and names its endpoint."""
    assert FMT.check(LINE) == ("row-1", "claude-sonnet-5", [])
    assert FMT.endpoint(LINE) == "/v1/messages"


GOOD = {"model": "m", "max_tokens": 9, "messages": USER}


def _request(custom_id: Any = "a", **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "params": {**GOOD, **more}}


BAD = {
    "no-id": ({"params": GOOD}, ["custom_id"]),
    "empty-id": (_request(""), ["custom_id"]),
    "long-id": (_request("a" * 65), ["custom_id"]),
    "odd-id": (_request("a b"), ["custom_id"]),
    "id-and-newline": (_request("a\n"), ["custom_id"]),
    "unicode-id": (_request("ä"), ["custom_id"]),
    "number-as-id": (_request(7), ["custom_id"]),
    "no-params": ({"custom_id": "a"}, ["params"]),
    "odd-params": ({"custom_id": "a", "params": []}, ["params"]),
    "empty-params": (
        {"custom_id": "a", "params": {}},
        ["params.model", "params.max_tokens", "params.messages"],
    ),
    "odd-model": (_request(model=7), ["params.model"]),
    "no-tokens": (_request(max_tokens=0), ["params.max_tokens"]),
    "tokens-as-text": (_request(max_tokens="9"), ["params.max_tokens"]),
    "odd-messages": (_request(messages="Hi"), ["params.messages"]),
    "stream": (_request(stream=True), ["params.stream"]),
    "two-faults": (_request("", stream=True), ["custom_id", "params.stream"]),
    "list": ([], [None]),
}


@pytest.mark.parametrize("name", BAD)
def test_check(name: str) -> None:
    """Every fault of a line is found, with the parameter that it is in."""
    request, expected = BAD[name]
    problems = FMT.check(orjson.dumps(request))[2]
    assert [problem.param for problem in problems] == expected
    assert {problem.code for problem in problems} == {"invalid_request_error"}


@pytest.mark.parametrize("custom_id", ["a", "a" * 64, "A-z_9"])
def test_check_takes_good_ids(custom_id: str) -> None:
    """An ID of 1 to 64 of the right characters is fine."""
    assert FMT.check(orjson.dumps(_request(custom_id))) == (custom_id, "m", [])


@pytest.mark.parametrize("content", [b'"\xff"', b'"\x01"', b'"\\q"', b"NaN", b'"a"}}x'])
def test_check_finds_what_is_no_json(content: bytes) -> None:
    """Bytes that are no UTF-8 or no JSON are found, wherever they stand."""
    line = orjson.dumps(_request(metadata="X")).replace(b'"X"', content)
    custom_id, _, problems = FMT.check(line)
    assert (custom_id, len(problems)) == (None, 1)
    assert "not JSON" in problems[0].message


@pytest.mark.parametrize(
    ("model", "codes"),
    [
        ("claude-opus-4-1-20250805", ["warning"]),
        ("claude-sonnet-4-5", ["invalid_request_error"]),
        ("claude-sonnet-4-9", []),
    ],
)
def test_a_limit_that_is_only_likely_is_a_warning(model: str, codes: list[str]) -> None:
    """What a page says is refused; what others say is warned of; the rest passes."""
    params = {"model": model, "max_tokens": 100_000, "messages": USER}
    line = orjson.dumps({"custom_id": "a", "params": params})
    assert [problem.code for problem in FMT.check(line)[2]] == codes
