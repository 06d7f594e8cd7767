"""Values of Parquet that Python has no object for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchwright.data.rows.source import open_rows

_FAR = 2**62
_US = pa.timestamp("us")


def _struct(*names: str) -> Callable[[pa.Array[Any]], pa.Array[Any]]:
    return lambda values: pa.StructArray.from_arrays([values] * len(names), names)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([6585322, 1], pa.date32()), ["+20000-01-01", "1970-01-02"]),
        (pa.array([-800000], pa.date32()), ["-00221-09-04"]),
        (pa.array([6585322 * 86_400_000], pa.date64()), ["+20000-01-01"]),
        (pa.array([_FAR], _US), ["+148108-07-06T14:00:27.387904"]),
        (
            pa.array([_FAR], pa.timestamp("us", tz="Europe/Berlin")),
            ["+148108-07-06T14:00:27.387904+00:00"],
        ),
        (
            pa.array([0], pa.timestamp("s", tz="Mars/Olympus")),
            ["1970-01-01T00:00:00+00:00"],
        ),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001"]),
        (pa.array([1], pa.time64("ns")), ["00:00:00.000000001"]),
        (pa.array([1], pa.duration("ns")), ["00:00:00.000000001"]),
        (pa.array([2**60], pa.duration("s")), ["13343998895912 days, 13:56:16"]),
        (
            pa.array([[_FAR, None]], pa.list_(_US)),
            [["+148108-07-06T14:00:27.387904", None]],
        ),
        (
            pa.array([[("k", 1)]], pa.map_(pa.string(), pa.timestamp("ns"))),
            [[("k", "1970-01-01T00:00:00.000000001")]],
        ),
        (
            _struct("t")(pa.array([_FAR], _US)),
            [{"t": "+148108-07-06T14:00:27.387904"}],
        ),
        (_struct("a", "a")(pa.array([1])), [[("a", 1), ("a", 1)]]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_what_python_cannot_hold_is_text(
    tmp_path: Path, column: pa.Array[Any], expected: list[Any]
) -> None:
    """Each such value is exact text, and its column goes into the output as it is."""
    path = tmp_path / "in.parquet"
    table = pa.table({"x": column})
    pq.write_table(table, path)
    source = open_rows(str(path))
    (block,) = source.blocks()
    values = [row["x"] for row in block.values]
    assert [*map(str, values)] == [*map(str, expected)]
    kept_path = tmp_path / "kept.parquet"
    store = source.store(kept_path)
    store.add(block.records)
    store.close()
    assert pq.read_table(kept_path).equals(pq.read_table(path))
