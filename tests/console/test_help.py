"""Tests of the help pages, and that they say what is so."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
import typer.main
from typer.testing import Result

import batchwright
from batchwright.cli import app
from batchwright.data.job import BatchJob
from batchwright.data.job_fields import JOB_FIELDS
from batchwright.models import Mode
from batchwright.providers import VENDORS

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def _has(command: Any, name: str) -> bool:
    return any(each.name == name for each in command.params)


def _generator(name: str = "_generate_cli") -> ModuleType:
    path = ROOT / "docs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_commands_say() -> None:
    """docs/cli.md is current; `python docs/_generate_cli.py` writes it."""
    generator = _generator()
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert generator.render() == written


def test_the_table_of_providers_is_what_the_records_say() -> None:
    """docs/vendors.md is current; `python docs/_generate_vendors.py` writes it."""
    written = (ROOT / "docs" / "vendors.md").read_text(encoding="utf-8")
    assert _generator("_generate_vendors").render() == written


@pytest.mark.parametrize(
    "name", [name for name, each in COMMANDS.items() if _has(each, "provider")]
)
def test_help_lists_the_providers(name: str) -> None:
    """The help of `--provider` names all that come with batchwright."""
    (option,) = (each for each in COMMANDS[name].params if each.name == "provider")
    listed = re.findall(r"[a-z-]+(?=,| \(default\))", option.help.partition(":")[2])
    assert sorted(listed) == sorted(VENDORS)


def test_every_command_there_is() -> None:
    """The commands are those that are promised."""
    promised = "list create-from-file cancel download-file show validate generate"
    promised += " parse try run resume status view runs retry init sandbox doctor"
    assert set(COMMANDS) == set(promised.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself(name: str) -> None:
    """A panel, a first line, an example, and a help text for each option."""
    command = COMMANDS[name]
    assert command.rich_help_panel
    assert command.help
    assert command.epilog.startswith(f"Example: batchwright {name}")
    for parameter in command.params:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_is_what_the_command_takes(name: str) -> None:
    """What a page shows can be typed as it stands."""
    example = COMMANDS[name].epilog.split("\n\n")[0].removeprefix("Example: ")
    program, typed, *options = shlex.split(example.replace("\\\n", ""))
    assert (program, typed) == ("batchwright", name)
    COMMANDS[name].make_context(name, options)


def test_a_flag_shows_no_type(cli: Callable[..., Result]) -> None:
    """Help does not look as if a flag took a value."""
    assert "bool" not in cli("list", "--help").output
    assert "bool" not in cli("--help").output


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("list", {"limit": 10, "poll": 10, "screen": False, "use_anthropic": False}),
        ("create-from-file", {"use_anthropic": False, "split": False}),
        ("cancel", {"use_anthropic": False}),
        ("download-file", {"use_anthropic": False, "wait": False}),
        ("run", {"wait": True, "sandbox": False, "dry_run": False}),
        ("resume", {"wait": True, "resend_lost": False, "uncancel": False}),
        ("parse", {"only_failed": False}),
    ],
)
def test_documented_defaults(name: str, defaults: dict[str, object]) -> None:
    """What is not given is what the documentation says."""
    found = {each.name: each.default for each in COMMANDS[name].params}
    assert {key: found[key] for key in defaults} == defaults


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("list", set()),
        ("create-from-file", {"file_path"}),
        ("cancel", set()),
        ("download-file", {"batch_id", "download_file_path"}),
        ("run", {"input", "model", "output"}),
    ],
)
def test_what_is_required(name: str, required: set[str]) -> None:
    """Only what a command cannot do without must be given."""
    found = {each.name for each in COMMANDS[name].params if each.required}
    assert found == required


def test_job_options_are_the_jobs_fields() -> None:
    """`run` has an option with the same default for every field but two."""
    options = {each.name: each for each in COMMANDS["run"].params}
    options["params"] = options.pop("param")
    fields = BatchJob.model_fields
    assert {*fields} == {*JOB_FIELDS}
    assert {*fields} - {*options} == {"metadata", "credentials"}
    for name in {*fields} & {*options} - {"params"}:
        default = fields[name].get_default()
        assert options[name].required == fields[name].is_required()
        assert options[name].required or options[name].default == default


CHOICES = {
    "mode": get_args(Mode),
    "endpoint": [path for vendor in VENDORS.values() for path in vendor.endpoints],
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_help_names_all_choices(name: str) -> None:
    """What `BatchJob` takes for a field can be read on the help page."""
    assert all(choice in JOB_FIELDS[name].help for choice in CHOICES[name])


@pytest.mark.parametrize("name", CHOICES)
def test_a_value_that_is_no_choice_is_wrong_usage(
    cli: Callable[..., Result], name: str
) -> None:
    """`BatchJob` refuses it, and the command names the option and the choices."""
    job = ("run", "in.csv", "--model", "m", "--output", "o.csv")
    done = cli(*job, f"--{name}", "magic")
    assert done.exit_code == 2
    assert f"--{name}" in done.stderr
    assert all(choice in done.stderr for choice in CHOICES[name])


def test_the_version(cli: Callable[..., Result]) -> None:
    """`--version` prints the version of the package."""
    assert cli("--version").stdout == f"batchwright {batchwright.__version__}\n"


def test_nothing_typed_is_a_question(cli: Callable[..., Result]) -> None:
    """`batchwright` alone shows the help."""
    assert "create-from-file" in cli().output
