"""What the user asks for, declared once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ..models import Endpoint, Mode
from ..providers import split_model
from .answers.import_model import portable_model
from .messages import create_from_messages, parse_from_file, parse_from_string

__all__ = ["BatchJob"]

ResponseModel = Annotated[
    str | dict[str, Any] | type[BaseModel] | None,
    BeforeValidator(portable_model),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}
    ),
]
"""A class becomes an import string, or a JSON Schema where it has none."""


class BatchJob(BaseModel):
    """A table in, a prompt, a model, a typed table out."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        # A key that was given in place of its block's name is not repeated.
        hide_input_in_errors=True,
    )

    input: str = Field(
        description="Rows: a .csv, .parquet, .jsonl or .ndjson file, a glob of these,"
        " or an fsspec URL. May contain {date:%Y-%m-%d}."
    )
    output: str = Field(
        description="The table to write: .parquet, .csv or .jsonl; a path or an fsspec"
        " URL. May contain {date:%Y-%m-%d}."
    )
    model: str = Field(
        min_length=1,
        description="The provider's name of the model; `claude...` means Anthropic,"
        " `openai/...` and `anthropic/...` say it outright.",
    )
    prompt: str | None = Field(
        default=None, description="The user's turn, a Jinja2 template over the columns."
    )
    system: str | None = Field(
        default=None, description="The system text, a Jinja2 template over the columns."
    )
    messages: str | None = Field(
        default=None,
        description="A YAML or JSON file with a list of messages, instead of `prompt`.",
    )
    response_model: ResponseModel = Field(
        default=None,
        description="`package.module:Class`, `path/to/file.py:Class`, a JSON Schema or"
        " its path; without it the answer is plain text.",
    )
    endpoint: Endpoint | None = Field(
        default=None, description="The API's path; by default the provider's chat."
    )
    mode: Mode = Field(
        default="auto", description="How the answer is held to the response model."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens of one answer at most."
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="How much chance decides; 0 is least.",
    )
    params: dict[str, Any] = Field(
        default={}, description="More parameters of the request body, sent as they are."
    )
    overwrite: bool = Field(default=False, description="Replace an existing output.")
    answer_prefix: str | None = Field(
        default=None, description="Put before each answer field to name its column."
    )
    max_requests_per_batch: int | None = Field(
        default=None, ge=1, description="Fewer than the provider's limit."
    )
    max_bytes_per_batch: int | None = Field(
        default=None, ge=1, description="Fewer bytes than the provider's limit."
    )
    max_in_flight: int = Field(
        default=20, ge=1, description="Batches at the provider at the same time."
    )
    max_rounds: int = Field(
        default=2, ge=0, description="Further rounds for requests worth another try."
    )
    reask: int = Field(
        default=0, ge=0, description="Rounds in which an invalid answer is sent back."
    )
    canary: int | None = Field(
        default=None, ge=1, description="Send so many first rows alone."
    )
    canary_success: float = Field(
        default=0.9, ge=0, le=1, description="Share of the canary that must succeed."
    )
    cache_system: bool = Field(
        default=False, description="Mark the system text for Anthropic's prompt cache."
    )
    max_cost_usd: float | None = Field(
        default=None,
        gt=0,
        description="Create no batch that may pass it; in USD.",
    )
    metadata: dict[str, str] = Field(
        default={}, description="Pairs stored with each batch (OpenAI)."
    )
    credentials: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9-]+/[a-z0-9-]+$",
        description="The Prefect block with the key, `openai-credentials/NAME`,"
        " `anthropic-credentials/NAME` or `secret/NAME`; never a key. Without it the"
        " worker's environment holds the key.",
    )
    sandbox: bool = Field(
        default=False,
        description="Answer with synthetic data from a local server; costs nothing.",
    )

    @property
    def provider(self) -> str:
        """The provider that the model's name means."""
        return split_model(self.model)[0]

    create_from_messages = staticmethod(create_from_messages)
    parse_from_file = staticmethod(parse_from_file)
    parse_from_string = staticmethod(parse_from_string)
