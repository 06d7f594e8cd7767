"""Files that appear whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from upath import UPath

from batchwright.data.files import new_output
from batchwright.errors import InputError


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Until the block ends, the old file is the file; folders are made."""
    target = tmp_path / "new" / "x.csv"
    for text in ("one", "two"):
        with new_output(str(target)) as temporary:
            temporary.write_text(text, encoding="utf-8")
            assert not target.exists() or target.read_text(encoding="utf-8") == "one"
        assert target.read_text(encoding="utf-8") == text
    assert list(target.parent.iterdir()) == [target]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    """What was begun is removed, and what was there stays."""
    target = tmp_path / "x.csv"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError), new_output(str(target)):
        raise RuntimeError
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_remote_file_is_put_whole() -> None:
    """A URL is written by one transfer after the block."""
    url = "memory://files/x.txt"
    with new_output(url) as temporary:
        temporary.write_text("x", encoding="utf-8")
        assert not UPath(url).exists()
    assert UPath(url).read_text() == "x"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A folder that is a file is one sentence."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(InputError, match="cannot be written"),
        new_output(str(tmp_path / "file" / "x.csv")),
    ):
        pass


_RACE = """
import sys
from pathlib import Path
from batchwright.data.files import rename_exclusively
source = Path(sys.argv[1])
source.write_text(source.name)
try:
    rename_exclusively(source, source.with_name("target"))
except FileExistsError:
    sys.exit(3)
"""


def test_without_hard_links_one_creates(tmp_path: Path) -> None:
    """Four processes that give one name at once: one succeeds, and nothing is lost."""
    racers = [
        subprocess.Popen([sys.executable, "-c", _RACE, str(tmp_path / f"source-{n}")])
        for n in range(4)
    ]
    codes = [racer.wait(60) for racer in racers]
    assert sorted(codes) == [0, 3, 3, 3]
    winner = f"source-{codes.index(0)}"
    assert (tmp_path / "target").read_text(encoding="utf-8") == winner
