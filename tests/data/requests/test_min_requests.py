"""Tests of the fewest requests that a batch may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchwright.data.job import BatchJob
from batchwright.data.requests.check import check_file
from batchwright.data.requests.generate import write_shards
from batchwright.data.resolve import resolve
from batchwright.errors import InputError
from batchwright.providers import get_format

MODEL = "bedrock/anthropic.claude-sonnet-5-v1:0"


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a region, without which there is no address."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("BEDROCK_BATCH_MIN_RECORDS", raising=False)


def _generate(folder: Path, rows: int, **options: int) -> list[int]:
    source, made = folder / "in.csv", folder / "made"
    source.write_text("text\n" + "".join(f"row {n}\n" for n in range(rows)), "utf-8")
    made.mkdir()
    job = BatchJob(
        input=str(source),
        output=str(folder / "out.csv"),
        model=MODEL,
        prompt="{{ text }}",
        **options,
    )
    shards = write_shards(resolve(job), get_format("bedrock"), "a-%09d", made)
    return [shard.requests.requests for shard in shards]


@pytest.mark.parametrize(
    ("rows", "options", "expected"),
    [
        (100, {}, [100]),
        (250, {"max_requests_per_batch": 150}, [150, 100]),
        (2, {"finish_by_seconds": 0}, [2]),
        (99, {}, "would have 99 requests, but one has at least 100"),
        (210, {"max_requests_per_batch": 150}, "would have 60 requests"),
        (200, {"canary": 10}, "would have 10 requests"),
    ],
    ids=["enough", "two", "realtime", "few", "rest", "canary"],
)
def test_a_batch_has_enough_requests(
    rows: int, options: dict[str, int], expected: list[int] | str, tmp_path: Path
) -> None:
    """Fewer rows than a batch needs are refused before there is a plan."""
    if isinstance(expected, list):
        assert _generate(tmp_path, rows, **options) == expected
        return
    with pytest.raises(InputError, match=expected):
        _generate(tmp_path, rows, **options)


def test_a_file_with_too_few_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check says both numbers; the account's own quota may be lower."""
    path = tmp_path / "in.jsonl"
    asked = '{"messages":[{"role":"user","content":[{"text":"Hi."}]}]}'
    path.write_text(f'{{"recordId":"a","modelInput":{asked}}}\n', "utf-8")
    (problem,) = check_file(path, get_format("bedrock")).problems
    assert problem.message == "It holds 1 requests, but a batch holds at least 100."
    monkeypatch.setenv("BEDROCK_BATCH_MIN_RECORDS", "1")
    assert check_file(path, get_format("bedrock")).problems == ()
    monkeypatch.setenv("BEDROCK_BATCH_MIN_RECORDS", "few")
    with pytest.raises(InputError, match="BEDROCK_BATCH_MIN_RECORDS must be a whole"):
        get_format("bedrock")
