"""What is sent: one request, and what all requests of a job share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Endpoint", "Message", "Messages", "Mode", "RequestTemplate"]

Message = Mapping[str, Any]
"""`{"role": ..., "content": ...}`; content is text or a list of parts."""

Messages = Sequence[Message]

Mode = Literal["auto", "json_schema", "tools"]
"""How the answer is held to the schema; `auto` picks what the model knows."""

Endpoint = str
"""Path of an API, such as `/v1/responses`: one of a vendor's `endpoints`."""


class RequestTemplate(BaseModel):
    """What is the same in every request of a job; it is encoded once."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: str
    endpoint: str
    system: str | None = None
    """System text that is the same for all rows; one per row goes into messages."""
    answer_schema: dict[str, Any] | None = None
    """The source JSON Schema of the answer; None asks for plain text."""
    answer_name: str = "answer"
    """Names the schema or the tool: `[A-Za-z0-9_-]{1,64}`."""
    mode: Mode = "auto"
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = None
    params: dict[str, Any] = {}
    """More body parameters, sent as they are; they win over ours."""
    cache_system: bool = False
    base_model: str | None = None
    """The model behind a deployment's name; None: `model` is one."""

    @property
    def known_model(self) -> str:
        """The name by which prices and capabilities are known."""
        return self.base_model or self.model
