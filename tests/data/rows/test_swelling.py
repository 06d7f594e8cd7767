"""Tests of small files that would fill the memory: read in bounds, or refused."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.rows.batches import read_batches
from batchwright.data.rows.block import MAX_ROW_BYTES
from batchwright.data.rows.source import open_rows
from batchwright.errors import InputError

MB = 1 << 20
LIMIT_MB = 300

READ = """
import sys
from pathlib import Path
from batchwright.data.rows.source import open_rows
from batchwright.errors import InputError
import pyarrow.parquet

def peak_kb():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])

rows, before = 0, peak_kb()
try:
    for block in open_rows(sys.argv[1]).blocks():
        rows += len(block)
except InputError as exc:
    print(exc)
print(rows, (peak_kb() - before) >> 10)
"""


def read(path: Path) -> tuple[str, int, int]:
    """Read a file in another process; return its sentence, rows and growth in MB."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    *said, facts = done.stdout.splitlines()
    rows, grown_mb = map(int, facts.split())
    return "\n".join(said), rows, grown_mb


def texts(*counts: tuple[str, int]) -> Any:
    """Return a column in which each text comes so many times."""
    values = [value for value, _ in counts]
    indices = [index for index, (_, count) in enumerate(counts) for _ in range(count)]
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), values)


def lists(values: Any, *lengths: int) -> Any:
    """Return lists of the next values, so many in each."""
    ends = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values)


def zeros(count: int) -> Any:
    """Return so many numbers."""
    data = pa.py_buffer(bytes(count))
    return pa.Array.from_buffers(pa.int8(), count, [None, data])


TABLES: dict[str, tuple[Callable[[], Any], dict[str, Any], int | str]] = {
    # name: (column, how it is written, rows or what is said)
    "one-value-in-every-row": (lambda: texts(("x" * 18 * MB, 20)), {}, 20),
    "one-value-among-small-ones": (
        lambda: texts(("a", 10_000), ("x" * 8 * MB, 30)),
        {},
        10_030,
    ),
    "a-struct": (
        lambda: pa.StructArray.from_arrays([texts(("x" * 5 * MB, 60))], ["a"]),
        {},
        60,
    ),
    "lists": (lambda: lists(texts(("x" * MB, 200)), *[20] * 10), {}, 10),
    "a-list-of-one-value": (
        lambda: lists(texts(("a", 1), ("x" * MB, 400)), 1, 400),
        {},
        "'text.list.element' needs over 32 MB",
    ),
    "a-list-of-numbers": (
        lambda: lists(zeros(20 * MB), 3, 20 * MB - 3),
        {},
        "'text.list.element' needs over 32 MB",
    ),
    "a-value-that-is-too-large": (
        lambda: ["a", "x" * 40 * MB, "b"],
        {"compression": "none", "use_dictionary": False},
        "row 2: the column 'text' needs over 32 MB",
    ),
    "a-page": (
        lambda: [f"{row}{'x' * MB}" for row in range(100)],
        {"use_dictionary": False},
        "'text' needs over 32 MB",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_parquet_that_swells_is_bounded(name: str, tmp_path: Path) -> None:
    """Rows of any size up to the limit are read; above it, the column is named."""
    make, options, expected = TABLES[name]
    path = tmp_path / "in.parquet"
    options = {"compression": "zstd", "store_schema": False} | options
    pq.write_table(pa.table({"text": make()}), path, **options)
    said, rows, grown_mb = read(path)
    if isinstance(expected, str):
        assert expected in said
        assert str(path) in said
    else:
        assert (said, rows) == ("", expected)
    assert grown_mb < LIMIT_MB


def test_rows_that_were_kept_are_never_refused(tmp_path: Path) -> None:
    """Their answers are paid for, and in UTF-8 a row may be larger than it was."""
    path = tmp_path / "rows.parquet"
    texts_of_rows = ["é" * 20 * MB, "b" * 20 * MB]
    pq.write_table(pa.table({"text": texts_of_rows}), path, compression="zstd")
    with pytest.raises(InputError, match="needs over 32 MB"):
        list(open_rows(str(path)).blocks())
    assert sum(chunk.num_rows for chunk in read_batches(path)) == 2


def test_an_empty_file_is_read(tmp_path: Path) -> None:
    """A file without rows has columns."""
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    assert list(open_rows(str(path)).blocks()) == []


def test_large_dictionaries_of_many_columns_are_bounded(tmp_path: Path) -> None:
    """What all columns hold together counts too."""
    texts = ["a" + "x" * MB, "b" + "x" * MB]
    path = tmp_path / "in.parquet"
    table = pa.table({f"c{number}": texts for number in range(100)})
    pq.write_table(table, path, compression="zstd")
    said, _, grown_mb = read(path)
    assert "a row needs over 32 MB" in said
    assert grown_mb < LIMIT_MB


def test_many_columns_are_refused_soon(tmp_path: Path) -> None:
    """60,000 columns are counted before any is read."""
    path = tmp_path / "wide.parquet"
    schema = pa.schema([(f"c{number}", pa.string()) for number in range(60_000)])
    pq.write_metadata(schema, path)
    said, _, grown_mb = read(path)
    assert "has 60,000 columns" in said
    assert grown_mb < LIMIT_MB


@pytest.mark.parametrize("depth", [50, 99, 150])
@pytest.mark.parametrize("wrap", [pa.list_, lambda kind: pa.struct([("a", kind)])])
def test_a_nested_type_is_read_or_refused(
    wrap: Callable[[Any], Any], depth: int, tmp_path: Path
) -> None:
    """Types nested too deeply are one sentence."""
    kind: Any = pa.string()
    for _ in range(depth):
        kind = wrap(kind)
    path = tmp_path / "deep.parquet"
    pq.write_table(pa.table({"text": pa.array([None], kind)}), path)
    said, rows, _ = read(path)
    assert (rows == 1) is (depth == 50 and wrap is not pa.list_)
    assert rows == 1 or "too deeply nested" in said


_texts = st.text(max_size=5)


@given(
    st.lists(
        st.tuples(st.none() | _texts, st.none() | st.lists(st.none() | _texts)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([True, False]),
    st.integers(1, 9),
)
def test_small_rows_stay_as_they_are(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str | None, list[str | None] | None]],
    use_dictionary: bool,  # noqa: FBT001 - drawn by Hypothesis
    group_rows: int,
) -> None:
    """However a file is written, its rows come in order and with their types."""
    path = tmp_path_factory.mktemp("rows") / "in.parquet"
    kinds = {"text": pa.string(), "list": pa.list_(pa.string())}
    columns = zip(*rows, strict=True)
    values = [
        pa.array(column, kind)
        for column, kind in zip(columns, kinds.values(), strict=True)
    ]
    table = pa.table(dict(zip(kinds, values, strict=True)))
    pq.write_table(
        table, path, use_dictionary=use_dictionary, row_group_size=group_rows
    )
    found = [each for block in open_rows(str(path)).blocks() for each in block.values]
    assert found == table.to_pylist()


def test_lists_with_large_values_keep_their_types(tmp_path: Path) -> None:
    """What is read as numbers of a dictionary is given as it was written."""
    rows = [["x" * MB, None, "b"] * 20, None, [], ["x" * MB] * 20]
    path = tmp_path / "in.parquet"
    table = pa.table({"text": rows, "map": pa.array([[("k", "v")]] * 4, _MAP)})
    pq.write_table(table, path)
    found = [each for block in open_rows(str(path)).blocks() for each in block.values]
    assert found == table.to_pylist()


_MAP = pa.map_(pa.string(), pa.string())


def _lines(first: bytes, block: bytes, megabytes: int) -> Iterator[bytes]:
    yield first
    yield from [block * (MB // len(block))] * megabytes


@pytest.mark.parametrize(
    ("name", "first", "block", "said"),
    [
        ("in.jsonl.gz", b'{"text":"a"}\n{"text":"', b"x", "line 2: a row needs over"),
        ("in.jsonl.gz", b'{"text":"a"}\n{', b"\r", "line 2: a row needs over"),
        ("in.csv.gz", b"text\na\n", b"x", "line 3: a row needs over"),
        ("in.csv.gz", b'text\na\n"', b"x\n", "after line 2: a row needs over"),
        ("in.csv.gz", b'"text', b"\nx", "after line 0: a row needs over"),
        ("in.jsonl", b'{"text":"a"}\n{"text":"', b"x", "line 2: a row needs over"),
    ],
)
def test_a_line_that_swells_is_refused(
    name: str, first: bytes, block: bytes, said: str, tmp_path: Path
) -> None:
    """A line of a gigabyte is not read to its end."""
    path = tmp_path / name
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if name.endswith("gz"):
            file = stack.enter_context(gzip.GzipFile(name, "wb", 1, file))
        file.writelines(_lines(first, block, 100))
    sentence, _, grown_mb = read(path)
    assert said in sentence
    assert grown_mb < LIMIT_MB


def test_lines_that_swell_together_are_read(tmp_path: Path) -> None:
    """A small file may have any number of rows."""
    path = tmp_path / "in.jsonl.gz"
    with gzip.open(path, "wb", 1) as file:
        for _ in range(60):
            file.write(b'{"text":"%s"}\n' % (b"x" * 4 * MB))
    said, rows, grown_mb = read(path)
    assert (said, rows) == ("", 60)
    assert grown_mb < LIMIT_MB


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_any_line_end_is_one(ending: bytes, tmp_path: Path) -> None:
    """A CSV file may be larger than a row, whatever ends its lines."""
    path = tmp_path / "in.csv"
    line = b"x" * MB + ending
    path.write_bytes(b"text" + ending + line * (MAX_ROW_BYTES // MB + 3))
    assert sum(map(len, open_rows(str(path)).blocks())) == MAX_ROW_BYTES // MB + 3


@pytest.mark.parametrize("at", range(4, 60, 5))
def test_a_damaged_page_is_one_sentence(at: int, tmp_path: Path) -> None:
    """Whatever the header of a page says, reading ends."""
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": ["a" * 9000, "b"] * 9000}), path)
    data = bytearray(path.read_bytes())
    data[at : at + 5] = b"\xff" * 5
    path.write_bytes(data)
    said, rows, _ = read(path)
    assert rows == 18_000 or str(path) in said
