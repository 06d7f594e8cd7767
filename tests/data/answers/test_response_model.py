"""Answers held to a response model."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel

from batchwright.data.answers.kinds import kinds
from batchwright.data.answers.load import load_answer
from batchwright.data.answers.response_model import AnswerReader
from batchwright.data.columns import fits
from batchwright.errors import InputError
from batchwright.models import BatchResult, Outcome
from batchwright.providers import get_format
from batchwright.providers.schema.convert import convert
from batchwright.providers.schema.dialects import OPENAI


class _Color(Enum):
    RED = "red"
    BLUE = "blue"


class _Inner(BaseModel):
    n: int


class _Wide(BaseModel):
    model_config = ConfigDict(strict=True)

    label: Literal["a", "b"]
    count: int
    ratio: float = 0.5
    done: bool | None = None
    day: date
    at: datetime
    price: Decimal
    key: UUID
    color: _Color
    inner: _Inner
    many: list[_Inner]
    either: int | str
    named: str = Field(alias="theName")
    scores: dict[str, int] = {}


_TEXT = orjson.dumps(
    {
        "label": "a",
        "count": 2,
        "day": "2026-11-23",
        "at": "2026-11-23T04:00:00Z",
        "price": "1.10",
        "key": "12345678-1234-5678-1234-567812345678",
        "color": "red",
        "inner": {"n": 1},
        "many": [{"n": 2}],
        "either": "x",
        "theName": "Ann",
        "scores": {"x": 1},
    }
).decode()


def _result(text: str | None, data: Any = None) -> BatchResult:
    return BatchResult(custom_id="x", outcome=Outcome.SUCCEEDED, text=text, data=data)


def _validate(
    model: Any, text: str | None, data: Any = None, provider: str = "openai"
) -> tuple[dict[str, Any] | None, str | None]:
    fields, errors = load_answer(model).validate(
        [_result(text, data)], get_format(provider)
    )
    return fields[0], errors.get(0)


def test_many_at_once_are_what_they_are_one_by_one() -> None:
    """A bad answer among good ones changes nothing but its own place."""
    answer, fmt = load_answer(_Label), get_format("openai")
    texts = [
        "{",
        '{"label":"SPAM"}',
        None,
        '{"label":"X"}',
        '{"label":"NOT_SPAM","n":1}',
        "",
    ]
    results = [_result(text) for text in texts]
    results += [
        BatchResult("x", Outcome.TRUNCATED, '{"label":"SPAM"}', error="cut"),
        BatchResult("x", Outcome.EXPIRED),
        _result(None, {"label": "SPAM"}),
    ]
    fields, errors = answer.validate(results, fmt)
    for index, result in enumerate(results):
        alone, error = answer.validate([result], fmt)
        assert (fields[index], errors.get(index)) == (alone[0], error.get(0))
    assert sorted(errors) == [0, 2, 3, 5, 6, 7]
    assert (errors[6], errors[7]) == ("cut", "expired")
    assert [index for index, row in enumerate(fields) if row is None] == sorted(errors)


def test_kinds_come_from_the_schema() -> None:
    """Each field's column has the one type that its schema allows."""
    assert load_answer(_Wide).columns == {
        "label": "string",
        "count": "int64",
        "ratio": "double",
        "done": "bool",
        "day": "date",
        "at": "timestamp",
        "price": "string",
        "key": "string",
        "color": "string",
        "inner": "json",
        "many": "json",
        "either": "json",
        "theName": "string",
        "scores": "json",
    }


def _without_secret(schema: dict[str, Any]) -> None:
    del schema["properties"]["secret"]


class _Discreet(BaseModel):
    model_config = ConfigDict(json_schema_extra=_without_secret)

    secret: int = 1
    label: str


def test_what_the_schema_hides_is_no_column() -> None:
    """Columns are those of the schema that was sent, also where the class has more."""
    assert load_answer(_Discreet).columns == {"label": "string"}
    assert _validate(_Discreet, '{"label":"a","secret":2}') == ({"label": "a"}, None)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("as_data", [False, True])
def test_a_strict_model_takes_what_json_can_say(
    provider: str,
    as_data: bool,  # noqa: FBT001 - a table of two
) -> None:
    """Dates, enums, decimals and aliases validate strictly and come out as JSON."""
    text, data = (None, orjson.loads(_TEXT)) if as_data else (_TEXT, None)
    fields, error = _validate(_Wide, text, data, provider)
    assert error is None
    assert fields is not None
    by_column = {name: fields.get(name) for name in load_answer(_Wide).columns}
    assert by_column == {
        **orjson.loads(_TEXT),
        "ratio": 0.5,
        "done": None,
    }


def test_a_provider_may_change_the_shape() -> None:
    """What the schema's dialect had to change is changed back before validation."""
    source = load_answer(_Wide)
    sent = convert(source.schema or {}, OPENAI)
    assert sent["properties"]["scores"] != (source.schema or {})["properties"]["scores"]
    value = orjson.loads(_TEXT)
    value["scores"] = [{"key": "x", "value": 1}]
    value["ratio"] = None
    fields, error = _validate(_Wide, orjson.dumps(value).decode())
    assert error is None
    assert fields is not None
    assert fields["scores"] == {"x": 1}
    assert fields["ratio"] == 0.5


class _Label(BaseModel):
    label: Literal["SPAM", "NOT_SPAM"]
    n: int = 0


_LABEL_SCHEMA = _Label.model_json_schema()


@pytest.mark.parametrize("model", [_Label, _LABEL_SCHEMA])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"label":"MAYBE"}', "label: "),
        ('{"label":"SPAM","n":"x"}', "n: "),
        ('{"label":"SPAM","n":123456789012345678901}', "n: "),
        ('{"n":1}', "label"),
        ("{", ""),
        ("sorry", ""),
        ("[]", ""),
        ('{"label":"\\ud800"}', ""),
        ("[" * 9999, ""),
    ],
)
def test_a_wrong_answer_is_one_line(model: Any, text: str, message: str) -> None:
    """An answer that is not what was asked for gives an error that names the field."""
    fields, error = _validate(model, text)
    assert fields is None
    assert error
    assert message in error
    assert "\n" not in error


def test_the_error_is_short() -> None:
    """The message is the validator's, without its class, input and links."""
    _, error = _validate(_Label, '{"label":"MAYBE"}')
    assert error == "label: Input should be 'SPAM' or 'NOT_SPAM'"


@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        (None, "prose", {"answer": "prose"}),
        (RootModel[list[int]], "[1,2]", {"answer": [1, 2]}),
        ({"type": "array", "items": {"type": "integer"}}, "[1]", {"answer": [1]}),
        ({"type": "object", "properties": {"a": {}}}, '{"b":1}', {"a": None}),
    ],
)
def test_answers_without_fields_are_one_column(
    model: Any, text: str, expected: dict[str, Any]
) -> None:
    """Prose and lists stand in the column `answer`; an absent field is null."""
    assert _validate(model, text) == (expected, None)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int64", 2**63 - 1, True),
        ("int64", 2**63, False),
        ("date", "2026-11-23", True),
        ("date", "soon", False),
        ("timestamp", "2026-11-23T04:00:00Z", True),
        ("timestamp", "soon", False),
        ("json", object(), True),
        ("date", None, True),
    ],
)
def test_values_fit_their_column(kind: str, value: Any, *, expected: bool) -> None:
    """What a typed column cannot hold is known before it is written."""
    assert fits(kind, value) is expected


def test_recursive_schemas_have_kinds() -> None:
    """A schema that refers to itself ends, as JSON."""
    schema = {
        "$defs": {"A": {"$ref": "#/$defs/A"}},
        "properties": {"a": {"$ref": "#/$defs/A"}},
    }
    assert kinds(schema) == {"a": "json"}


def test_an_imported_model_is_the_same_class(model_file: str) -> None:
    """A path is loaded once, so instances of two loads are of one class."""
    assert load_answer(model_file).model is load_answer(model_file).model
    assert isinstance(load_answer(None), AnswerReader)


def test_a_model_that_does_not_run_is_said(tmp_path: Path) -> None:
    """An error inside the user's file is one sentence that names file and error."""
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.py.*ZeroDivisionError"):
        load_answer(f"{path}:X")


def test_a_model_without_schema_is_said(tmp_path: Path) -> None:
    """A field that JSON Schema cannot describe is refused, not a traceback."""
    path = tmp_path / "odd.py"
    path.write_text(
        "from collections.abc import Callable\n"
        "from pydantic import BaseModel\n"
        "class Odd(BaseModel):\n"
        "    call: Callable[[], int]\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="'Odd' has no JSON Schema"):
        load_answer(f"{path}:Odd")


def test_modules_beside_the_file_are_found(tmp_path: Path) -> None:
    """A response model may import from its own folder, and refer forward."""
    (tmp_path / "beside_it.py").write_text(
        "from typing import Literal\n", encoding="utf-8"
    )
    path = tmp_path / "model.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from pydantic import BaseModel\n"
        "from beside_it import Literal\n"
        "class A(BaseModel):\n"
        "    b: B | None = None\n"
        "class B(BaseModel):\n"
        "    x: Literal['y']\n",
        encoding="utf-8",
    )
    assert load_answer(f"{path}:A").columns == {"b": "json"}
