"""Tests of `runs.storage`: every file appears whole, and exclusively where asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from batchwright.errors import InputError, RunError
from batchwright.runs.directory.storage import Directory


@pytest.fixture(params=["local", "memory", "s3"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Directory:
    """Give a folder on a disk, in memory, and on S3."""
    if request.param == "s3":
        return Directory(f"{request.getfixturevalue('bucket')}/run")
    url = {"local": str(tmp_path / "run"), "memory": f"memory://{tmp_path}/run"}
    return Directory(url[request.param])


def test_a_record_is_read_back_as_it_was_written(directory: Directory) -> None:
    """What `write_once` wrote is what `read` gives, at any depth."""
    directory.write_once("shards/00000/attempts/000.intent.json", b"{}")
    assert directory.read("shards/00000/attempts/000.intent.json") == b"{}"
    assert directory.names() == ["shards/00000/attempts/000.intent.json"]


def test_the_second_writer_of_a_record_is_refused(directory: Directory) -> None:
    """`write_once` never changes what is there."""
    directory.write_once("a", b"first")
    with pytest.raises(FileExistsError):
        directory.write_once("a", b"second")
    assert directory.read("a") == b"first"


def test_absent_files_are_none(directory: Directory) -> None:
    """Reading what is not there is no error."""
    assert directory.read("nothing") is None
    assert not directory.exists("nothing")
    assert directory.names() == []
    assert directory.children() == []


def test_a_file_whose_writer_failed_does_not_appear(directory: Directory) -> None:
    """A block that raises leaves neither the file nor anything temporary."""

    def fail_halfway() -> None:
        with directory.scratch() as folder:
            path = folder / "output.jsonl"
            path.write_bytes(b"half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert directory.names() == []


def test_write_replaces_whole_files(directory: Directory) -> None:
    """`write` may be repeated; the last one stands."""
    directory.write("report.json", b"1")
    directory.write("report.json", b"2")
    assert directory.read("report.json") == b"2"


def test_local_gives_a_readable_path(directory: Directory) -> None:
    """A remote file is fetched to this machine for the block."""
    directory.write("a/b.jsonl", b"x\n")
    with directory.local("a/b.jsonl") as path:
        assert path.read_bytes() == b"x\n"


def test_children_are_the_folders_right_below(directory: Directory) -> None:
    """Files and deeper folders are not children."""
    directory.write("one/job.json", b"{}")
    directory.write("two/deep/job.json", b"{}")
    directory.write("file", b"")
    assert directory.children() == ["one", "two"]


def test_age_is_measured_by_the_storage(directory: Directory) -> None:
    """A file just written is young, and the probe leaves no trace."""
    directory.write_once("claim", b"")
    assert 0 <= directory.age_seconds("claim") < 60
    assert directory.names() == ["claim"]


def test_a_store_without_exclusive_creation_is_refused() -> None:
    """Exactly-once creation cannot stand on plain FTP."""
    with pytest.raises(InputError, match="exclusively"):
        Directory("ftp://host/run")


def test_a_bucket_that_is_not_there_is_said(bucket: str) -> None:
    """Nothing is to be read there, and writing names the trouble in one sentence."""
    directory = Directory(f"{bucket}-of-nobody/run")
    assert directory.read("job.json") is None
    with pytest.raises(RunError, match=r"-of-nobody/run cannot be used: .*bucket"):
        directory.write_once("job.json", b"{}")
    with pytest.raises(RunError, match="cannot be used"):
        directory.write("report.json", b"{}")


def test_no_credentials_is_one_sentence(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has no access is told so before anything is sent."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    # The client of the tests before has its credentials already.
    S3FileSystem.clear_instance_cache()
    with pytest.raises(RunError, match="credentials"):
        Directory(f"{bucket}/run").read("job.json")
    S3FileSystem.clear_instance_cache()


_TRY = """
import sys
from batchwright.runs.directory.storage import Directory
try:
    Directory(sys.argv[1]).write_once("claim", b"mine")
except FileExistsError:
    sys.exit(3)
"""


@pytest.mark.parametrize("directory", ["local", "s3"], indirect=True)
def test_of_many_processes_one_creates(directory: Directory) -> None:
    """Four processes that create one name at once: one succeeds."""
    racers = [
        subprocess.Popen([sys.executable, "-c", _TRY, directory.url]) for _ in range(4)
    ]
    assert sorted(racer.wait(60) for racer in racers) == [0, 3, 3, 3]
