"""`BatchJob`: what the user asks for."""

from __future__ import annotations

from typing import Annotated, Any

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
from .endpoints import known_endpoint
from .job_fields import JOB_FIELDS
from .messages import create_from_messages, parse_from_file, parse_from_string

__all__ = ["BatchJob"]

ResponseModel = Annotated[
    str | dict[str, Any] | type[BaseModel] | None,
    BeforeValidator(portable_model),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}
    ),
]
"""A class becomes an import string, or its JSON Schema if it cannot be imported."""

KnownEndpoint = Annotated[Endpoint, AfterValidator(known_endpoint)]
ModelName = Annotated[str, StringConstraints(min_length=1)]
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


class BatchJob(BaseModel):
    """An input, a prompt, a model and an output: what a run does."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        # Else an error would repeat a key that was given instead of a block's name.
        hide_input_in_errors=True,
    )

    input: Annotated[str, _declared("input")]
    output: Annotated[str, _declared("output")]
    model: Annotated[ModelName, _declared("model")]
    prompt: str | None = _declared("prompt")
    system: str | None = _declared("system")
    messages: str | None = _declared("messages")
    attachments: str | None = _declared("attachments")
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
    cache_system: bool = _declared("cache_system")
    max_cost_usd: float | None = _declared("max_cost_usd")
    metadata: dict[str, str] = _declared("metadata")
    credentials: BlockName | None = _declared("credentials")
    sandbox: bool = _declared("sandbox")

    @property
    def provider(self) -> str:
        """The provider that serves the model."""
        return split_model(self.model)[0]

    create_from_messages = staticmethod(create_from_messages)
    parse_from_file = staticmethod(parse_from_file)
    parse_from_string = staticmethod(parse_from_string)
