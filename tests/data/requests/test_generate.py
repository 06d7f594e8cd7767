"""Rows to request files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.custom_id import parse_row_id
from batchwright.errors import InputError

MakeRun = Callable[..., Any]
Jsonl = Callable[[list[Any]], Path]


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=300), min_size=1
    ),
    st.integers(1, 5),
    st.integers(600, 2000),
    st.none() | st.integers(1, 4),
)
def test_every_row_is_in_one_shard(
    small_run: MakeRun,
    jsonl: Jsonl,
    texts: list[str],
    max_requests: int,
    max_bytes: int,
    canary: int | None,
) -> None:
    """Shards hold all rows once, in order, each as full as the limits allow."""
    source = jsonl([{"text": text} for text in texts])
    fields = {
        "prompt": "{{ text }}",
        "max_requests_per_batch": max_requests,
        "max_bytes_per_batch": max_bytes,
        "canary": canary,
    }
    try:
        run = small_run(source, **fields)
    except InputError as exc:
        if "one batch holds" not in str(exc):
            raise
        return
    ids = [parse_row_id(request["custom_id"], "0123abcd") for request in run.requests()]
    assert ids == [(row, 0) for row in range(len(texts))]
    row = 0
    for index, shard in enumerate(run.shards):
        requests = shard.requests
        data = requests.path.read_bytes()
        assert shard.first_row == row
        assert requests.requests == data.count(b"\n") <= max_requests
        assert requests.bytes == len(data) <= max_bytes
        assert requests.digest == hashlib.sha256(data).hexdigest()
        row += requests.requests
        if index + 1 < len(run.shards):
            with run.shards[index + 1].requests.path.open("rb") as after:
                first = len(after.readline())
            full = requests.requests == max_requests or len(data) + first > max_bytes
            assert full or row == canary


def test_rows_are_kept_as_they_were(
    small_run: MakeRun, tmp_path: Path, jsonl: Jsonl
) -> None:
    """JSON lines keep their bytes; CSV becomes text columns without nulls."""
    lines = b'{"a": 1.10 , "messages": []}\n{"a":"x"}\n'
    source = jsonl([])
    source.write_bytes(lines)
    run = small_run(source, prompt="{{ a }}")
    assert run.shards[0].rows_path.read_bytes() == lines
    table = tmp_path / "in.csv"
    table.write_text('a,b\n01,""\n,x\n', encoding="utf-8")
    run = small_run(table, prompt="{{ a }}")
    rows = pq.read_table(run.shards[0].rows_path)
    assert rows.to_pylist() == [{"a": "01", "b": ""}, {"a": "", "b": "x"}]


def test_a_row_with_messages_is_sent_as_it_is(small_run: MakeRun, jsonl: Jsonl) -> None:
    """Content that is now text and now a list is neither re-typed nor padded."""
    conversations = [
        [{"role": "user", "content": "hi"}],
        [{"role": "user", "content": [{"type": "text", "text": "hi"}], "name": "x"}],
    ]
    run = small_run(jsonl([{"messages": one} for one in conversations]))
    assert [one["body"]["messages"] for one in run.requests()] == conversations


def test_a_constant_system_text_is_one_for_all(
    small_run: MakeRun, jsonl: Jsonl
) -> None:
    """A system text goes first, whether rows change it or not."""
    source = jsonl([{"a": "x"}])
    for system in ("Be {{ 'kind' }}.", "Be {{ a }}."):
        run = small_run(source, prompt="{{ a }}", system=system)
        (request,) = run.requests()
        first, second = request["body"]["messages"]
        assert first["content"] in {"Be kind.", "Be x."}
        assert second == {"role": "user", "content": "x"}
    assert run.job.template.system is None


@pytest.mark.parametrize(
    ("rows", "fields", "message"),
    [
        ([], {"prompt": "x"}, "has no rows"),
        ([{"a": 1}, {"b": 1}], {"prompt": "{{ a }}"}, r"in.jsonl line 2: .*'a'"),
        ([{"a": 1}], {}, r"in.jsonl line 1: .*`messages`"),
        ([{"answer": 1}], {"prompt": "x"}, "--answer-prefix"),
        (
            [{"a": "x" * 900}],
            {"prompt": "{{ a }}", "max_bytes_per_batch": 800},
            r"in.jsonl line 1: A request has .* bytes",
        ),
    ],
)
def test_a_row_that_cannot_be_sent_is_named(
    small_run: MakeRun,
    jsonl: Jsonl,
    rows: list[Any],
    fields: dict[str, Any],
    message: str,
) -> None:
    """Nothing is sent when one row cannot be; the text names its line."""
    with pytest.raises(InputError, match=message):
        small_run(jsonl(rows), **fields)


def test_json_lines_say_together_what_a_column_is(
    small_run: MakeRun, jsonl: Jsonl
) -> None:
    """A column is of the one kind that holds all its values, over all shards."""
    rows: list[dict[str, Any]] = [
        {"n": 1, "f": 1, "s": "a", "big": 2**60, "mix": 1},
        {"n": None, "f": 0.5, "big": 1, "mix": "hello"},
        {"n": 2, "huge": 2**63, "s": None, "o": {"a": 1}, "none": None},
    ]
    run = small_run(jsonl(rows), "out.csv", prompt="x")
    assert run.shards[0].columns == {
        "n": "int64",
        "f": "double",
        "s": "string",
        "big": "long",
        "mix": "json",
        "huge": "json",
        "o": "json",
        "none": "null",
    }
    assert orjson.dumps(run.shards[0].columns)
