"""Tests of rows in memory: any kind of table is kept exactly, and known again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from batchwright.data.rows.memory import write_rows
from batchwright.data.tables.returned import read_table
from batchwright.errors import InputError

LARGE = 2**60 + 1
"""No float is this number."""
DECIMALS = [Decimal("1.10"), None, Decimal("12345678901234567890.5")]
BERLIN = [datetime(2020, 1, 1, tzinfo=UTC), None, datetime(2021, 7, 1, tzinfo=UTC)]


def pandas_frame() -> pd.DataFrame:
    """Return a frame with every type that pandas can hand to Arrow."""
    return pd.DataFrame(
        {
            "text": ["a", None, ""],
            "int": pd.array([1, None, LARGE], dtype="Int64"),
            "object": pd.Series([1, None, LARGE], dtype=object),
            "unsigned": pd.Series([1, 2, 2**64 - 1], dtype="uint64"),
            "float": [1.5, float("nan"), -0.0],
            "bool": [True, None, False],
            "bytes": [b"x", None, b"\0"],
            "date": [date(2020, 1, 1), None, date(1900, 2, 3)],
            "time": [time(1, 2, 3), None, time(4)],
            "decimal": DECIMALS,
            "second": pd.Series(["2020-01-01", None, "2021-01-01"]).astype(
                "datetime64[s]"
            ),
            "nano": pd.Series([1, None, 3]).astype("datetime64[ns]"),
            "zone": pd.Series(BERLIN).dt.tz_convert("Europe/Berlin"),
            "delta": pd.to_timedelta(["1s", None, "3ns"]),
            "period": pd.period_range("2020-01", periods=3, freq="M"),
            "category": pd.Categorical(
                ["mid", None, "low"], ["low", "mid", "high", "unused"], ordered=True
            ),
            "list": [[1, 2], None, []],
            "struct": [{"a": 1, "b": [None]}, None, {"a": None, "b": []}],
        }
    )


INDEXES: list[pd.Index | None] = [
    None,
    pd.RangeIndex(10, 40, 10, name="n"),
    pd.Index([7, 5, 5], name="ticket"),
    pd.Index(["x", None, "y"]),
    pd.date_range("2020-01-01", periods=3, tz="Asia/Tokyo", name="day", freq=None),
    pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("a", 2)], names=["text", None]),
    pd.CategoricalIndex(["b", "a", "b"], ["b", "a"], name="kind"),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda each: type(each).__name__)
def test_pandas_comes_back_as_it_was(index: pd.Index | None, tmp_path: Path) -> None:
    """All values, types and the index of a frame are those that were written."""
    frame = pandas_frame()
    if index is not None:
        frame.index = index
    path = tmp_path / "rows.parquet"
    write_rows(frame, path)
    back = read_table(path, path)
    pd.testing.assert_frame_equal(back, frame, check_freq=False)
    assert [type(each) for each in back["list"]] == [list, type(None), list]
    assert back["object"].tolist() == [1, None, LARGE]


def test_polars_comes_back_as_it_was(tmp_path: Path) -> None:
    """All values and types of a frame are those that were written."""
    frame = pl.DataFrame(
        {
            "text": ["a", None, ""],
            "int": [1, None, LARGE],
            "unsigned": pl.Series([1, 2, 2**64 - 1], dtype=pl.UInt64),
            "small": pl.Series([1, None, -1], dtype=pl.Int8),
            "float": [1.5, float("nan"), None],
            "bool": [True, None, False],
            "bytes": [b"x", None, b"\0"],
            "date": [date(2020, 1, 1), None, date(1900, 2, 3)],
            "time": [time(1, 2, 3, 4), None, time(4)],
            "decimal": DECIMALS,
            "zone": pl.Series(BERLIN).dt.convert_time_zone("Europe/Berlin"),
            "milli": pl.Series([1, None, 3]).cast(pl.Datetime("ms")),
            "delta": [timedelta(microseconds=1), None, timedelta(days=400)],
            "category": pl.Series(["x", "y", None], dtype=pl.Categorical),
            "enum": pl.Series(["x", None, "z"], dtype=pl.Enum(["z", "x", "unused"])),
            "list": [[{"a": "x"}], None, []],
            "array": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int64, 2)),
            "struct": [{"a": 1, "b": "x"}, None, {"a": None, "b": None}],
            "null": [None, None, None],
        }
    )
    path = tmp_path / "rows.parquet"
    write_rows(frame, path)
    back = read_table(path, path)
    assert back.schema == frame.schema
    assert back.equals(frame)


def test_other_tables_come_back_as_arrow_tables(tmp_path: Path) -> None:
    """DuckDB's relations, PyArrow's tables and streams keep their types too."""
    path = tmp_path / "rows.parquet"
    relation = duckdb.sql("SELECT range AS n, {'a': range} AS s FROM range(20000)")
    table = pa.RecordBatchReader.from_stream(relation).read_all()
    arrow = pa.table(
        {
            "second": pa.array([1, None], pa.timestamp("s")),
            "day": pa.array([86_400_000, None], pa.date64()),
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
            "fixed": pa.array([b"ab", None], pa.binary(2)),
            "half": pa.array([1.5, None], pa.float16()),
            "view": pa.array(["a", None]),
        }
    )
    view = arrow.set_column(5, "view", arrow["view"].cast(pa.string_view()))
    expected = arrow.set_column(5, "view", arrow["view"].cast(pa.large_string()))
    for given, same in (
        (relation, table),
        (arrow, arrow),
        (arrow.to_reader(), arrow),
        (view, expected),
    ):
        write_rows(given, path)
        assert read_table(path, path).equals(same)


def test_mappings_become_columns(tmp_path: Path) -> None:
    """All keys are columns, in the order of their first use; what is absent is null."""
    rows: Iterator[dict[str, Any]] = iter(
        [
            {"b": None, "a": date(2020, 1, 1)},
            {"c": Decimal("1.10"), "b": LARGE},
            {"a": None, "d": {"x": [1], "y": "z"}},
        ]
    )
    path = tmp_path / "rows.parquet"
    write_rows(rows, path)
    assert read_table(path, path).to_pylist() == [
        {"b": None, "a": date(2020, 1, 1), "c": None, "d": None},
        {"b": LARGE, "a": None, "c": Decimal("1.10"), "d": None},
        {"b": None, "a": None, "c": None, "d": {"x": [1], "y": "z"}},
    ]


def test_the_same_rows_have_the_same_digest(tmp_path: Path) -> None:
    """How a table is divided, and what is in memory behind a null, changes nothing."""
    path = tmp_path / "rows.parquet"
    values = [[1, None], ["a", None], [[1, None], None], [True, None], [None, 1.5]]
    whole = pa.table({str(n): each for n, each in enumerate(values)})
    parts = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    garbage = pa.array([1, 99], mask=pa.array([False, True]))
    behind = whole.set_column(0, "0", garbage)
    categories = whole.set_column(1, "1", whole["1"].dictionary_encode())
    digest = write_rows(whole, path)
    assert write_rows(parts, path) == digest
    assert write_rows(behind, path) == digest
    assert write_rows(categories, path) != digest  # another type comes back
    assert write_rows(categories.slice(0), path) == write_rows(categories, path)


def test_other_rows_have_another_digest(tmp_path: Path) -> None:
    """A value, a null, a name, a type, an order, an index or a library makes one."""
    path = tmp_path / "rows.parquet"
    tables: list[Any] = [
        pa.table({"a": ["x", "yz"]}),
        pa.table({"a": ["xy", "z"]}),
        pa.table({"a": ["yz", "x"]}),
        pa.table({"b": ["x", "yz"]}),
        pa.table({"a": ["x", None]}),
        pa.table({"a": ["x", ""]}),
        pa.table({"a": ["x"]}),
        pa.table({"a": pa.array(["x", "yz"], pa.large_string())}),
        pa.table({"a": [["x"], ["yz"]]}),
        pa.table({"a": [["x", "yz"], []]}),
        pa.table({"a": [{"b": "x"}, {"b": "yz"}]}),
        pa.table({"a": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))}),
        pa.table({"a": pa.array([[("k", 2)]], pa.map_(pa.string(), pa.int64()))}),
        pl.DataFrame({"a": ["x", "yz"]}),
        pd.DataFrame({"a": ["x", "yz"]}),
        pd.DataFrame({"a": ["x", "yz"]}, index=[0, 2]),
        pd.DataFrame({"a": ["x", "yz"]}, index=pd.RangeIndex(1, 3)),
    ]
    digests = [write_rows(each, path) for each in tables]
    assert len({*digests}) == len(tables)


def test_a_digest_is_the_same_for_ever(tmp_path: Path) -> None:
    """A release that changed it would pay again for the rows of another."""
    frame = pl.DataFrame({"text": ["a", None], "n": [1, 2], "l": [[1.5], []]})
    digest = write_rows(frame, tmp_path / "rows.parquet")
    assert digest[:16] == "5983d0b2dc8d54b3"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("emails.csv", "of type str is no table"),
        ({"a": [1]}, "of type dict is no table"),
        (pl.LazyFrame({"a": [1]}), "of type LazyFrame is no table"),
        (pd.Series([1]), "The Series is one column and no table"),
        (pl.Series([1]), "The Series is one column and no table"),
        ([{"a": 1}, 2], "Row 2 of the table is of type int"),
        ([], "has no rows. If it was an iterator"),
        (iter([]), "has no rows. If it was an iterator"),
        (pd.DataFrame({"a": []}), "has no rows"),
        ([{1: "a"}], "whose name is no text: 1"),
        (pd.DataFrame([[1, 2]]), "whose name is no text: 0"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' more than once"),
        (duckdb.sql("SELECT 1 AS a, 2 AS a"), "column 'a' more than once"),
        ([{"a": 1}, {"a": "x"}], "The column 'a' has no one type: .*'x'"),
        ([{"a": 2**70}], "The column 'a' has no one type: .*too large"),
        ([{"a": "\ud800"}], "The column 'a' has no one type: .*surrogates"),
        (
            [{"a": date(2020, 1, 1)}, {"a": datetime(2020, 1, 1, 3)}],  # noqa: DTZ001 - the mixture
            "The column 'a' has no one type: dates, times",
        ),
        (
            [{"a": BERLIN[0]}, {"a": datetime(2020, 1, 1)}],  # noqa: DTZ001 - the mixture
            "The column 'a' has no one type: dates, times",
        ),
        (pd.DataFrame({"a": [1, "x"]}), "cannot be kept as a table: .*column a"),
        (pl.DataFrame({"a": [object()]}), "kept as a table: a column of type Object"),
        (
            pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)}),
            "The DataFrame cannot be kept as a table",
        ),
        (
            duckdb.sql("SELECT INTERVAL 1 DAY AS a"),
            "The DuckDBPyRelation cannot be kept as a table: .*interval",
        ),
        ([{"a": 1, "_outcome": "x"}], "has a column '_outcome'"),
        (pl.DataFrame({"_error": ["x"]}), "has a column '_error'"),
    ],
)
def test_what_is_no_table_is_refused(data: Any, said: str, tmp_path: Path) -> None:
    """One sentence says what it is, and where."""
    with pytest.raises(InputError, match=said):
        write_rows(data, tmp_path / "rows.parquet")


def test_rows_as_json_lines_keep_what_json_can(tmp_path: Path) -> None:
    """Mappings are written one by one as they are; of tables, other types are text."""
    path = tmp_path / "rows.jsonl"
    write_rows(iter([{"a": [1, "x"]}, {"b": {}}]), path)
    assert path.read_bytes() == b'{"a":[1,"x"]}\n{"b":{}}\n'
    write_rows(pl.DataFrame({"a": DECIMALS, "b": [b"x", None, b""]}), path)
    first, second, _ = path.read_text("utf-8").splitlines()
    assert (first, second) == ('{"a":"1.10","b":"eA=="}', '{"a":null,"b":null}')
    with pytest.raises(TypeError):
        write_rows([{"a": Decimal(1)}], path)
