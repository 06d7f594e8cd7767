"""Results back to their rows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.columns import META
from batchwright.errors import InputError
from batchwright.models import Outcome

MakeRun = Callable[..., Any]
Line = Callable[..., bytes]
Jsonl = Callable[[list[Any]], Path]

_GOOD = '{"label":"SPAM","score":0.5}'
_BAD = '{"label":"MAYBE"}'


@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 2), st.booleans())),
    st.sampled_from([".jsonl", ".csv", ".parquet"]),
    st.randoms(use_true_random=False),
)
def test_every_row_is_joined_once_in_order(  # noqa: PLR0913, PLR0917 - drawn by Hypothesis
    small_run: MakeRun,
    jsonl: Jsonl,
    answer_line: Line,
    model_file: str,
    rows: int,
    per_shard: int,
    results: list[tuple[int, int, bool]],
    suffix: str,
    chance: random.Random,
) -> None:
    """Whatever lines come back, shuffled, doubled or not at all, no row is lost."""
    run = small_run(
        jsonl([{"n": n} for n in range(rows)]),
        f"out{suffix}",
        prompt="{{ n }}",
        response_model=model_file,
        max_requests_per_batch=per_shard,
    )
    rounds: list[list[bytes]] = [[], [], []]
    for row, round_, good in results:
        rounds[round_].append(answer_line(row, _GOOD if good else _BAD, round_=round_))
    for lines in rounds:
        chance.shuffle(lines)
    tally = run.join(*rounds)
    table = run.table()
    assert [int(row["n"]) for row in table] == list(range(rows))
    answered = {row for row, _, _ in results}
    good = {row for row, _, good in results if good}
    for number, row in enumerate(table):
        expected = "invalid" if number in answered else "missing"
        assert row["_outcome"] == ("succeeded" if number in good else expected)
        assert (row["label"] or None) == ("SPAM" if number in good else None)
        assert row["_custom_id"].startswith(f"0123abcd-{number:09}-")
    assert tally.rows == rows == sum(tally.outcomes.values())
    assert tally.missing.count == rows - len({row for row in answered if row < rows})
    once = Counter((row, round_) for row, round_, _ in results if row < rows)
    assert tally.duplicate.count == sum(count - 1 for count in once.values())
    assert tally.input_tokens == 10 * len(once)


def test_a_later_round_wins_until_one_succeeds(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line, model_file: str
) -> None:
    """The first valid success counts, else the last line; all attempts are billed."""
    run = small_run(
        jsonl([{"n": n} for n in range(3)]), prompt="x", **_model(model_file)
    )
    tally = run.join(
        [answer_line(0, _BAD), answer_line(1, _GOOD), answer_line(2, None, status=500)],
        [answer_line(0, _GOOD, round_=1), answer_line(2, _BAD, round_=1)],
        [answer_line(1, _BAD, round_=2)],
    )
    first, second, third = run.table()
    assert first["_outcome"] == "succeeded"
    assert first["_custom_id"].endswith("-1")
    assert first["_batch_id"] == "batch_1"
    assert first["_input_tokens"] == 20
    assert second["_batch_id"] == "batch_0"
    assert second["_output_tokens"] == 10
    assert third["_outcome"] == "invalid"
    assert third["_raw"] == _BAD
    assert third["_input_tokens"] == 10
    assert tally.input_tokens == 50
    assert tally.cost_usd == pytest.approx(
        sum(row["_cost_usd"] for row in (first, second, third))
    )


def test_strange_lines_are_counted(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line
) -> None:
    """Lines of others, without an id, or cut are foreign; blank ones are nothing."""
    run = small_run(jsonl([{"n": 0}]), prompt="x")
    other = answer_line(0, "hi").replace(b"0123abcd", b"ffffffff")
    spaced = orjson.dumps(
        orjson.loads(answer_line(0, "hi")), option=orjson.OPT_INDENT_2
    )
    tally = run.join(
        [
            other,
            b"\n",
            answer_line(7, "hi"),
            b'{"custom_id":null}\n',
            spaced.replace(b"\n", b"") + b"\r\n",
            b'{"id":"x","custom_id":"0123a',
        ]
    )
    assert tally.foreign.count == 4
    assert tally.foreign.first_ids[:2] == (
        "ffffffff-000000000-0",
        "0123abcd-000000007-0",
    )
    assert tally.outcomes == {Outcome.SUCCEEDED: 1}
    assert run.table()[0]["answer"] == "hi"


_TYPED = {
    "type": "object",
    "$defs": {"Level": {"enum": ["low", "high"], "type": "string"}},
    "properties": {
        "i": {"type": "integer"},
        "f": {"type": "number"},
        "b": {"type": ["boolean", "null"]},
        "s": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "level": {"$ref": "#/$defs/Level"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
}
_VALUES = {
    "i": 2,
    "f": 1,
    "b": True,
    "s": "ü",
    "level": "low",
    "day": "2026-11-23",
    "at": "2026-11-23T04:00:00+02:00",
    "tags": ["a", "b"],
    "either": "x",
}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_columns_have_the_types_of_the_schema(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line, suffix: str
) -> None:
    """An answer's columns are typed by its schema, also where no row succeeded."""
    fields = {"prompt": "x", "response_model": _TYPED, "answer_prefix": "a_"}
    run = small_run(jsonl([{"n": 1}, {"n": 2}]), f"out{suffix}", **fields)
    run.join([answer_line(0, orjson.dumps(_VALUES).decode())])
    first, second = run.table()
    got = {name: first[f"a_{name}"] for name in _VALUES}
    if suffix == ".jsonl":
        assert got == _VALUES
        assert all(second[f"a_{name}"] is None for name in _VALUES)
    elif suffix == ".csv":
        texts = {"i": "2", "f": "1", "b": "true", "tags": '["a","b"]', "either": '"x"'}
        assert got == {**_VALUES, **texts}
        assert all(second[f"a_{name}"] == "" for name in _VALUES)
    else:
        written = pq.read_table(run.job.job.output)
        types = {name: written.schema.field(f"a_{name}").type for name in _VALUES}
        assert types == {
            "i": pa.int64(),
            "f": pa.float64(),
            "b": pa.bool_(),
            "s": pa.string(),
            "level": pa.string(),
            "day": pa.date32(),
            "at": pa.timestamp("us", tz="UTC"),
            "tags": pa.string(),
            "either": pa.string(),
        }
        assert got["at"] == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert list(first)[-len(META) :] == list(META)


def test_an_embedding_is_a_vector(small_run: MakeRun, jsonl: Jsonl) -> None:
    """An embedding lands as a list of numbers in a column of that name."""
    source = jsonl([{"t": "x"}])
    model = "text-embedding-3-small"
    run = small_run(source, "out.parquet", prompt="{{ t }}", model=model)
    body = {
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, 1]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    line = {
        "id": "b",
        "custom_id": "0123abcd-000000000-0",
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
    }
    tally = run.join([orjson.dumps(line)])
    assert tally.outcomes == {Outcome.SUCCEEDED: 1}
    assert pq.read_table(run.job.job.output)["embedding"].to_pylist() == [[0.25, 1.0]]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_kept_columns_with_our_names_give_way(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line, suffix: str
) -> None:
    """Rows that a run of version 0.1 kept may have them."""
    run = small_run(jsonl([{"n": 1, "other": "x"}]), f"out{suffix}", prompt="x")
    (shard,) = run.shards
    shard.rows_path.write_bytes(b'{"n":1,"_outcome":"x"}\n')
    if "other" in shard.columns:
        shard.columns["_outcome"] = shard.columns.pop("other")
    run.join([answer_line(0, "two")])
    (row,) = run.table()
    assert list(row) == ["n", "answer", *META]
    assert row["_outcome"] == "succeeded"


def test_a_shard_that_lost_rows_is_not_written(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line
) -> None:
    """Rows that no longer fit their shard are an error, not a shorter table."""
    run = small_run(jsonl([{"n": 1}, {"n": 2}]), prompt="x")
    run.shards[0].rows_path.write_bytes(b'{"n":1}\n')
    with pytest.raises(InputError, match="does not hold the 2 rows"):
        run.join([answer_line(0, "x")])


def test_outputs_may_be_remote(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line
) -> None:
    """A table behind an fsspec URL is written like a local one."""
    url = "memory://joined/out.jsonl"
    run = small_run(jsonl([{"n": 1}]), prompt="x")
    job = run.job.job.model_copy(update={"output": url})
    run.job = run.job.model_copy(update={"job": job})
    run.join([answer_line(0, "x")])
    assert run.table()[0]["answer"] == "x"


def _model(model_file: str) -> dict[str, str]:
    return {"response_model": model_file}
