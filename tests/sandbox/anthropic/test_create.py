"""Any JSON document with a list of requests is a body; nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from batchwright.sandbox import Sandbox


@pytest.fixture
def post(sandbox: Sandbox) -> Iterator[Any]:
    """Posts the bytes of a body and returns the response."""
    headers = {"x-api-key": "sandbox-key", "anthropic-version": "2023-06-01"}
    with httpx2.Client(headers=headers) as client:
        url = f"{sandbox.anthropic_base_url}/v1/messages/batches"
        yield lambda body: client.post(url, content=body)


BROKEN = [
    b"",
    b" ",
    b"[]",
    b"{}",
    b'{"requests":[',
    b'{"requests":[{"custom_id":"a"}',
    b'{"requests":[{"custom_id":"a"}]',
    b'{"requests":[{"custom_id":"a","params":{}},]}',
    b'{"requests":[{"custom_id":"a","params":{}}]} x',
    b'{"requests":[{"custom_id":"a","params":{}} {"custom_id":"b","params":{}}]}',
    b'{"requests": 5}',
    b'{"requests":[{"custom_id":"a","params":{"top_p":NaN}}]}',
    b'{"requests":[{"custom_id":"a","params":{"model":"\xff"}}]}',
    b'{"requests":' + b"[" * 100_000,
]


@pytest.mark.parametrize("body", BROKEN)
def test_what_is_no_request_body_is_refused(
    sandbox: Sandbox, post: Any, body: bytes
) -> None:
    """Broken JSON, or no list of requests, is a 400 and leaves nothing behind."""
    answer = post(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert sandbox.created() == 0
    assert list(sandbox.backend.store.files.iterdir()) == []


@pytest.mark.parametrize("indent", [None, 1])
def test_any_layout_of_the_document_is_read(
    sandbox: Sandbox, post: Any, message: Any, *, indent: int | None
) -> None:
    """White space, other members and raw Unicode change nothing about the requests."""
    texts = ["line\nend", 'a "quote" },{"custom_id":', "raw \u2028 żółw", "x" * 200_000]
    requests = [
        message(f"row-{number}", messages=[{"role": "user", "content": text}])
        for number, text in enumerate(texts)
    ]
    document = {"first": [1, {}], "requests": requests, "last": None}
    body = json.dumps(document, ensure_ascii=False, indent=indent).encode()
    batch = post(body).json()
    sandbox.settle()
    (made,) = sandbox.batches()
    assert (made.requests, made.first_custom_id) == (4, "row-0")
    headers = {"x-api-key": "sandbox-key", "anthropic-version": "2023-06-01"}
    url = f"{sandbox.anthropic_base_url}/v1/messages/batches/{batch['id']}/results"
    lines = httpx2.get(url, headers=headers).content.splitlines()
    said = {
        line["custom_id"]: line["result"]["message"]["content"][0]["text"]
        for line in map(json.loads, lines)
    }
    assert said.keys() == {f"row-{number}" for number in range(4)}
    for number, text in enumerate(texts):
        assert repr(text[:80]) in said[f"row-{number}"]
