"""Classes whose own code raises: one row each, and no more."""

from __future__ import annotations

import signal
from asyncio import CancelledError
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import orjson
import pytest
from pydantic import BaseModel, Field, computed_field, field_validator

from batchwright.data.answers.load import load_answer
from batchwright.errors import InputError
from batchwright.models import BatchResult, Outcome
from batchwright.providers import get_format


class _MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class _MuteValueError(ValueError):
    def __str__(self) -> str:
        raise KeyError("no words")


class _Unusual(BaseException):
    pass


_RAISED: dict[str, tuple[BaseException, str]] = {
    "key": (KeyError("k"), "KeyError: 'k'"),
    "type": (TypeError("a\nb"), "TypeError: a b"),
    "value": (ValueError("a\nb"), "label: Value error, a b"),
    "end": (StopIteration("s"), "StopIteration: s"),
    "exit": (SystemExit(3), "SystemExit: 3"),
    "interrupt": (KeyboardInterrupt(), "KeyboardInterrupt"),
    "recursion": (RecursionError("deep"), "RecursionError: deep"),
    "memory": (MemoryError(), "MemoryError"),
    "cancelled": (CancelledError(), "CancelledError"),
    "closed": (GeneratorExit(), "GeneratorExit"),
    "unusual": (_Unusual("u"), "_Unusual: u"),
    "mute": (_MuteError(), "_MuteError"),
    "mute-value": (_MuteValueError(), "KeyError: 'no words'"),
    "long": (KeyError("x" * 999), f"KeyError: '{'x' * 299}..."),
}


def _raise(word: str) -> NoReturn:
    raise _RAISED[word][0]


def _default() -> int:
    _raise("exit")


class _Validated(BaseModel):
    label: str

    @field_validator("label")
    @classmethod
    def _known(cls, value: str) -> str:
        if value in _RAISED:
            _raise(value)
        return value


class _Begun(BaseModel):
    label: str

    def model_post_init(self, _context: Any) -> None:
        if self.label in _RAISED:
            _raise(self.label)


class _Made(BaseModel):
    label: str

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        if self.label in _RAISED:
            _raise(self.label)


class _Computed(BaseModel):
    label: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def n(self) -> int:
        return _raise(self.label) if self.label in _RAISED else 1


class _Defaulted(BaseModel):
    label: str
    n: int = Field(default_factory=_default)


@pytest.fixture
def handled() -> Iterator[None]:
    """Handle Ctrl-C by a function, as the command line does."""

    def interrupt(_number: int, _frame: Any) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    yield
    signal.signal(signal.SIGINT, before)


def _validate(model: Any, *labels: str) -> tuple[list[Any], dict[int, str]]:
    results = [
        BatchResult("x", Outcome.SUCCEEDED, orjson.dumps({"label": each}).decode())
        for each in labels
    ]
    return load_answer(model).validate(results, get_format("openai"))


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("model", [_Validated, _Begun, _Made, _Computed])
def test_whatever_is_raised_is_its_own_rows_error(model: type[BaseModel]) -> None:
    """Rows before and after it are valid, and the error is what the exception says."""
    words = [word for word in _RAISED if word != "value" or model is _Validated]
    labels = [label for word in words for label in ("fine", word)]
    rows, errors = _validate(model, *labels)
    assert [row and row["label"] for row in rows[::2]] == ["fine"] * len(words)
    assert rows[1::2] == [None] * len(words)
    said = {word: errors[2 * n + 1] for n, word in enumerate(words)}
    exempt = {} if model is _Validated else {"mute-value": said["mute-value"]}
    assert said == {word: _RAISED[word][1] for word in words} | exempt


def test_a_default_may_raise() -> None:
    """Code that only some answers reach fails these answers alone."""
    assert _validate(_Defaulted, "fine") == ([None], {0: "SystemExit: 3"})


class _Interrupted(BaseModel):
    label: str

    @field_validator("label")
    @classmethod
    def _wait(cls, value: str) -> str:
        signal.raise_signal(signal.SIGINT)
        return value


@pytest.mark.parametrize("handler", ["handled", None])
def test_a_signal_that_comes_meanwhile_is_no_error_of_a_row(
    handler: str | None, request: pytest.FixtureRequest
) -> None:
    """Ctrl-C ends the work, whichever code it meets."""
    if handler:
        request.getfixturevalue(handler)
    with pytest.raises(KeyboardInterrupt):
        _validate(_Interrupted, "fine")


class _CancelledByOthersError(CancelledError):
    pass


class _Cancelled(BaseModel):
    label: str

    def model_post_init(self, _context: Any) -> None:
        raise _CancelledByOthersError


def test_a_cancelled_task_ends() -> None:
    """What Prefect cancels stops at once, as it does without a response model."""
    with pytest.raises(CancelledError):
        _validate(_Cancelled, "fine")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise BaseException('x')", "BaseException: x"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_module", "ModuleNotFoundError: No module named"),
        ("class X(", "SyntaxError"),
    ],
)
def test_a_module_that_raises_is_refused(tmp_path: Path, code: str, said: str) -> None:
    """The sentence says which response model, and what it raised."""
    path = tmp_path / "broken.py"
    path.write_text(code, encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.py:X' cannot be loaded") as caught:
        load_answer(f"{path}:X")
    assert said in str(caught.value)
