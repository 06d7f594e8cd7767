"""The rows of custom_ids."""

from __future__ import annotations

import pytest

from batchwright.data.results.row_ids import RowIds

_NONCE = "0123abcd"
_MINE = f"{_NONCE}-000000010-0"


@pytest.mark.parametrize(
    ("custom_ids", "rows"),
    [
        ([], []),
        ([_MINE, f"{_NONCE}-000000016-12"], [0, 6]),
        ([_MINE, None, ""], [0, -1, -1]),
        ([_MINE, f"{_NONCE}-000000009-0", f"{_NONCE}-000000017-0"], [0, -1, -1]),
        ([_MINE, "ffffffff-000000010-0"], [0, -1]),
        ([_MINE, f"{_NONCE}-000000010-x"], [0, -1]),
        ([_MINE, f"{_NONCE}-000000010-9999999999"], [0, -1]),
        # They are searched together, and still each one by itself.
        ([_MINE, f"{_MINE}\n{_MINE}", "x"], [0, -1, -1]),
        ([f"{_MINE}\nx", _MINE, _MINE], [-1, 0, 0]),
    ],
)
def test_an_id_is_of_one_row_or_stray(
    custom_ids: list[str | None], rows: list[int]
) -> None:
    """An ID that is not exactly one of this shard's is counted as stray."""
    ids = RowIds(_NONCE, 10, 7)
    assert ids.find(custom_ids)[0] == rows
    assert ids.strays.count == rows.count(-1)


def test_an_id_tells_its_round() -> None:
    """Requests of one row differ in their round."""
    ids = RowIds(_NONCE, 10, 7)
    assert ids.find([_MINE, f"{_NONCE}-000000010-12"]) == ([0, 0], [0, 12])
    assert ids.find([_MINE, f"{_NONCE}-000000011-3", None]) == ([0, 1, -1], [0, 3, 0])
