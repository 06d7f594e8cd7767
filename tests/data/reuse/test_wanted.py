"""Tests of `data.reuse`: which rows are equal, and who has an answer to them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.custom_id import row_ids
from batchwright.data.job import BatchJob
from batchwright.data.resolve import ResolvedJob, resolve
from batchwright.data.reuse.digests import DIGEST_BYTES, LineDigests
from batchwright.data.reuse.index import IndexWriter, read_index, results_digest
from batchwright.data.reuse.shared import Shared
from batchwright.data.reuse.wanted import Wanted
from batchwright.providers import get_format, vendors

# Digests that are equal in their first half, their second, both, or not at all.
_HALVES = [b"\0" * 8, b"\1" * 8, b"\xff" * 8, b"\0" * 7 + b"\1"]
digests = st.lists(
    st.builds(bytes.__add__, st.sampled_from(_HALVES), st.sampled_from(_HALVES)),
    min_size=1,
    max_size=30,
)


def index_of(found: list[bytes]) -> pa.RecordBatch:
    """Return the index of answers whose offsets are their places in the list."""
    writer = IndexWriter()
    for offset, digest in enumerate(found):
        writer.add(digest, offset)
    return pa.ipc.open_file(writer.to_bytes("abc")).get_batch(0)


@given(rows=digests, known=digests)
def test_each_row_finds_all_answers_to_it(
    rows: list[bytes], known: list[bytes]
) -> None:
    """The first of equal rows is looked up, and finds exactly the equal digests."""
    wanted = Wanted(b"".join(rows))
    answers, for_rows = wanted.matches(index_of(known))
    offsets = answers["offset"].to_pylist()
    found = [*zip(offsets, for_rows.to_pylist(), strict=True)]
    firsts = {digest: rows.index(digest) for digest in rows}
    expected = [
        (offset, firsts[digest])
        for offset, digest in enumerate(known)
        if digest in firsts
    ]
    assert {*found} <= {*expected}
    # Of digests that agree in their first half alone, one is looked up.
    halves = {digest[:8] for digest in firsts}
    if len(halves) == len(firsts):
        assert sorted(found) == sorted(expected)


@given(rows=digests, sizes=st.lists(st.integers(1, 9), min_size=30, max_size=30))
def test_rows_share_the_request_of_the_first(
    rows: list[bytes], sizes: list[int]
) -> None:
    """Each row has the leader that is first of its equals, in whichever shards."""
    shared = Shared(Wanted(b"".join(rows)).followers)
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    first_rows = [start for start in starts if start < len(rows)]
    leaders: dict[int, int] = {}
    for start, size in zip(first_rows, sizes, strict=False):
        leaders |= shared.leaders(start, size)
    assert leaders == {
        row: rows.index(digest)
        for row, digest in enumerate(rows)
        if rows.index(digest) != row
    }
    for row in {leaders.get(row, row) for row in range(len(rows))}:
        equal = [other for other, digest in enumerate(rows) if digest == rows[row]]
        shards = {
            max(index for index, first in enumerate(first_rows) if first <= other)
            for other in equal
        }
        assert [*shared.shards_of(row, first_rows)] == sorted(shards)


def test_what_is_answered_is_looked_for_no_more() -> None:
    """Once most requests have an answer, only the others are found in an index."""
    rows = [bytes([number]) * DIGEST_BYTES for number in range(50)]
    wanted = Wanted(b"".join(rows))
    for row in range(49):
        wanted.answer(row)
    assert len(wanted) == 1
    answers, for_rows = wanted.matches(index_of(rows))
    assert 49 in answers["offset"].to_pylist()
    assert len(for_rows) < 10
    assert [*wanted.unsent()] == [1] * 49 + [0]
    wanted.answer(49)
    assert len(wanted) == 0


def test_an_index_takes_24_bytes_a_row(tmp_path: Path) -> None:
    """An index of 10,000 answers is mapped, sorted, and names its file of results."""
    found = [number.to_bytes(DIGEST_BYTES) for number in range(10_000)]
    writer = IndexWriter()
    for digest in reversed(found):
        writer.add(digest, int.from_bytes(digest))
    path = tmp_path / "index"
    path.write_bytes(writer.to_bytes("abc"))
    assert path.stat().st_size < 25 * len(found)
    index = read_index(path)
    assert index["high"].to_pylist() == sorted(index["high"].to_pylist())
    assert results_digest(index) == "abc"


def resolved(folder: Path, provider: str) -> ResolvedJob:
    """Return a job for this provider."""
    source = folder / "in.csv"
    source.write_text("text\nx\n", encoding="utf-8")
    job = BatchJob(
        input=str(source),
        output=str(folder / "out.csv"),
        model=f"{provider}/some-model",
        prompt="{{ text }}",
    )
    return resolve(job, base_url="http://localhost/v1")


@pytest.mark.parametrize("provider", [vendor.name for vendor in vendors()])
def test_a_digest_covers_all_but_the_custom_id(tmp_path: Path, provider: str) -> None:
    """Requests of two runs and rounds are equal where their messages are."""
    job = resolved(tmp_path, provider)
    encode = get_format(provider, job.base_url).encoder(job.template)

    def line(nonce: str, row: int, round_: int, text: str) -> bytes:
        messages = [{"role": "user", "content": text}]
        return encode(row_ids(nonce, round_) % row, messages)

    lines = [
        line("aaaaaaaa", 0, 0, "x"),
        line("aaaaaaaa", 7, 0, "y"),
        line("aaaaaaaa", 8, 2, "x"),
    ]
    first = LineDigests(job, "aaaaaaaa").of(b"".join(lines))
    assert first[0] == first[2] != first[1]
    (other,) = LineDigests(job, "bbbbbbbb").of(line("bbbbbbbb", 3, 1, "y"))
    assert other == first[1]
    assert {len(digest) for digest in first} == {DIGEST_BYTES}
