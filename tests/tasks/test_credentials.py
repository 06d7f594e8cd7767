"""Tests of keys in blocks: found by name, good where they should be, seen nowhere."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import httpx2
import pytest
from prefect import flow
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from pydantic import ValidationError
from typer.testing import CliRunner

from batchwright import BatchJob, advance_runs, run_batch
from batchwright.cli import app
from batchwright.console.exits import SOME_FAILED
from batchwright.errors import InputError, ScopeError
from batchwright.flows import resume_run
from batchwright.providers import VENDORS
from batchwright.sandbox import Sandbox
from batchwright.tasks import list_batches, submit_batch, wait_for_batch
from batchwright.tasks.blocks import AnthropicCredentials, OpenAICredentials
from batchwright.tasks.credentials import read_credentials

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect_server"),
]

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
MARK = "marked-7d1f0c"


@pytest.fixture
def block() -> Callable[[object, str], str]:
    """Save a block, and give its name; the server is shared and forgets nothing."""

    def save(made: object, name: str) -> str:
        assert isinstance(made, Secret | OpenAICredentials | AnthropicCredentials)
        made.save(name, overwrite=True)
        return f"{made.get_block_type_slug()}/{name}"

    return save


Save = Callable[[object, str], str]


def job(folder: Path, credentials: str, provider: str = "openai") -> BatchJob:
    """Return a small job whose key is in a block."""
    rows = folder / "rows.csv"
    rows.write_text("text\none\ntwo\n", encoding="utf-8")
    return BatchJob(
        input=str(rows),
        prompt="Say {{ text }}",
        model=MODELS[provider],
        output=str(folder / "out.csv"),
        credentials=credentials,
    )


def batches_of(sandbox: Sandbox, key: str) -> int:
    """Return how many OpenAI batches a key sees."""
    answer = httpx2.get(
        f"{sandbox.openai_base_url}/batches", headers={"Authorization": f"Bearer {key}"}
    )
    return len(answer.json()["data"])


def marks_in(folder: Path, mark: str) -> list[Path]:
    """Return the files under a folder that hold a text."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and mark.encode() in path.read_bytes()
    ]


SCRIPT = f"""
import os, sys
from batchwright import BatchJob, run_batch
from batchwright.tasks.blocks import OpenAICredentials
from prefect.blocks.system import Secret

def run(name, **more):
    job = BatchJob(input="rows.csv", prompt="Say {{{{ text }}}}", model="gpt-5-mini",
                   output=f"{{name}}.csv", **more)
    return run_batch(job, f"runs/{{name}}", return_state=True)

url = os.environ["OPENAI_BASE_URL"]
os.environ["OPENAI_API_KEY"] = "{MARK}-environment"
assert run("environment").is_completed()
del os.environ["OPENAI_API_KEY"]
Secret(value="{MARK}-secret").save("marked", overwrite=True)
assert run("secret", credentials="secret/marked").is_completed()
os.environ["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
block = OpenAICredentials(api_key="{MARK}-block", base_url=url)
print(block, repr(block))
block.save("marked", overwrite=True)
assert run("block", credentials="openai-credentials/marked").is_completed()
# The sandbox turns away what looks like a real key.
block = OpenAICredentials(api_key="sk-proj-{MARK}", base_url=url)
block.save("refused", overwrite=True)
state = run("refused", credentials="openai-credentials/refused")
assert state.is_failed(), state
print("refused", state.message)
"""


def test_a_key_is_nowhere_to_be_found(
    sandbox: Sandbox, prefect_server: str, prefect_home: Path, tmp_path: Path
) -> None:
    """Runs with a marked key, given in each way, leave the mark in no file and line.

    Prefect's database, the run directories, and logs at their most talkative are all
    searched, a run that failed for its key included.
    """
    (tmp_path / "rows.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    environment = os.environ | {
        "PREFECT_API_URL": prefect_server,
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "batchwright",
        "PREFECT_LOGGING_TO_API_ENABLED": "true",
        "OPENAI_BASE_URL": sandbox.openai_base_url,
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Check the key that was given." in said
    for way in ("environment", "secret", "block"):
        assert batches_of(sandbox, f"{MARK}-{way}") == 1
    assert MARK not in said
    assert marks_in(prefect_home, "openai-credentials/refused")  # the search does find
    assert marks_in(tmp_path / "runs", "gpt-5-mini")
    assert marks_in(prefect_home, MARK) == []
    assert marks_in(tmp_path, MARK) == []


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_sweep_reads_the_block_that_the_job_names(
    provider: str,
    sandbox: Sandbox,
    block: Save,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A detached run is finished with its own key, where the environment has none."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name)
    name = block(Secret(value="key-of-the-sweep"), "sweep")
    report = run_batch(
        job(tmp_path, name, provider), str(tmp_path / "runs/one"), wait="detach"
    )
    assert report.state == "open"
    sandbox.settle()
    (report,) = advance_runs(str(tmp_path / "runs"))
    assert report.ok
    assert sandbox.created() == 1


def test_tasks_take_the_name_of_a_block(
    sandbox: Sandbox,
    block: Save,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tasks in somebody's flow, async too, use the account that the block opens."""
    name = block(AnthropicCredentials(api_key="their-key"), "theirs")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    requests = tmp_path / "requests.jsonl"
    requests.write_text(
        '{"custom_id":"a","params":{"model":"claude-sonnet-4-5","max_tokens":5,'
        '"messages":[{"role":"user","content":"x"}]}}\n',
        encoding="utf-8",
    )

    @flow
    async def mine() -> list[str]:
        batch = submit_batch(str(requests), "anthropic", credentials=name)
        assert wait_for_batch(batch.id, "anthropic", credentials=name).status.is_final
        seen = list_batches(5, "anthropic", credentials=name)
        return [each.id for each in seen if each.id == batch.id]

    assert len(asyncio.run(mine())) == 1
    other = block(Secret(value="another-key"), "another")

    @flow
    def others() -> int:
        return len(list_batches(5, "anthropic", credentials=other))

    assert others() == 0


@pytest.mark.parametrize(
    ("name", "provider", "sentence"),
    [
        ("secret/none", "openai", "no block 'secret/none' on the Prefect server"),
        ("openai-credentials/none", "openai", "no block 'openai-credentials/none'"),
        ("anthropic-credentials/x", "openai", "or `openai-credentials/NAME`"),
        ("openai-credentials/x", "anthropic", "or `anthropic-credentials/NAME`"),
        ("json/x", "openai", "name a block as `secret/NAME`"),
        ("secret/blank", "openai", "'secret/blank' holds no key"),
        ("secret/object", "openai", "'secret/object' holds no key"),
    ],
)
def test_what_holds_no_key(
    name: str, provider: str, sentence: str, block: Save
) -> None:
    """A block that is missing, of another kind or empty is one clear sentence."""
    block(Secret(value=" "), "blank")
    block(Secret(value={"user": "a", "password": "b"}), "object")
    with pytest.raises(InputError, match=sentence):
        read_credentials(name, provider)


def test_a_missing_block_is_not_tried_again(
    sandbox: Sandbox, tmp_path: Path, recorded: Callable[[], None]
) -> None:
    """The run fails at once, with that sentence, before anything exists."""
    run_dir = tmp_path / "run"
    state = run_batch(job(tmp_path, "secret/none"), str(run_dir), return_state=True)
    assert "no block 'secret/none'" in (state.message or "")
    assert not run_dir.exists()
    state = list_batches(credentials="secret/none", return_state=True)
    assert state.is_failed()
    recorded()
    with get_client(sync_client=True) as client:
        run = client.read_task_run(state.state_details.task_run_id)
    assert run.run_count == 1


def test_a_block_that_moved_elsewhere_stops_the_run(
    sandbox: Sandbox, block: Save, tmp_path: Path
) -> None:
    """A run's batches are never looked for at another address than its own."""
    here = OpenAICredentials(api_key="k", base_url=f"{sandbox.openai_base_url}/")
    name = block(here, "moving")
    run_dir = str(tmp_path / "run")
    assert run_batch(job(tmp_path, name), run_dir, wait="detach").state == "open"
    block(OpenAICredentials(api_key="k", base_url="http://127.0.0.1:9/v1"), "moving")
    sandbox.settle()
    assert advance_runs(str(tmp_path)) == []
    with pytest.raises(ScopeError, match=r"is now for http://127\.0\.0\.1:9/v1"):
        resume_run(run_dir)


def test_the_command_line_works_on_a_run_with_a_block(
    sandbox: Sandbox,
    block: Save,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`cancel --run-dir` and `resume` read the block too; there is no other key."""
    monkeypatch.delenv("OPENAI_API_KEY")
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    name = block(Secret(value="key"), "cancelled")
    run_dir = str(tmp_path / "run")
    run_batch(job(tmp_path, name), run_dir, wait="detach")
    done = CliRunner().invoke(app, ["cancel", "--run-dir", run_dir])
    assert done.exit_code == 0, done.output
    (batch,) = sandbox.batches()
    assert batch.status.startswith("cancel")
    sandbox.settle()
    done = CliRunner().invoke(app, ["resume", run_dir])
    assert done.exit_code == SOME_FAILED, done.output
    assert "cancelled" in done.output


@pytest.mark.parametrize("text", ["sk-proj-abc", "secret", "secret/", "a/b/c", "A/b"])
def test_only_a_name_is_taken(text: str, tmp_path: Path) -> None:
    """What is no name of a block, such as a key itself, makes no job."""
    with pytest.raises(ValidationError):
        job(tmp_path, text)


def test_the_package_announces_its_blocks() -> None:
    """Prefect finds one for each provider by the entry point, and nothing else."""
    (found,) = entry_points(group="prefect.collections", name="batchwright")
    module = found.load()
    assert module.OpenAICredentials is OpenAICredentials
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "block", "register", "-m", found.value],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env=os.environ | {"PREFECT_API_URL": _api_url(), "NO_COLOR": "1"},
    )
    assert f"Successfully registered {len(VENDORS)} blocks" in done.stdout
    with get_client(sync_client=True) as client:
        kind = client.read_block_type_by_slug("openai-credentials")
    assert kind.name == "OpenAI Credentials"


def _api_url() -> str:
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value())
