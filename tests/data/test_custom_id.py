"""Row ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.custom_id import new_nonce, parse_row_id, row_id


@given(st.integers(0, 999_999_999), st.integers(0, 99))
def test_ids_say_row_and_round(row: int, round_: int) -> None:
    """What is put into an id comes out, and both providers take the id."""
    nonce = new_nonce()
    custom_id = row_id(nonce, row, round_)
    assert parse_row_id(custom_id, nonce) == (row, round_)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", custom_id)


@pytest.mark.parametrize(
    "custom_id",
    [
        None,
        "",
        "row-000000000",
        "0123abce-000000000-0",
        "0123abcd-00000000-0",
        "0123abcd-0000000000-0",
        "0123abcd-000000000-",
        "0123abcd-000000000-x",
        "0123abcd-00000000²-0",
        "0123abcd-000000000_0",
    ],
)
def test_foreign_ids_are_none_of_ours(custom_id: str | None) -> None:
    """An id of another run or shape is not taken for a row."""
    assert parse_row_id(custom_id, "0123abcd") is None


@given(st.text(max_size=30))
def test_any_text_is_judged(text: str) -> None:
    """No text raises, and only ids that we would write are ours."""
    parsed = parse_row_id("0123abcd" + text, "0123abcd")
    if parsed is not None:
        assert parsed[0] < 10**9
