"""`BatchJob`: what the user asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from ..errors import in_one_line
from ..models import Endpoint, Mode
from ..models.plain import to_plain_json
from ..providers import split_model
from .answers.import_model import portable_model
from .deadline import known_deadline
from .endpoints import known_endpoint
from .job_fields import JOB_FIELDS
from .messages import Conversions
from .rows.text import known_encoding

__all__ = ["AnyModel", "AnyPath", "BatchJob"]

Schema = dict[str, Any]

if TYPE_CHECKING:
    Kept = TypeVar("Kept")
    Given = TypeVar("Given")

    class _Stored(Generic[Kept, Given]):
        """A field that takes more types than it has: mypy reads both from here."""

        def __get__(self, instance: object, owner: object = None) -> Kept: ...
        def __set__(self, instance: object, value: Given) -> None: ...

    AnyPath = str | Path
    PathField = _Stored[str, AnyPath]
    OptionalPathField = _Stored[str | None, AnyPath | None]
    AnyModel = AnyPath | Schema | type[BaseModel] | None
    ResponseModel = _Stored[str | Schema | None, AnyModel]
else:
    _text = BeforeValidator(
        lambda given: str(given) if isinstance(given, Path) else given
    )
    AnyPath = PathField = Annotated[str, _text]
    """A path or a URL; a `Path` becomes its text."""
    OptionalPathField = Annotated[str | None, _text]
    AnyModel = ResponseModel = Annotated[
        str | Schema | None,
        BeforeValidator(portable_model),
        _text,
        WithJsonSchema(
            {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}
        ),
    ]
    """A class becomes an import string, or its JSON Schema if it cannot be imported."""

TextEncoding = Annotated[str, AfterValidator(known_encoding)]
KnownEndpoint = Annotated[Endpoint, AfterValidator(known_endpoint)]
ModelName = Annotated[str, StringConstraints(min_length=1)]
FinishBy = Annotated[float | str | None, BeforeValidator(known_deadline)]
"""Seconds, or a time of day with its zone as text."""
BlockName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]


def _sendable(params: dict[str, Any]) -> dict[str, Any]:
    try:
        to_plain_json(params)
    except ValueError as exc:
        cause = {"cause": in_one_line(exc)}
        raise PydanticCustomError("json", "It is no JSON: {cause}.", cause) from exc
    return params


def _declared(name: str) -> Any:
    """Return the Pydantic field for an entry of `JOB_FIELDS`."""
    entry = JOB_FIELDS[name]
    return Field(entry.default, description=entry.help, **entry.bounds)


class BatchJob(Conversions, BaseModel):
    """An input, a prompt, a model and an output: what a run does."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        # Else an error would repeat a key that was given instead of a block's name.
        hide_input_in_errors=True,
    )

    input: Annotated[PathField, _declared("input")]
    output: Annotated[PathField, _declared("output")]
    model: Annotated[ModelName, _declared("model")]
    prompt: str | None = _declared("prompt")
    system: str | None = _declared("system")
    messages: OptionalPathField = _declared("messages")
    same_prompt: bool = _declared("same_prompt")
    attachments: OptionalPathField = _declared("attachments")
    response_model: ResponseModel = _declared("response_model")
    endpoint: KnownEndpoint | None = _declared("endpoint")
    mode: Mode = _declared("mode")
    max_tokens: int | None = _declared("max_tokens")
    temperature: float | None = _declared("temperature")
    params: Annotated[dict[str, Any], AfterValidator(_sendable)] = _declared("params")
    overwrite: bool = _declared("overwrite")
    answer_prefix: str | None = _declared("answer_prefix")
    max_requests_per_batch: int | None = _declared("max_requests_per_batch")
    max_bytes_per_batch: int | None = _declared("max_bytes_per_batch")
    max_in_flight: int = _declared("max_in_flight")
    max_rounds: int = _declared("max_rounds")
    reask: int = _declared("reask")
    canary: int | None = _declared("canary")
    canary_success: float = _declared("canary_success")
    completion_window: str | None = _declared("completion_window")
    price_model: str | None = _declared("price_model")
    encoding: TextEncoding | None = _declared("encoding")
    limit: int | None = _declared("limit")
    cache_system: bool = _declared("cache_system")
    reuse: bool = _declared("reuse")
    max_cost_usd: float | None = _declared("max_cost_usd")
    finish_by_seconds: FinishBy = _declared("finish_by_seconds")
    realtime_concurrency: int = _declared("realtime_concurrency")
    metadata: dict[str, str] = _declared("metadata")
    credentials: BlockName | None = _declared("credentials")
    sandbox: bool = _declared("sandbox")

    @property
    def provider(self) -> str:
        """The provider that serves the model."""
        return split_model(self.model)[0]
