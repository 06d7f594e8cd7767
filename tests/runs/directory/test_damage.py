"""Tests of damaged run directories: a file is named or restored; nothing is bought."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import BatchwrightError, RunError
from batchwright.runs.directory.catalog import recorded_beside
from batchwright.runs.directory.run import Run
from batchwright.runs.directory.storage import Directory
from batchwright.runs.drive import drive
from batchwright.runs.generate import generate_shards
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

ATTEMPT = "shards/00000/attempts/000"
OUTPUT = f"{ATTEMPT}.output.jsonl"
FURTHER = "shards/00000/results/rounds-1-00000-000.jsonl"
ROWS = 4

DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda _: b"",
    "half": lambda data: data[: len(data) // 2],
    "garbage": lambda data: b"\x00\xff\n" * (len(data) // 3 + 1),
    "wrong-type": lambda _: b"[7]\n",
    "missing": lambda _: None,
}
NAMED = [
    *("job.json", "plan.json", "rounds/1/plan.json"),
    *(f"{ATTEMPT}.intent.json", f"{ATTEMPT}.batch.json", f"{ATTEMPT}.ended.json"),
    "shards/00000/rows.parquet",
    *("shards/00000/tally.json", "report.json", "resend-lost.json", "canary.json"),
]
"""Files whose damage stops the run."""
HEALED = {
    (name, "missing")
    for name in (
        *("rounds/1/plan.json", f"{ATTEMPT}.ended.json", "shards/00000/tally.json"),
        *("resend-lost.json", "canary.json"),
    )
}
"""Files that are simply made again if they are missing."""


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, Sandbox]]:
    """Give a folder with a run that needs only its output, and its provider."""
    folder = tmp_path_factory.mktemp("finished")
    lines = ["text", *(f"text {row}" for row in range(ROWS))]
    (folder / "in.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        patch.setenv("BATCHWRIGHT_ROUND_SECONDS", "0")
        fault = {"nth": [1], "answers": [{"status": 500, "nth": [1]}]}
        sandbox.set_faults({"batches": [fault]})
        job = BatchJob(
            input=str(folder / "in.csv"),
            output=str(folder / "out.jsonl"),
            prompt="Say something about {{ text }}",
            model="gpt-5-mini",
            max_requests_per_batch=2,
            max_in_flight=1,
            canary=2,
            canary_success=0.1,
        )
        run = open_run(job, str(folder / "run"))
        assert drive(run, wait=True).rounds == 1
        run.directory.write("resend-lost.json", b'{"round": 9}')
        (folder / "out.jsonl").unlink()
        yield folder, sandbox


@pytest.fixture
def copy(finished: tuple[Path, Sandbox], tmp_path: Path) -> Iterator[Path]:
    """Give a copy of the run, whose output is to be written; nothing is bought."""
    folder, sandbox = finished
    bought = sandbox.created()
    shutil.copytree(folder / "run", tmp_path / "run")
    yield tmp_path / "run"
    (folder / "out.jsonl").unlink(missing_ok=True)
    assert sandbox.created() == bought


def damage(path: Path, how: str) -> None:
    """Damage a file."""
    data = DAMAGES[how](path.read_bytes())
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def finish(run: Path) -> list[dict[str, object]]:
    """Take the run to its end, and return its output."""
    report = drive(Run.load(str(run)), wait=True)
    lines = Path(str(report.output)).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def prepare(run: Path, name: str) -> None:
    """Bring the copy to where it reads the file."""
    if name == "report.json":
        return
    (run / "done.json").unlink()
    if name.endswith("tally.json"):
        return
    for tally in run.glob("shards/*/tally.json"):
        tally.unlink()


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", NAMED)
def test_a_damaged_record_is_named(name: str, how: str, copy: Path) -> None:
    """One sentence names the file and a way out, and nothing is sent."""
    prepare(copy, name)
    damage(copy / name, how)
    before = Directory(str(copy)).names()
    if (name, how) in HEALED:
        rows = finish(copy)
        assert [row["_outcome"] for row in rows] == ["succeeded"] * ROWS
        return
    with pytest.raises(BatchwrightError) as caught:
        finish(copy)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    if (name, how) != ("job.json", "missing"):
        assert "Nothing was sent. Put the file back from a backup" in str(caught.value)
    assert not [
        each
        for each in {*Directory(str(copy)).names()} - {*before}
        if "/attempts/" in each
    ]


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_requests_are_not_sent(
    how: str, finished: tuple[Path, Sandbox], tmp_path: Path
) -> None:
    """A request file that is not as it was made is named before anything is created."""
    folder, sandbox = finished
    before = sandbox.created()
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(tmp_path / "out.jsonl"),
        prompt="Say something about {{ text }}",
        model="gpt-5-mini",
    )
    run = open_run(job, str(tmp_path / "run"))
    generate_shards(run)
    name = "shards/00000/requests.jsonl"
    damage(tmp_path / "run" / name, how)
    with pytest.raises(BatchwrightError, match=name):
        drive(run, wait=True)
    assert sandbox.created() == before


@pytest.mark.parametrize("left", ["batch.json", "ended.json", "output.jsonl"])
def test_an_attempt_without_its_intent_counts(left: str, copy: Path) -> None:
    """Whatever is left of its files, no other batch is created."""
    prepare(copy, OUTPUT)
    for path in (copy / ATTEMPT).parent.iterdir():
        if not path.name.endswith(left):
            path.unlink()
    with pytest.raises(RunError, match=r"000\.intent\.json is damaged .* Nothing was"):
        finish(copy)


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", [OUTPUT, FURTHER])
def test_damaged_results_are_downloaded_again(name: str, how: str, copy: Path) -> None:
    """No row is missing for want of a file that the provider still has."""
    prepare(copy, name)
    before = (copy / name).read_bytes()
    damage(copy / name, how)
    rows = finish(copy)
    assert [row["_outcome"] for row in rows] == ["succeeded"] * ROWS
    assert (copy / name).read_bytes() == before


@pytest.mark.parametrize("name", [OUTPUT, FURTHER])
def test_missing_results_that_the_provider_deleted_are_named(
    name: str, copy: Path, finished: tuple[Path, Sandbox]
) -> None:
    """The run stops with the file's name, and no row is silently missing."""
    prepare(copy, name)
    (copy / name).unlink()
    sandbox = finished[1]
    deleted = {"operation": "download", "do": "status", "status": 404}
    sandbox.set_faults({"calls": [deleted]})
    try:
        with pytest.raises(RunError, match=f"{name} is damaged"):
            finish(copy)
    finally:
        sandbox.set_faults({})
    assert not (copy / "done.json").exists()
    assert len(finish(copy)) == ROWS


@pytest.mark.parametrize("how", DAMAGES)
def test_results_of_version_0_1_are_counted(how: str, copy: Path) -> None:
    """Its records know the number of lines, and no digest."""
    prepare(copy, OUTPUT)
    record = copy / f"{ATTEMPT}.ended.json"
    fields = json.loads(record.read_bytes())
    del fields["digests"]
    record.write_text(json.dumps(fields), encoding="utf-8")
    damage(copy / OUTPUT, how)
    rows = finish(copy)
    assert [row["_outcome"] for row in rows] == ["succeeded"] * ROWS


@pytest.mark.parametrize("how", ["empty", "half", "garbage", "wrong-type"])
def test_a_damaged_nonce_makes_no_request(how: str, copy: Path) -> None:
    """Before the plan exists, every `custom_id` is made from it."""
    for name in ("shards", "rounds"):
        shutil.rmtree(copy / name)
    (copy / "plan.json").unlink()
    (copy / "done.json").unlink()
    damage(copy / "nonce", how)
    with pytest.raises(RunError, match="nonce is damaged"):
        finish(copy)


def test_a_record_of_a_newer_version_is_said(copy: Path) -> None:
    """The way out is another one than for damage."""
    job = json.loads((copy / "job.json").read_bytes())
    job["job"]["invented"] = 1
    (copy / "job.json").write_text(json.dumps(job), encoding="utf-8")
    with pytest.raises(RunError, match=r"job\.json is of a newer .*upgrade"):
        Run.load(str(copy))


@pytest.mark.parametrize("how", DAMAGES)
def test_a_neighbour_stops_nobody(how: str, copy: Path) -> None:
    """What its records still say is used to settle a lost claim of another run."""
    other = shutil.copytree(copy, copy.parent / "other")
    damage(other / f"{ATTEMPT}.batch.json", how)
    found = recorded_beside(Directory(str(copy)))
    assert len(found) == 3
