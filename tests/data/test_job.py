"""Jobs: as declared, and as kept."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, ValidationError

from batchwright.data.job import BatchJob
from batchwright.data.resolve import ResolvedJob, check_output, fill_dates, resolve
from batchwright.errors import InputError
from batchwright.models import BatchLine


class _Local(BaseModel):
    label: str


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a small table."""
    path = tmp_path / "in.csv"
    path.write_text("id,email\n1,x\n", encoding="utf-8")
    return path


def _job(source: Path, **fields: Any) -> BatchJob:
    fields = {
        "output": str(source.parent / "out.csv"),
        "model": "gpt-5-mini",
        "prompt": "{{ email }}",
        **fields,
    }
    return BatchJob(input=str(source), **fields)


def test_job_json_round_trips(source: Path, model_file: str) -> None:
    """What `job.json` holds is read back as the same job with the same fingerprint."""
    resolved = resolve(
        _job(
            source,
            response_model=model_file,
            system="{{ id }}",
            params={"top_p": 0.5},
            temperature=0,
            metadata={"a": "b"},
        )
    )
    again = ResolvedJob.model_validate_json(resolved.model_dump_json(indent=1))
    assert again == resolved
    assert again.fingerprint() == resolved.fingerprint()


def test_the_fingerprint_is_of_the_job_and_not_of_the_rows(source: Path) -> None:
    """Other rows are the same job; another prompt is not."""
    before = resolve(_job(source)).fingerprint()
    source.write_text("id,email\n2,y\n", encoding="utf-8")
    assert resolve(_job(source)).fingerprint() == before
    assert resolve(_job(source, prompt="{{ id }}")).fingerprint() != before


def test_a_release_changes_no_fingerprint() -> None:
    """A field with its default counts as little as one that did not exist yet."""
    given: dict[str, Any] = {
        "job": {"input": "/in.csv", "output": "/out.csv", "model": "gpt-5-mini"},
        "provider": "openai",
        "base_url": "https://api.openai.com/v1",
        "synthetic": False,
        "template": {"model": "gpt-5-mini", "endpoint": "/v1/chat/completions"},
        "messages": [{"role": "user", "content": "{{ text }}"}],
        "own_messages": False,
        "folder": "/",
    }
    job = ResolvedJob.model_validate(given)
    known = "185224c10767cc3b37ee41eb1b42d82ea16652d283469bab02e117c037d2a608"
    assert job.fingerprint() == known
    written_out = ResolvedJob.model_validate_json(job.model_dump_json())
    assert written_out.fingerprint() == known


def test_paths_hold_from_anywhere(
    source: Path, monkeypatch: pytest.MonkeyPatch, model_file: str
) -> None:
    """Relative paths are resolved once; URLs stay as they are."""
    monkeypatch.chdir(source.parent)
    job = BatchJob(
        input="in.csv",
        output="memory://out/x.csv",
        model="gpt-5-mini",
        prompt="{{ email }}",
        response_model="model.py:Label",
    )
    resolved = resolve(job).job
    assert resolved.input == str(source)
    assert resolved.output == "memory://out/x.csv"
    assert resolved.response_model == model_file


def test_dates_are_filled_once(source: Path) -> None:
    """`{date:...}` is filled in input and output, as strftime does."""
    when = datetime(2026, 11, 23, tzinfo=UTC)
    assert fill_dates("a-{date:%Y-%m-%d}/{date:%d}", when) == "a-2026-11-23/23"
    dated = source.with_name("in-2026.csv")
    source.rename(dated)
    job = _job(source.with_name("in-{date:%Y}.csv"), output="o-{date:%m}.csv")
    resolved = resolve(job, now=when)
    assert resolved.job.input == str(dated)
    assert resolved.job.output == str(Path("o-11.csv").absolute())


@pytest.mark.parametrize(
    ("model", "environment", "given", "expected"),
    [
        ("gpt-5-mini", {}, None, "https://api.openai.com/v1"),
        ("gpt-5-mini", {"OPENAI_BASE_URL": "http://h/v1"}, None, "http://h/v1"),
        ("gpt-5-mini", {"OPENAI_BASE_URL": "http://h/v1"}, "http://g", "http://g"),
        ("claude-haiku-4-5", {}, None, "https://api.anthropic.com"),
        ("claude-x", {"ANTHROPIC_BASE_URL": "http://a"}, None, "http://a"),
    ],
)
def test_the_base_url_is_fixed(
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    environment: dict[str, str],
    given: str | None,
    expected: str,
) -> None:
    """A run keeps its host: given, of the environment, or the vendor's."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    job = _job(source, model=model)
    assert resolve(job, base_url=given).base_url == expected
    vendors = {"https://api.openai.com/v1", "https://api.anthropic.com"}
    assert resolve(_job(source, model=model, sandbox=True)).base_url in vendors


@pytest.mark.parametrize(
    ("model", "endpoint", "expected"),
    [
        ("gpt-5-mini", None, "/v1/chat/completions"),
        ("openai/gpt-5-mini", "/v1/responses", "/v1/responses"),
        ("text-embedding-3-small", None, "/v1/embeddings"),
        ("claude-haiku-4-5", None, "/v1/messages"),
        ("anthropic/some-model", None, "/v1/messages"),
        ("meta/llama", None, "/v1/chat/completions"),
    ],
)
def test_the_endpoint_follows_the_model(
    source: Path, model: str, endpoint: Any, expected: str
) -> None:
    """Without an endpoint it is the one that the model is reached at."""
    job = _job(source, model=model, endpoint=endpoint)
    resolved = resolve(job, base_url="https://llm.example/v1")
    assert resolved.template.endpoint == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"output": "out.xlsx"}, "must end in .parquet, .csv or .jsonl"),
        ({"prompt": "{{ a"}, "not a Jinja2 template"),
        ({"messages": "m.yaml"}, "either --messages or --prompt"),
        ({"response_model": "nothing"}, "must be `package.module:Class`"),
        ({"response_model": "absent.py:X"}, "There is no file absent.py"),
        ({"response_model": "no_such_module:X"}, "cannot be loaded"),
        ({"response_model": "json:loads"}, "is no Pydantic class"),
        ({"response_model": "json:nothing"}, "does not exist"),
        ({"response_model": "absent.json"}, "cannot be read"),
        (
            {"response_model": {"properties": {"email": {}}, "type": "object"}},
            "column 'email', and so has the answer",
        ),
        ({"endpoint": "/v1/messages"}, "OpenAI has no endpoint"),
        ({"model": "claude-x", "endpoint": "/v1/embeddings"}, "Anthropic has no"),
        ({"max_cost_usd": 1.0}, "needs --max-tokens"),
        (
            {"max_cost_usd": 1.0, "max_tokens": 5, "model": "nobody-knows"},
            "price of 'nobody-knows' is unknown",
        ),
    ],
)
def test_a_job_that_cannot_work_is_refused(
    source: Path, fields: dict[str, Any], message: str
) -> None:
    """Each is one sentence, before anything is generated or sent."""
    with pytest.raises(InputError, match=message):
        resolve(_job(source, **fields))


def test_a_prefix_is_the_way_out_of_a_collision(source: Path) -> None:
    """With a prefix the answer may have fields that the input has too."""
    schema = {"properties": {"email": {"type": "string"}}, "type": "object"}
    assert resolve(_job(source, response_model=schema, answer_prefix="new_"))


def test_an_output_is_not_overwritten_by_itself(source: Path) -> None:
    """An output that exists needs `overwrite`."""
    job = resolve(_job(source)).job
    check_output(job)
    Path(job.output).write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        check_output(job)
    check_output(resolve(_job(source, overwrite=True)).job)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokns": 5},
        {"max_tokens": 0},
        {"max_in_flight": 0},
        {"canary_success": 1.1},
        {"mode": "magic"},
        {"encoding": "cp9999"},
        {"encoding": "base64"},
    ],
)
def test_a_typo_is_no_job(source: Path, fields: dict[str, Any]) -> None:
    """Unknown fields and values out of bounds are refused when the job is made."""
    with pytest.raises(ValidationError):
        _job(source, **fields)


def test_a_class_travels_as_text(source: Path) -> None:
    """An importable class becomes an import string, any other its JSON Schema."""
    job = _job(source, response_model=BatchLine)
    assert job.response_model == "batchwright.models.report:BatchLine"

    class Inner(BaseModel):
        label: str

    assert _job(source, response_model=Inner).response_model == (
        Inner.model_json_schema()
    )
    text = _job(source, response_model=_Local).response_model
    assert isinstance(text, str)
    assert text.endswith(("test_job:_Local", "test_job.py:_Local"))
    assert resolve(_job(source, response_model=_Local)).answer().model is _Local


def test_a_class_of_the_script_is_found_again(source: Path) -> None:
    """A script's own class becomes its path, and the script is not run twice."""
    script = source.with_name("script.py")
    script.write_text(
        "from pydantic import BaseModel\n"
        "print('ran')\n"
        "class Label(BaseModel):\n"
        "    label: str\n"
        "from batchwright.data.job import BatchJob\n"
        "from batchwright.data.resolve import resolve\n"
        f"job = BatchJob(input={str(source)!r}, output='o.csv', model='gpt-5-mini',\n"
        "    prompt='x', same_prompt=True, response_model=Label)\n"
        "print(job.response_model)\n"
        "print(resolve(job).answer().model is Label)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=True,
        cwd=source.parent,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.stdout.split() == ["ran", f"{script}:Label", "True"]


def test_a_schema_file_is_read_once(source: Path) -> None:
    """A JSON Schema file becomes part of the job."""
    path = source.with_name("schema.json")
    schema = {"title": "My Answer", "type": "object", "properties": {"a": {}}}
    path.write_bytes(orjson.dumps(schema))
    resolved = resolve(_job(source, response_model=str(path)))
    path.unlink()
    assert resolved.job.response_model == schema
    assert resolved.template.answer_name == "My_Answer"
    assert resolved.answer().columns == {"a": "json"}
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not JSON"):
        resolve(_job(source, response_model=str(path)))
    path.write_text('{"type": 5}', encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON Schema"):
        resolve(_job(source, response_model=str(path)))


def test_a_changed_model_parses_nothing(source: Path, model_file: str) -> None:
    """A model that changed after `resolve` is one sentence; another is fine."""
    resolved = resolve(_job(source, response_model=model_file))
    path = Path(model_file.rpartition(":")[0])
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "    more: int\n", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match="has changed since"):
        resolved.answer()
    assert "more" in resolved.answer(model_file).columns
    path.unlink()
    with pytest.raises(InputError, match="There is no file"):
        resolved.answer()


def test_a_key_in_the_place_of_a_name_is_not_repeated() -> None:
    """Who pastes a key where a block's name belongs does not find it in a log."""
    with pytest.raises(ValidationError) as refused:
        BatchJob(
            input="a.csv", output="b.csv", model="gpt-5-mini", credentials="sk-proj-1"
        )
    assert "credentials" in str(refused.value)
    assert "sk-proj-1" not in str(refused.value)


def test_paths_are_kept_as_text(source: Path) -> None:
    """A `Path` is taken wherever a job names a file, and equals its text."""
    paths = {
        "input": source,
        "output": source.with_name("out.csv"),
        "messages": source.with_name("messages.yaml"),
        "attachments": source.parent,
        "response_model": source.with_name("schema.json"),
    }
    job = BatchJob(model="gpt-5-mini", **paths)  # type: ignore[arg-type]
    texts = {name: str(path) for name, path in paths.items()}
    assert job.model_dump(include=texts.keys()) == texts
    assert BatchJob.model_validate_json(job.model_dump_json()) == job


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        [float("inf")],
        reduce(lambda inner, _: [inner], range(10_000), 1),  # type: ignore[arg-type, return-value]
        b"1",
        {1: 2},
        2**64,
        "\ud800",
    ],
    ids=["nan", "infinity", "deep", "bytes", "key", "integer", "surrogate"],
)
def test_params_are_json(source: Path, value: Any) -> None:
    """What JSON does not have is refused at once, and never sent as null."""
    with pytest.raises(ValidationError, match="It is no JSON"):
        _job(source, params={"x": value})
