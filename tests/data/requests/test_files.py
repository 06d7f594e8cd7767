"""Request files by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from batchwright.data.job import BatchJob
from batchwright.data.requests.files import write_request_files
from batchwright.errors import InputError


def _job(tmp_path: Path, **fields: Any) -> BatchJob:
    source = tmp_path / "in.csv"
    source.write_text("email,answer\na,1\nb,2\nc,3\n", encoding="utf-8")
    return BatchJob(
        input=str(source),
        output=str(tmp_path / fields.pop("output", "requests.jsonl")),
        model="gpt-5-mini",
        prompt="{{ email }}",
        **fields,
    )


def _ids(path: Path) -> list[str]:
    return [orjson.loads(line)["custom_id"] for line in path.read_bytes().splitlines()]


def test_one_file_where_one_batch_is_enough(tmp_path: Path) -> None:
    """Requests are numbered by row, and columns of the answer's name are no matter."""
    (path,) = write_request_files(_job(tmp_path))
    assert path == tmp_path / "requests.jsonl"
    assert _ids(path) == ["row-000000000", "row-000000001", "row-000000002"]


def test_numbered_files_over_a_limit(tmp_path: Path) -> None:
    """More files than one are numbered, and hold the rows in order."""
    paths = write_request_files(_job(tmp_path, max_requests_per_batch=2))
    assert [path.name for path in paths] == [
        "requests-00000.jsonl",
        "requests-00001.jsonl",
    ]
    assert _ids(paths[1]) == ["row-000000002"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.csv",
        *(path.name for path in paths),
    ]


def test_a_file_in_the_way_is_kept(tmp_path: Path) -> None:
    """An existing file is replaced only when that is asked for."""
    write_request_files(_job(tmp_path))
    with pytest.raises(InputError, match="--overwrite"):
        write_request_files(_job(tmp_path))
    assert write_request_files(_job(tmp_path, overwrite=True))
    with pytest.raises(InputError, match=r"must end in \.jsonl"):
        write_request_files(_job(tmp_path, output="x.csv"))
