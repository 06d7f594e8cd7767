"""Tests of the error tree: it travels between processes, and says if waiting helps."""

from __future__ import annotations

import inspect
import pickle

import pytest

from batchwright import errors

EXPORTED = [getattr(errors, name) for name in errors.__all__]
CLASSES = [value for value in EXPORTED if inspect.isclass(value)]


def test_every_error_is_exported() -> None:
    """No error class is left out of `__all__`."""
    defined = {
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert defined == set(CLASSES)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind: type[errors.BatchwrightError]) -> None:
    """Prefect carries errors between processes; text and facts stay."""
    error = kind("it broke")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert str(copy) == "it broke"
    assert copy.retryable is error.retryable


def test_a_provider_error_keeps_its_facts() -> None:
    """Status, code and the wished pause travel too."""
    error = errors.UnreachableError("busy", 429, "rate_limit", 12.5)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (copy.status, copy.code, copy.retry_after_seconds) == (
        429,
        "rate_limit",
        12.5,
    )


def test_every_error_is_ours() -> None:
    """One base, so that callers can catch all of them."""
    assert all(issubclass(kind, errors.BatchwrightError) for kind in CLASSES)
