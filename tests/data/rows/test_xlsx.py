"""Excel workbooks as input."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook

from batchwright.data.rows.source import open_rows
from batchwright.errors import InputError

Cells = list[list[Any]]


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Write a workbook whose first sheet has these cells."""

    def write(rows: Cells, *more: str, hidden: bool = False) -> Path:
        book = Workbook()
        for row in rows:
            book.active.append(row)
        for title in more:
            book.create_sheet(title).append([f"in {title}"])
        if hidden:
            book.active.sheet_state = "hidden"
        path = tmp_path / "in.xlsx"
        book.save(path)
        return path

    return write


def _read(path: Path) -> list[dict[str, str]]:
    return [row for block in open_rows(str(path)).blocks() for row in block.values]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("01234", "01234"),
        (42, "42"),
        (42.0, "42"),
        (1.1, "1.1"),
        (0.1234567890123456, "0.1234567890123456"),
        (1e300, "1e+300"),
        (-0.5, "-0.5"),
        (True, "TRUE"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 13, 45), "2024-02-29T13:45:00"),  # noqa: DTZ001 - Excel knows no zones
        (time(13, 45, 1), "13:45:01"),
        (timedelta(hours=25), "1 day, 1:00:00"),
        ("a\nb, ü", "a\nb, ü"),
        ("#N/A", "#N/A"),
        (None, ""),
    ],
)
def test_each_cell_is_text(
    workbook: Callable[..., Path], value: Any, text: str
) -> None:
    """A value is its exact text, whatever its format shows."""
    path = workbook([["x", "y"], [value, "end"]])
    assert _read(path) == [{"x": text, "y": "end"}]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[], [None, None], ["a"], ["1"], [], ["2"], [], []], [{"a": "1"}, {"a": "2"}]),
        ([["a", None, "c"], [1, None, 3]], [{"a": "1", "c": "3"}]),
        ([["a", " ", None], [1]], [{"a": "1"}]),
        ([[2024, "a"], [1]], [{"2024": "1", "a": ""}]),
        ([["a"], [""], ["1"]], [{"a": "1"}]),
    ],
)
def test_what_is_empty_is_left_out(
    workbook: Callable[..., Path], rows: Cells, expected: list[dict[str, str]]
) -> None:
    """Empty rows, and columns with neither name nor value, are none."""
    assert _read(workbook(rows)) == expected


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [["a", None, "c"], [1, 2, 3]],
            "row 2 has a value in a column without a name",
        ),
        ([["a"], [1], [], [1, 2]], "row 4 has a value in a column without a name"),
        ([["a", "a"], [1, 2]], "column 'a' more than once"),
        ([[]], "has no header"),
        ([["a"], [1], ["=1+1"]], "cell A3 has a formula whose value was never saved"),
    ],
)
def test_a_bad_sheet_is_named(
    workbook: Callable[..., Path], rows: Cells, message: str
) -> None:
    """What cannot be read as a table is an error that names file and line."""
    path = workbook(rows)
    with pytest.raises(InputError, match=message) as caught:
        _read(path)
    assert str(path) in str(caught.value)


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRINGS = (
    f'<sst xmlns="{_MAIN}"><si><t>text</t></si><si><t>n</t></si><si><t>day</t></si>'
    '<si><t xml:space="preserve"> 01234 </t></si>'
    "<si><r><t>bold</t></r><r><t> and not</t></r></si></sst>"
)
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="14"/></cellXfs></styleSheet>'
)
_SHEET = (
    f'<x:worksheet xmlns:x="{_MAIN}"><x:dimension ref="A1"/><x:sheetData>'
    '<x:row r="2"><x:c r="A2" t="s"><x:v>0</x:v></x:c><x:c r="B2" t="s"><x:v>1</x:v>'
    '</x:c><x:c r="C2" t="s"><x:v>2</x:v></x:c></x:row>'
    '<x:row r="3"><x:c r="A3" t="s"><x:v>3</x:v></x:c><x:c r="B3"><x:f>1+0.1</x:f>'
    '<x:v>1.1000000000000001</x:v></x:c><x:c r="C3" s="1"><x:v>45351</x:v></x:c>'
    '</x:row><x:row r="7"><x:c r="A7" t="s"><x:v>4</x:v></x:c><x:c r="B7" t="str">'
    "<x:f>T(1)</x:f><x:v></x:v></x:c></x:row></x:sheetData></x:worksheet>"
)


@pytest.mark.parametrize(
    "sheet", [_SHEET, _SHEET.replace("xmlns:x=", "xmlns=").replace("x:", "")]
)
def test_a_workbook_of_excel(workbook: Callable[..., Path], sheet: str) -> None:
    """Texts are shared, formulas have values, and the dimension may be wrong."""
    path = workbook([["a"]])
    with ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    parts["xl/sharedStrings.xml"] = _STRINGS
    parts["xl/styles.xml"] = _STYLES
    parts["xl/worksheets/sheet1.xml"] = sheet
    shared = (
        '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
    )
    types = parts["[Content_Types].xml"]
    if "sharedStrings" not in types:
        parts["[Content_Types].xml"] = types.replace("</Types>", shared)
    with ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    assert _read(path) == [
        {"text": " 01234 ", "n": "1.1", "day": "2024-02-29"},
        {"text": "bold and not", "n": "", "day": ""},
    ]


def test_the_first_visible_sheet_is_read(workbook: Callable[..., Path]) -> None:
    """Which one that is, is said if there are several."""
    path = workbook([["a"], [1]], "Second", "Third")
    source = open_rows(str(path))
    assert source.columns == ("a",)
    assert source.note == (
        f"The rows are those of the sheet 'Sheet', the first of 3 in {path}."
    )
    path = workbook([["a"], [1]], "Second", hidden=True)
    assert open_rows(str(path)).columns == ("in Second",)
    assert open_rows(str(workbook([["a"], [1]]))).note is None


def test_a_far_cell_takes_no_memory(workbook: Callable[..., Path]) -> None:
    """A sheet is read row by row, so empty cells between two of them are nothing."""
    path = workbook([["a"], [1]])
    book = Workbook()
    book.active["A1"], book.active["A1048576"] = "a", "last"
    book.save(path)
    assert _read(path) == [{"a": "last"}]


@pytest.mark.parametrize(
    ("part", "megabytes", "message"),
    [
        ("xl/styles.xml", 257, "has 257 MB in xl/styles.xml"),
        ("xl/worksheets/sheet1.xml", 34, "a row needs over 32 MB"),
    ],
)
def test_a_small_workbook_that_swells_is_refused(
    workbook: Callable[..., Path], part: str, megabytes: int, message: str
) -> None:
    """A file of a few hundred kilobytes takes no gigabytes of memory."""
    path = workbook([["a"], [1]])
    with ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    begin, tag, rest = parts[part].rpartition(b"</")
    parts[part] = b"".join([begin, b" " * (megabytes << 20), tag, rest])
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as book:
        for name, data in parts.items():
            book.writestr(name, data)
    with pytest.raises(InputError, match=message):
        _read(path)


def test_without_the_extra_it_is_one_sentence(workbook: Callable[..., Path]) -> None:
    """Who reads no Excel needs no package for it."""
    code = (
        "import sys; sys.modules['openpyxl'] = None\n"
        "from batchwright.data.rows.source import open_rows\n"
        "open_rows(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(workbook([["a"], [1]]))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'batchwright[xlsx]'" in done.stderr.splitlines()[-1]
