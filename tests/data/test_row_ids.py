"""Answers by row: the same whether they are held or read from disk."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from batchwright.data.answers.load import load_answer
from batchwright.data.results.held_answers import HeldAnswers, NotOrdinaryError
from batchwright.data.results.indexed_answers import IndexedAnswers
from batchwright.data.results.merge import Reading
from batchwright.data.results.result_index import ResultIndex
from batchwright.data.results.row_results import ResultFile, RowIds
from batchwright.data.results.shard_answers import ShardAnswers, open_answers
from batchwright.data.results.tally import ShardTally
from batchwright.data.rows.kept import no_columns
from batchwright.data.tables.writers import Writer, open_writer
from batchwright.models import Outcome
from batchwright.providers import get_format

_NONCE = "0123abcd"
_ROWS = range(10, 17)
_READING = Reading(
    load_answer(None),
    get_format("openai"),
    "gpt-5-mini",
    _NONCE,
    lambda row: (Outcome.MISSING, f"no line for {row}"),
)

_ODD = [
    b"\n",
    b"  \r\n",
    b"not JSON\n",
    b"{}\n",
    b'{"custom_id":null,"error":null}\n',
    b'{"custom_id":"0123abcd-000000012-0\\n","error":null}\n',
    b'{"custom_id":"0123abcd-000000012-x","error":null}\n',
    b'{ "error":null, "custom_id":"0123abcd-000000013-1"}\n',
    '{"custom_id":"Größe","error":null}\n'.encode(),
    b'{"custom_id":"ffffffff-000000012-0","error":null}\n',
]
_SUCCESS = (
    b'{"id":"batch_req_1","custom_id":"%b-%09d-%d","response":{"status_code":200,'
    b'"body":{"model":"gpt-5-mini","choices":[{"message":{"content":"answer %d"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":1,'
    b'"prompt_tokens_details":{"cached_tokens":2}}}},"error":null}\n'
)
_FAILURE = b'{"custom_id":"%b-%09d-%d","error":{"message":"no %d, %d"}}\n'

_lines = st.one_of(
    st.sampled_from(_ODD),
    st.tuples(
        st.sampled_from([_SUCCESS, _FAILURE]),
        st.integers(8, 18),
        st.integers(0, 3),
        st.integers(3, 9),
        st.integers(3, 9),
    ).map(lambda drawn: drawn[0] % (_NONCE.encode(), *drawn[1:])),
)


def _all(answers: ShardAnswers, most: int) -> tuple[list[bytes], ShardTally]:
    """Return what is written for each row, and the counts."""
    written: list[bytes] = []
    while left := len(_ROWS) - len(written):
        laid = answers.block(_ROWS.start + len(written), min(most, left))
        assert 1 <= laid.rows <= min(most, left)
        assert laid.rows == len(laid.answers)
        written += laid.answers
    return written, answers.counter.close(answers.foreign)


def _has_more_after_success(paths: list[Path]) -> bool:
    answered: set[int] = set()
    ids = RowIds(_NONCE, _ROWS.start, len(_ROWS))
    for line in b"".join(path.read_bytes() for path in paths).splitlines(keepends=True):
        result = _READING.fmt.decode(line)
        (row,) = ids.rows([result.custom_id])
        if row in answered:
            return True
        if row >= 0 and result.outcome is Outcome.SUCCEEDED:
            answered.add(row)
    return False


def _written(writer: Writer, paths: list[Path], most: int) -> list[object]:
    shard = (_ROWS.start, len(_ROWS))
    both: list[object] = []
    try:
        files = [ResultFile(path, path.stem) for path in paths]
        both.append(_all(HeldAnswers(files, _READING, *shard, writer), most))
    except NotOrdinaryError:
        event("not ordinary")
        assert _has_more_after_success(paths)
    with ExitStack() as stack:
        opened = [(stack.enter_context(path.open("rb")), path.stem) for path in paths]
        index = ResultIndex(opened, _READING.fmt, _NONCE, *shard)
        both.append(_all(IndexedAnswers(index, _READING, writer), most))
    return both


@given(st.lists(st.lists(_lines, max_size=12), max_size=3), st.integers(1, 9))
def test_held_or_on_disk(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[bytes]], most: int
) -> None:
    """Both write the same, and count the same; what is held too little gives up."""
    folder = tmp_path_factory.mktemp("results")
    paths = [folder / f"{number}.jsonl" for number in range(len(files))]
    for path, lines in zip(paths, files, strict=True):
        path.write_bytes(b"".join(lines))
    columns = _READING.answer.columns
    writer = open_writer(folder / "part.jsonl", no_columns(), columns, "")
    try:
        written, *others = _written(writer, paths, most)
    finally:
        writer.close()
    assert others in ([], [written])


def test_ids_with_newlines_do_not_pass_for_others() -> None:
    """Ids are looked at together, and still each by itself."""
    mine = f"{_NONCE}-000000010-0"
    ids = RowIds(_NONCE, _ROWS.start, len(_ROWS))
    assert ids.rows([mine, f"{mine}\n{mine}", "x"]) == [0, -1, -1]
    assert ids.rows([f"{mine}\nx", mine, mine]) == [-1, 0, 0]
    assert ids.rows([]) == []
    assert ids.foreign.count == 3


@pytest.mark.parametrize(("characters", "kind"), [(10, "Held"), (5 << 20, "Indexed")])
def test_many_refused_answers_are_not_held(
    characters: int, kind: str, tmp_path: Path
) -> None:
    """What is written of a row without a valid answer shows all that came."""
    line = _SUCCESS % (_NONCE.encode(), _ROWS.start, 0, 5, 5)
    line = line.replace(b"answer", b"x" * characters).replace(b'"stop"', b'"length"')
    path = tmp_path / "0.jsonl"
    path.write_bytes(line)
    columns = _READING.answer.columns
    writer = open_writer(tmp_path / "part.jsonl", no_columns(), columns, "")
    shard = (_ROWS.start, len(_ROWS))
    files = [ResultFile(path, None)]
    with open_answers(files, _READING, *shard, writer) as answers:
        assert type(answers).__name__ == f"{kind}Answers"
        written, tally = _all(answers, len(_ROWS))
    writer.close()
    assert tally.outcomes == {Outcome.TRUNCATED: 1, Outcome.MISSING: 6}
    assert b'"_raw":"' + b"x" * characters in written[0]
