"""Whatever a user writes: commands end in time, and an error is one sentence.

`Watched` checks this for each command. A property writes one example and runs the
commands that read it.
"""

from __future__ import annotations

import gzip
import json
import reprlib
import tarfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .conftest import BrokenError, Watched
from .documents import TEXT, damaged, edited, json_bytes
from .lines import CSV, JSONL, REQUESTS, RESULTS
from .options import FAULTS, MODULES, PARAMS, PYTHON, REFERENCES, VARIABLES
from .schemas import SCHEMA_BYTES, SCHEMAS
from .templates import MESSAGES, TEMPLATES
from .traps import TRAPS

_LONG_SECONDS = 270
_OPENAI = ("--model", "gpt-5-mini")
_ANTHROPIC = ("--model", "claude-sonnet-4-5", "--max-tokens", "100")
_WRITE = ("--output", "requests.jsonl", "--overwrite")
_GENERATE = ("generate", "rows.csv", *_WRITE)
_ARCHIVE = Path(__file__).parents[1] / "upgrade" / "0.1.0" / "openai-rounds.tar.gz"


def _templates(run: Watched, template: str) -> None:
    run(*_GENERATE, *_OPENAI, "--prompt", template)
    run("generate", "rows.jsonl", *_WRITE, *_ANTHROPIC, "--system", template)


def _messages(run: Watched, data: bytes) -> None:
    given = ("--messages", run.write("messages.yaml", data))
    run(*_GENERATE, *_OPENAI, *given)
    run(*_GENERATE, *_ANTHROPIC, *given)


def _schemas(run: Watched, data: bytes) -> None:
    given = ("--prompt", "{{ a }}", "--response-model", run.write("schema.json", data))
    for model in (_OPENAI, _ANTHROPIC):
        run(*_GENERATE, *model, *given)
        run(*_GENERATE, *model, *given, "--mode", "tools")


def _csv(run: Watched, data: bytes) -> None:
    given = (*_WRITE, *_OPENAI, "--prompt", "{{ a }} {{ b|upper }}")
    run("generate", run.write("in.csv", data), *given)
    run("generate", run.write("in.tsv.gz", gzip.compress(data, 1)[:-3]), *given)


def _jsonl(run: Watched, data: bytes) -> None:
    rows = run.write("in.jsonl", data)
    run("generate", rows, *_WRITE, *_OPENAI, "--prompt", "{{ a }} {{ row|tojson }}")
    run("generate", rows, *_WRITE, *_ANTHROPIC)
    given = ("--dry-run", "--output", "out.parquet")
    run("run", rows, *_OPENAI, "--prompt", "{{ a }}", *given)


def _params(run: Watched, params: list[str]) -> None:
    given = [part for each in params for part in ("--param", each)]
    for model in (_OPENAI, _ANTHROPIC):
        run(*_GENERATE, *model, "--prompt", "x", *given)
    cap = ("--max-cost-usd", "1", "--max-tokens", "9")
    dry = ("--dry-run", "--output", "out.csv", *cap)
    run("run", "rows.csv", *_OPENAI, "--prompt", "x", *given, *dry)
    metadata = [part for each in params for part in ("--metadata", each)]
    run("create-from-file", "--file-path", "requests.jsonl", *metadata)


def _python(run: Watched, text: str) -> None:
    run("@python", run.write("params.txt", text.encode("utf-8", "surrogatepass")))


def _faults(run: Watched, data: bytes) -> None:
    run("@faults", run.write("faults.yaml", data))


def _results(run: Watched, given: tuple[bytes, Any]) -> None:
    data, schema = given
    parse = ("parse", "--overwrite", "--file-path", run.write("results.jsonl", data))
    model = ("--response-model", run.write("answer.json", json_bytes(schema)))
    run(*parse, "--output", "out.csv")
    run(*parse, "--output", "out.parquet", *model)
    run(*parse, "--output", "out.jsonl", *model)


def _validate(run: Watched, data: bytes) -> None:
    run.write("check.jsonl", data)
    run("validate", "--file-path", "check.jsonl")
    run("validate", "--file-path", "check.jsonl", "--use-anthropic")


def _models(run: Watched, given: tuple[bytes, str]) -> None:
    data, reference = given
    run.write("m.py", data)
    run(*_GENERATE, *_OPENAI, "--prompt", "{{ a }}", "--response-model", reference)


def _names(run: Watched, text: str) -> None:
    name = text.replace("..", "")
    prompt = (*_OPENAI, "--prompt", "{{ a }}", "--overwrite")
    run("generate", f"in/{name}.csv", *prompt, "--output", "requests.jsonl")
    run("generate", "rows.csv", *prompt, "--output", f"out/{name}.jsonl")
    run("generate", "rows.csv", *prompt, "--output", f"out/{{date:{name}}}.jsonl")
    run("status", f"runs/{name}")


def _variables(run: Watched, variables: dict[str, str]) -> None:
    run("runs", environment=variables)
    run("doctor", environment=variables)


@cache
def _records() -> dict[str, bytes]:
    """Return the records of a run that is open, by their name in its directory."""
    with tarfile.open(_ARCHIVE) as archive:
        return {
            member.name.removeprefix("./runs/run/"): file.read()
            for member in archive
            if member.name.startswith("./runs/run/")
            and member.name.endswith((".json", ".jsonl", "nonce"))
            and (file := archive.extractfile(member)) is not None
        }


@st.composite
def _damaged_records(draw: st.DrawFn) -> tuple[str, bytes]:
    name = draw(st.sampled_from([*_records()]))
    data: SearchStrategy[bytes] = st.just(_records()[name])
    if name.endswith(".json"):
        data |= edited(json.loads(_records()[name])).map(json_bytes)
    return name, draw(damaged(data) | st.binary(max_size=9))


def _directories(run: Watched, given: tuple[str, bytes]) -> None:
    directory = run.folder / "runs" / "run"
    for name, data in {**_records(), given[0]: given[1]}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    run("status", str(directory), codes={0, 1, 3, 4})
    run("runs", str(directory.parent))
    run("@reopen", str(directory))


_PROPERTIES: dict[
    str, tuple[SearchStrategy[Any], Callable[[Watched, Any], None], int]
] = {
    "templates": (TEMPLATES, _templates, 250),
    "messages": (MESSAGES, _messages, 200),
    "schemas": (SCHEMA_BYTES, _schemas, 120),
    "csv": (CSV, _csv, 150),
    "jsonl": (JSONL, _jsonl, 80),
    "params": (PARAMS, _params, 80),
    "python": (PYTHON, _python, 80),
    "faults": (FAULTS, _faults, 80),
    "results": (st.tuples(RESULTS, SCHEMAS), _results, 80),
    "validate": (REQUESTS, _validate, 150),
    "models": (st.tuples(MODULES, REFERENCES), _models, 80),
    "names": (TEXT, _names, 60),
    "variables": (VARIABLES, _variables, 50),
    "directories": (_damaged_records(), _directories, 40),
}
"""Examples, what is done with each, and how many of them `make test` tries."""


def _try(watched: Watched, name: str, examples: int) -> None:
    strategy, check, _ = _PROPERTIES[name]

    @settings(max_examples=examples)
    @given(strategy)
    def holds(value: Any) -> None:
        try:
            check(watched, value)
        except BrokenError as exc:  # which Hypothesis does not show the example of
            exc.add_note(reprlib.repr(value))
            raise

    holds()


@pytest.mark.parametrize("name", _PROPERTIES)
def test_what_a_user_writes_is_no_fault_of_ours(watched: Watched, name: str) -> None:
    """No traceback, no hang over 5 s, no growth over 300 MB; one sentence says why."""
    _try(watched, name, _PROPERTIES[name][2])


@pytest.mark.parametrize("name", TRAPS)
def test_a_known_trap_is_no_fault_of_ours(watched: Watched, name: str) -> None:
    """The same holds for each example that once broke it."""
    for trap in TRAPS[name]:
        _PROPERTIES[name][1](watched, trap)


@pytest.mark.long
@pytest.mark.parametrize("name", _PROPERTIES)
def test_minutes_of_it_are_no_fault_of_ours(watched: Watched, name: str) -> None:
    """The same for minutes of examples of each kind, about an hour in all."""
    watched.close()  # what a process kept of another kind's hours is not this kind's
    end = time.monotonic() + _LONG_SECONDS
    while time.monotonic() < end:
        _try(watched, name, 500)
