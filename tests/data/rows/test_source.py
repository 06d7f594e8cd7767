"""Reading input files."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from upath import UPath

from batchwright.data.columns import RESERVED
from batchwright.data.rows.block import Place
from batchwright.data.rows.source import open_rows
from batchwright.errors import InputError


def _values(path: Path | str) -> list[dict[str, Any]]:
    blocks = open_rows(str(path)).blocks()
    return [values for block in blocks for values in block.values]


_cells = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
)


@given(st.lists(st.tuples(_cells, _cells), min_size=1))
def test_csv_cells_are_as_written(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """Every cell is the text that was written: no type, no null, no trimming."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([("a", "b"), *rows])
    path = tmp_path / "in.csv"
    path.write_bytes(text.getvalue().encode())
    assert [tuple(row.values()) for row in _values(path)] == rows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\xef\xbb\xbfa,b\n1,2\n", [{"a": "1", "b": "2"}]),
        (b'a,b\r\n01234,"1.10"\r\n', [{"a": "01234", "b": "1.10"}]),
        (b'a,b\n,""\n', [{"a": "", "b": ""}]),
        (b'a\n"x\ny"\n', [{"a": "x\ny"}]),
        (b"a,b\n1,2\n\n3,4", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        (b"\n \r\n\na,b\n1,2\n", [{"a": "1", "b": "2"}]),
        (b"a;b\n1,5;2\n", [{"a": "1,5", "b": "2"}]),
        (b"a\tb\n1;5\t2\n", [{"a": "1;5", "b": "2"}]),
        (b'"a|b"|c\n1|2\n', [{"a|b": "1", "c": "2"}]),
        (b'"a;b",c\n1,2\n', [{"a;b": "1", "c": "2"}]),
        (b"a\n1;2\n", [{"a": "1;2"}]),
        ("a;b\nä;ß\n".encode("utf-16"), [{"a": "ä", "b": "ß"}]),
        ("a,b\nä,ß\n".encode("utf-32"), [{"a": "ä", "b": "ß"}]),
        (b"sep=;\r\na;b\r\n1;2\r\n", [{"a": "1", "b": "2"}]),
        (b"PK,PAR1\n1,2\n", [{"PK": "1", "PAR1": "2"}]),
        (b"[a],b\n1,2\n", [{"[a]": "1", "b": "2"}]),
        (b"a, net;b;c\n1;2;3\n", [{"a, net": "1", "b": "2", "c": "3"}]),
        (b"a, net\tb\n1\t2\n", [{"a, net": "1", "b": "2"}]),
        (b"a,b\n1,x\0y\n", [{"a": "1", "b": "x\0y"}]),
        (b"Email,email\nA,a\n", [{"Email": "A", "email": "a"}]),
        ("a\nx\u2028y\u0085z\n".encode(), [{"a": "x\u2028y\u0085z"}]),
    ],
)
def test_csv_shapes(
    tmp_path: Path, text: bytes, expected: list[dict[str, str]]
) -> None:
    """BOM, CRLF, quoted newlines, blank lines, delimiters and odd characters."""
    path = tmp_path / "in.csv"
    path.write_bytes(text)
    assert _values(path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\n\n", "has no header"),
        (b"a,a\n1,2\n", "column 'a' more than once"),
        (b"a,b\n1,2\n1\n", "row 3 (header is row 1) has 1 cells"),
        (b"a,b\n1,2,3\n", "row 2 (header is row 1) has 3 cells"),
        (b"a\nx\xff\n", "line 2 character 2 is not UTF-8: byte 0xff"),
        (b"a\nx\xff\n", "--encoding cp1252"),
        (
            b"a\n" + b"x\n" * 90_000 + b"gr\xf6\xdfe\n" + b"x\n" * 9000,
            "line 90002 character 3 is not",
        ),
        (b"a\nx\n".decode().encode("utf-16")[:-1], "not UTF-16"),
        (
            b"\n\na;b\n1;2;3\n",
            "row 4 (header is row 3) has 3 cells, but the header names 2 columns;",
        ),
        (
            b'a,b\n"x\n\ny",2\n\n1\n',
            "row 4 (header is row 1), line 6 of the file has 1 cells",
        ),
        (b"a;b\n1;2;3\n", "quote cells that hold semicolons"),
        (b'a\n"x\n', "line 2: not CSV: unexpected end"),
        (b'a\nx\n"y\nz\nx\n', "lines 3 to 5: not CSV: unexpected end"),
        (b'a\n"x"y\n', "not CSV"),
    ],
)
def test_bad_csv_is_named(tmp_path: Path, text: bytes, message: str) -> None:
    """What cannot be read as CSV is an error that names file, line and row."""
    path = tmp_path / "in.csv"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        _values(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_text_files_may_be_compressed(tmp_path: Path, compression: str) -> None:
    """The suffix before that of the compression is the format."""
    suffix = {"gzip": ".gz", "zstd": ".ZST"}[compression]
    texts = {
        ".csv": "a,b\n1,x\n",
        ".tsv": "a\tb\n1\tx\n",
        ".jsonl": '{"a":"1","b":"x"}',
    }
    for kind, text in texts.items():
        path = tmp_path / f"in{kind}{suffix}"
        with pa.CompressedOutputStream(str(path), compression) as file:
            file.write(text.encode())
        assert _values(path) == [{"a": "1", "b": "x"}]


@pytest.mark.parametrize("name", ["in.csv.gz", "in.jsonl.gz", "in.csv.zst"])
def test_a_file_that_is_not_compressed_is_named(tmp_path: Path, name: str) -> None:
    """A wrong or damaged file is one sentence, before any request is made."""
    path = tmp_path / name
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        _values(path)


@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        ("cp1252", "a\ngrün €\n".encode("cp1252"), "grün €"),
        ("latin-1", "a\ngrün\n".encode("latin-1"), "grün"),
        ("shift_jis", "a\n日本\n".encode("shift_jis"), "日本"),
        ("utf-16-le", "a\nä\n".encode("utf-16-le"), "ä"),
        ("utf-16-le", "a\nä\n".encode("utf-16"), "ä"),
        ("utf-8", b"\xef\xbb\xbfa\n\xc3\xa4\n", "ä"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_texts_may_be_in_any_encoding(
    tmp_path: Path, suffix: str, encoding: str, data: bytes, expected: str
) -> None:
    """The encoding is the one that is named; a BOM says which UTF it is."""
    path = tmp_path / f"in{suffix}"
    if suffix == ".jsonl":
        bom = data[: data.index(b"a")]
        data = bom + f'{{"a":"{expected}"}}\r\n'.encode(
            "utf-16-le" if bom == b"\xff\xfe" else encoding
        )
    path.write_bytes(data)
    source = open_rows(str(path), encoding)
    (block,) = source.blocks()
    assert block.values == [{"a": expected}]
    if suffix == ".jsonl":
        assert block.records == [f'{{"a":"{expected}"}}\r\n'.encode()]


@pytest.mark.parametrize(
    ("name", "data", "encoding", "message"),
    [
        ("in.csv", b"a\n\xfc\n", "ascii", "line 2 character 1 is not ascii: byte 0xfc"),
        (
            "in.csv",
            "a\nx日".encode("shift_jis")[:-1],
            "shift_jis",
            "line 2 character 2",
        ),
        ("in.jsonl", b'{"a":"\x81"}', "cp1252", "line 1 character 7 is not cp1252"),
        ("in.csv", b"\xef\xbb\xbfa\n", "cp1252", "begins with the BOM of UTF-8"),
        ("in.csv", "a\n".encode("utf-16"), "utf-8", "begins with the BOM of UTF-16"),
        ("in.parquet", b"", "cp1252", "no text file, so it has no encoding"),
    ],
)
def test_a_wrong_encoding_is_named(
    tmp_path: Path, name: str, data: bytes, encoding: str, message: str
) -> None:
    """What is not in the named encoding is an error with its place."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        list(open_rows(str(path), encoding).blocks())


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("in.csv", b"", "is empty"),
        ("in.jsonl", b"", "is empty"),
        ("in.parquet", b"", "is empty"),
        ("in.csv", b'[{"a": 1}]', "a JSON array; write one object per line"),
        ("in.jsonl", b'[\n{"a": 1}\n]', "a JSON array; write one object per line"),
        ("in.jsonl", b'{\r\n  "a": 1\r\n}', "JSON over several lines"),
        ("in.json", b'[{"a": 1}]', "no table: it is a JSON array; write"),
        ("in.csv", b'{"a": 1}\n{"a": 2}', "it is JSON lines; name it .jsonl"),
        ("in.csv", b"<!DOCTYPE html><p>", "a web page"),
        ("in.jsonl", b"\n<HTML>", "a web page"),
        ("in.csv", b"<?xml version='1.0'?>", "is XML"),
        ("in.csv", b"\x89PNG\r\n\x1a\n\0\0", "an image"),
        ("in.png", b"\x89PNG\r\n\x1a\n\0\0", "no table: it is an image"),
        ("in.csv", b"%PDF-1.7\n", "a PDF"),
        ("in.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel.* save it as .xlsx or .csv"),
        ("in.csv", b"PK\x03\x04\x14\0a.csv", "a zip archive; unpack it"),
        ("in.csv", b"PK\x03\x04\x14\0xl/workbook.xml", "name it .xlsx"),
        ("in.csv", b"PAR1\x15\x04", "is Parquet; name it .parquet"),
        ("in.csv", gzip.compress(b"a\n", mtime=0), "gzip; decompress it, or add .gz"),
        ("in.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("in.csv.gz", gzip.compress(b"a\n1\n", mtime=0)[:-6], "cut off"),
        ("in.parquet", b"a,b\n1,2\n", "no Parquet: it is text; .* name it .csv"),
        ("in.parquet", b'{"a": 1}\n', "no Parquet: it is JSON lines; name it .jsonl"),
        ("in.csv", "a,b\n1,2\n".encode("utf-16-le"), "--encoding utf-16-le"),
        ("in.csv", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("in", b"a,b\n1,2\n", "the name of one ends in .csv"),
    ],
)
def test_what_is_no_table_is_said_to_be_what_it_is(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    """A file with a wrong suffix, or of no table, is one sentence with a way out."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        _values(path)
    assert str(path) in str(caught.value)


def test_what_is_cut_off_leaves_no_memory_behind(tmp_path: Path) -> None:
    """A process that reads many damaged files does not grow."""
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n")[:-6])
    tracemalloc.start()
    try:
        for _ in range(5):
            with pytest.raises(InputError):
                _values(path)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 4 << 20  # what one read asks for
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "text", "note"),
    [
        ("in.csv", "a,b\n", None),
        ("in.csv", "a\n", None),
        ("in.tsv", "a\tb\n", None),
        ("in.csv", "a;b\n", "separated by semicolons"),
        ("in.csv", "a\tb\n", "separated by tabs"),
        ("in.csv", "a|b\n", "separated by vertical bars"),
        ("in.TSV", "a\tb\n", None),
        ("in.tsv", "a\n", None),
        ("in.tsv", "a,b\n", "separated by commas"),
    ],
)
def test_a_delimiter_that_was_found_out_is_said(
    tmp_path: Path, name: str, text: str, note: str | None
) -> None:
    """What the name does not say is said in one line."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    said = open_rows(str(path)).note
    assert said == (note and f"The cells of {path} are {note}.")


def test_members_of_a_gzip_file_are_one_text(tmp_path: Path) -> None:
    """`cat a.gz b.gz` is a file like any other."""
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n") + gzip.compress(b"2\n"))
    assert _values(path) == [{"a": "1"}, {"a": "2"}]


def test_a_csv_cell_may_be_large(tmp_path: Path) -> None:
    """A cell of 10 MB is read whole."""
    path = tmp_path / "in.csv"
    path.write_text("a\n" + "x" * 10_000_000 + "\n", encoding="utf-8")
    assert len(_values(path)[0]["a"]) == 10_000_000


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


_names = st.text(max_size=5).filter(lambda name: name not in RESERVED)


@given(
    st.lists(st.dictionaries(_names, _json), min_size=1),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from([b"", b"\n"]),
)
def test_json_lines_keep_their_bytes(
    tmp_path: Path, rows: list[dict[str, Any]], end: bytes, bom: bytes, last: bytes
) -> None:
    """Lines are split on newlines alone, whatever stands in them and around them."""
    try:
        lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    except UnicodeEncodeError:
        return  # a lone surrogate cannot stand in a UTF-8 file
    path = tmp_path / "in.jsonl"
    path.write_bytes(bom + end.join(lines) + last)
    source = open_rows(str(path))
    (block,) = source.blocks()
    assert block.values == rows
    kept_path = tmp_path / f"kept{source.store_suffix}"
    store = source.store(kept_path)
    store.add(block.records)
    store.close()
    kept = kept_path.read_bytes().split(b"\n")
    assert [line.strip() for line in kept] == [*lines, b""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a":1}\n\n{"a":\n', "line 3 is not JSON"),
        (b"a,b\n1,2\n", "If the file is CSV, name it .csv."),
        (b'{"a":1}\n[1]\n', "line 2 is not a JSON object"),
        (b'{"a":"\xff"}\n', "line 1 character 7 is not UTF-8: byte 0xff"),
        (b'{"a":1e400}\n', "line 1 has a number that no float can hold"),
        (b'{"a":"\\ud800"}\n', "line 1 is not JSON"),
        (b'{"a":NaN}\n', "line 1 is not JSON"),
        (b"{}\n" + b'{"a":' * 100_000, "line 2 is not JSON"),
    ],
)
def test_bad_json_lines_are_named(tmp_path: Path, text: bytes, message: str) -> None:
    """A line that is no object is an error that names file, line and row."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        _values(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", sorted(RESERVED))
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_column_with_a_name_of_ours_is_refused(
    tmp_path: Path, suffix: str, name: str
) -> None:
    """The output gets a column of that name, so the input's would be lost."""
    path = tmp_path / f"in{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"a": ["x"], name: ["y"]}), path)
    elif suffix == ".csv":
        path.write_text(f"a,{name}\nx,y\n", encoding="utf-8")
    else:
        rows = [{"a": "x"}, {"a": "x", name: None}]
        path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    with pytest.raises(InputError, match=rf"in\{suffix}.* column '{name}', .* rename"):
        _values(path)


@pytest.mark.parametrize(
    ("name", "text", "places"),
    [
        ("in.csv", "a\n1\n2\n", ["row 2 (header is row 1)", "row 3 (header is row 1)"]),
        ("in.tsv", "\n\na\n1\n", ["row 4 (header is row 3)"]),
        (
            "in.csv",
            'a\n"1\n\n2"\n\n3\n',
            [
                "row 2 (header is row 1), line 4 of the file",
                "row 4 (header is row 1), line 6 of the file",
            ],
        ),
        ("in.jsonl", '{"a":1}\n\n{"a":2}', ["line 1", "line 3"]),
    ],
)
def test_rows_are_numbered_as_a_person_sees_them(
    tmp_path: Path, name: str, text: str, places: list[str]
) -> None:
    """A spreadsheet counts headers and blank rows, and a cell of many lines once."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    (block,) = open_rows(str(path)).blocks()
    parts = [block.part(row, row + 1) for row in range(len(block))]
    assert [part.where() for part in parts] == [f"{path} {place}" for place in places]


def test_rows_of_parquet_files_are_counted_from_one(tmp_path: Path) -> None:
    """Each file of a glob begins anew."""
    for name in "ab":
        pq.write_table(pa.table({"a": [1, 2]}), tmp_path / f"{name}.parquet")
    blocks = [*open_rows(str(tmp_path / "*.parquet")).blocks()]
    last = blocks[-1].part(1, 2)
    assert last.where() == f"{tmp_path / 'b.parquet'} row 2"
    assert last.places() == [Place(3, "b.parquet", 2, "row {}")]


def test_a_json_line_may_be_large(tmp_path: Path) -> None:
    """A line of 20 MB is one row."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(orjson.dumps({"a": "\u2028" * 7_000_000}))
    (row,) = _values(path)
    assert row["a"] == "\u2028" * 7_000_000


def test_parquet_gives_its_types(tmp_path: Path) -> None:
    """Values come as what they are; times too fine for Python come as text."""
    path = tmp_path / "in.parquet"
    table = pa.table(
        {
            "n": pa.array([1, None]),
            "nested": pa.array([[1, 2], None]),
            "ns": pa.array([1, 2], pa.timestamp("ns")),
        }
    )
    pq.write_table(table, path)
    first, second = _values(path)
    assert first["n"] == 1
    assert first["nested"] == [1, 2]
    assert first["ns"].endswith("00.000000001")
    assert second["n"] is None


def test_bad_parquet_is_named(tmp_path: Path) -> None:
    """A file that is no Parquet is an error that names it."""
    path = tmp_path / "in.parquet"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="no Parquet: it is text"):
        _values(path)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"x": pa.array([1])}, "column 'y' is missing"),
        (
            {"x": pa.array([1.5]), "y": pa.array(["b"])},
            "column 'x' is double here and int64 there",
        ),
        (
            {"x": pa.array([1]), "y": pa.array(["b"]), "z": pa.array([2])},
            "only this file has the column 'z'",
        ),
        ({"y": pa.array(["b"]), "x": pa.array([1])}, "another order"),
    ],
)
def test_parquet_files_that_differ(
    tmp_path: Path, columns: dict[str, Any], said: str
) -> None:
    """Both files are named, and the column in which they differ."""
    first = pa.table({"x": pa.array([1]), "y": pa.array(["a"])})
    pq.write_table(first, tmp_path / "a.parquet")
    pq.write_table(pa.table(columns), tmp_path / "b.parquet")
    with pytest.raises(
        InputError, match=rf"b\.parquet differs from .*a\.p.*: .*{said}"
    ):
        _values(tmp_path / "*.parquet")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.csv", "There is no file"),
        ("none-*.csv", "No file matches"),
        ("", "is a folder"),
        ("in.txt", "is no input"),
        ("in.*", "files of different kinds"),
        ("pipe.csv", "is a pipe"),
    ],
)
def test_no_input_is_named(tmp_path: Path, name: str, message: str) -> None:
    """What is not there or no input is one sentence."""
    (tmp_path / "in.txt").write_text("a", encoding="utf-8")
    (tmp_path / "in.csv").write_text("a", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match=message):
        open_rows(str(tmp_path / name))


def test_a_glob_is_one_input(tmp_path: Path) -> None:
    """The files of a glob are read in the order of their names."""
    for name in ("b", "a"):
        (tmp_path / f"{name}.csv").write_text(f"x\n{name}\n", encoding="utf-8")
    assert _values(tmp_path / "*.csv") == [{"x": "a"}, {"x": "b"}]


def test_files_of_a_glob_must_agree(tmp_path: Path) -> None:
    """A file with other columns is an error that names both files."""
    (tmp_path / "a.csv").write_text("x\n1\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("y\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.csv has other columns than .*a\.csv"):
        _values(tmp_path / "*.csv")


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "parquet", "xlsx"])
def test_urls_are_inputs(suffix: str) -> None:
    """All kinds of files are read behind an fsspec URL, by name and by glob."""
    folder = UPath(f"memory:///rows-{suffix}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"in.{suffix}"
    if suffix == "parquet":
        with path.open("wb") as file:
            pq.write_table(pa.table({"a": ["1"]}), file)
    elif suffix == "xlsx":
        book = Workbook()
        book.worksheets[0].append(["a"])
        book.worksheets[0].append([1])
        with path.open("wb") as file:
            book.save(file)
    else:
        data = b'{"a":"1"}\n' if suffix == "jsonl" else b"a\n1\n"
        path.write_bytes(gzip.compress(data) if suffix == "csv.gz" else data)
    assert _values(str(path)) == [{"a": "1"}]
    assert _values(str(folder / f"*.{suffix}")) == [{"a": "1"}]


def test_a_header_has_a_limit(tmp_path: Path) -> None:
    """A file of a few hundred KB is refused at once, not after minutes."""
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{number}" for number in range(60_000)) + "\n")
    with pytest.raises(InputError, match="has 60,000 columns"):
        open_rows(str(path))


def test_large_cells_leave_the_csv_module_alone(tmp_path: Path) -> None:
    """Python's limit for a cell is one for the whole process, and it is the user's."""
    cell = "x" * 200_000
    path = tmp_path / "in.csv"
    path.write_text(f"text\n{cell}\n", encoding="utf-8")
    blocks = list(open_rows(str(path)).blocks())
    assert sum(map(len, blocks)) == 1
    with path.open(encoding="utf-8", newline="") as file, pytest.raises(csv.Error):
        list(csv.reader(file))
