"""Bytes by number, in memory or in a file."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.results.store import Store


@given(
    st.lists(st.lists(st.binary(max_size=30), max_size=4)),
    st.integers(0, 60),
    st.randoms(use_true_random=False),
)
def test_pieces_are_found_by_number(
    tmp_path_factory: pytest.TempPathFactory,
    appended: list[list[bytes]],
    memory_bytes: int,
    chance: random.Random,
) -> None:
    """Whatever limit there is, every piece comes back, in any order, also between."""
    folder = tmp_path_factory.mktemp("store")
    pieces: list[bytes] = []
    with closing(Store(folder, memory_bytes)) as store:
        for some in appended:
            store.append(some)
            pieces += some
            numbers = [*range(len(pieces))]
            chance.shuffle(numbers)
            taken = [bytes(piece) for piece in store.take(numbers)]
            assert taken == [pieces[number] for number in numbers]


@pytest.mark.parametrize("memory_bytes", [0, 3, 100])
def test_the_file_has_no_name(tmp_path: Path, memory_bytes: int) -> None:
    """While a store is used its folder is empty, so a crash leaves nothing there."""
    with closing(Store(tmp_path, memory_bytes)) as store:
        store.append([b"one", b"two"])
        assert [*map(bytes, store.take([1, 0]))] == [b"two", b"one"]
        assert list(tmp_path.iterdir()) == []
