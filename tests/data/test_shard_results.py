"""Results by row: the same whether they are held or read from disk."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data._held_results import HeldResults
from batchwright.data._result_index import ResultIndex
from batchwright.data._row_results import ResultFile, RowIds
from batchwright.data._shard_results import ShardResults
from batchwright.providers import get_format

_NONCE = "0123abcd"
_ROWS = range(10, 17)
_FORMAT = get_format("openai")

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

_lines = st.one_of(
    st.sampled_from(_ODD),
    st.tuples(st.integers(8, 18), st.integers(0, 3)).map(
        lambda drawn: b'{"custom_id":"%b-%09d-%d"}\n' % (_NONCE.encode(), *drawn)
    ),
)


def _all(results: ShardResults, most: int) -> list[object]:
    seen: list[object] = []
    row = _ROWS.start
    while row < _ROWS.stop:
        block = results.block(row, most)
        assert 1 <= len(block.counts) <= most
        assert sum(block.counts) == len(block.results) == len(block.batch_ids)
        found = zip(block.results, block.batch_ids, strict=True)
        for count in block.counts:
            seen += [[next(found) for _ in range(count)]]
        row += len(block.counts)
    assert row == _ROWS.stop
    return [*seen, results.foreign]


@given(st.lists(st.lists(_lines, max_size=12), max_size=3), st.integers(1, 9))
def test_held_or_on_disk(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[bytes]], most: int
) -> None:
    """Both find the same results, batches and foreign lines, in the same order."""
    folder = tmp_path_factory.mktemp("results")
    paths = [folder / f"{number}.jsonl" for number in range(len(files))]
    for path, lines in zip(paths, files, strict=True):
        path.write_bytes(b"".join(lines))
    shard = (_FORMAT, _NONCE, _ROWS.start, len(_ROWS))
    held = HeldResults([ResultFile(path, path.stem) for path in paths], *shard)
    with ExitStack() as stack:
        opened = [(stack.enter_context(path.open("rb")), path.stem) for path in paths]
        assert _all(ResultIndex(opened, *shard), most) == _all(held, most)


def test_ids_with_newlines_do_not_pass_for_others() -> None:
    """Ids are looked at together, and still each by itself."""
    mine = f"{_NONCE}-000000010-0"
    ids = RowIds(_NONCE, _ROWS.start, len(_ROWS))
    assert ids.rows([mine, f"{mine}\n{mine}", "x"]) == [0, -1, -1]
    assert ids.rows([f"{mine}\nx", mine, mine]) == [-1, 0, 0]
    assert ids.rows([]) == []
    assert ids.foreign.count == 3
