"""Tests of the table of vendors, and of what is told from a line or a name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from batchwright.data.endpoints import endpoint_for
from batchwright.data.job import BatchJob
from batchwright.errors import InputError
from batchwright.providers import (
    PROVIDERS,
    Vendor,
    get_format,
    get_vendor,
    split_model,
    vendors,
    wrong_vendor,
)

OPENAI_REQUEST = b'{"custom_id":"a","body":{"model":"gpt"}}'
ANTHROPIC_REQUEST = b'{"custom_id":"a","params":{"model":"claude"}}'
OPENAI_RESULT = b'{"id":"b","custom_id":"a","response":null,"error":null}\n'
ACME_RESULT = b'{"key":"a","ok":{}}'
ANTHROPIC_RESULT = b'{"custom_id":"a","result":{"type":"expired"}}\n'


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5-mini", ("openai", "gpt-5-mini")),
        ("claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5")),
        ("anthropic/claude-x", ("anthropic", "claude-x")),
        ("openai/claude-x", ("openai", "claude-x")),
        ("meta-llama/Llama-4", ("openai", "meta-llama/Llama-4")),
        ("something", ("openai", "something")),
    ],
)
def test_the_model_says_the_vendor(model: str, expected: tuple[str, str]) -> None:
    """A vendor's name before a slash decides, then how the model's name begins."""
    assert split_model(model) == expected


def test_an_unknown_vendor_is_one_sentence() -> None:
    """The error lists the names that are known."""
    with pytest.raises(InputError, match=r"'nobody'.*openai, azure"):
        get_vendor("nobody")


@pytest.mark.parametrize("vendor", [*vendors()], ids=lambda each: each.name)
def test_a_record_and_its_format_have_one_name(vendor: Vendor) -> None:
    """The format that a record names calls itself as the record does."""
    assert get_format(vendor.name).name == vendor.name
    assert vendor.name in PROVIDERS


@pytest.mark.parametrize(
    ("line", "name", "other"),
    [
        (ANTHROPIC_REQUEST, "openai", "anthropic"),
        (OPENAI_REQUEST, "anthropic", "openai"),
        (OPENAI_REQUEST, "openai", None),
        (b'{"custom_id":"a"}', "openai", None),
        (b"[]", "openai", None),
        (b"{", "openai", None),
    ],
)
def test_a_request_for_another_vendor_is_told(
    line: bytes, name: str, other: str | None
) -> None:
    """The problem names the vendor that the line is for, and the option to use."""
    problem = wrong_vendor(line, get_vendor(name))
    if other is None:
        assert problem is None
    else:
        assert problem is not None
        assert problem.code == "wrong_provider"
        assert f"use --provider {other}." in problem.message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (OPENAI_RESULT, {"openai"}),
        (b' {"response": {}, "custom_id": "a"}', {"openai"}),
        (ANTHROPIC_RESULT, {"anthropic"}),
        (b' {"result": {}, "custom_id": "a"}', {"anthropic"}),
        (b'{"custom_id": "a"}', set()),
        (b'{"result": {}}', set()),
        (b"no json", set()),
        (b"7", set()),
    ],
)
def test_a_result_line_has_one_format(line: bytes, expected: set[str]) -> None:
    """However it is spelt, a result line is told by its fields; other lines by none."""
    formats = {each.format for each in vendors() if each.is_result(line)}
    assert formats == {get_vendor(name).format for name in expected}


def test_a_package_adds_a_vendor(install: Callable[[str], None]) -> None:
    """Its vendor is found by name, by both spellings of a model, and in the list."""
    install("acme = fake_vendor:VENDOR")
    assert get_vendor("acme").title == "Acme"
    assert get_format("acme").name == "acme"
    assert split_model("acme-1") == ("acme", "acme-1")
    assert split_model("acme/other") == ("acme", "other")
    assert [each.name for each in vendors()] == [*PROVIDERS, "acme"]
    assert [each.name for each in vendors() if each.is_result(ACME_RESULT)] == ["acme"]


def test_a_job_can_name_an_endpoint_of_a_package(
    install: Callable[[str], None],
) -> None:
    """A path that no vendor of ours has is known as soon as its package is there."""
    with pytest.raises(ValidationError, match="one of /v1/chat/completions"):
        BatchJob(input="a.csv", output="b.csv", model="acme-1", endpoint="/jobs")
    install("acme = fake_vendor:VENDOR")
    job = BatchJob(input="a.csv", output="b.csv", model="acme-1", endpoint="/jobs")
    assert endpoint_for(*split_model(job.model), job.endpoint) == "/jobs"


@pytest.mark.parametrize(
    ("entry_point", "said"),
    [
        ("acme = no_such_module:VENDOR", "cannot be loaded from no_such_module:VENDOR"),
        ("acme = fake_vendor:NOTHING", "cannot be loaded from fake_vendor:NOTHING"),
        ("acme = json:loads", "must refer to a `Vendor` of this name"),
        ("other = fake_vendor:VENDOR", "must refer to a `Vendor` of this name"),
    ],
)
def test_a_broken_package_is_one_sentence(
    install: Callable[[str], None], entry_point: str, said: str
) -> None:
    """The error names the entry point; our own vendors work all the same."""
    install(entry_point)
    name = entry_point.partition(" ")[0]
    with pytest.raises(InputError, match=f"{name!r}.*{said}"):
        get_vendor(name)
    assert get_vendor("openai").name == "openai"
    assert split_model("gpt-5-mini") == ("openai", "gpt-5-mini")


def test_no_package_replaces_a_vendor_of_ours(install: Callable[[str], None]) -> None:
    """An entry point with the name of a known vendor is left out."""
    install("openai = fake_vendor:VENDOR")
    assert get_vendor("openai").title == "OpenAI"
    assert [each.name for each in vendors()] == list(PROVIDERS)
