"""The constant part of Gemini's requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError, SchemaError
from ...models import RequestTemplate
from ..lines import with_params
from ..schema.convert import convert
from ..schema.dialects import GEMINI, GEMINI_LOOSE
from .members import camel
from .record import EMBEDDINGS

__all__ = ["answer_schema", "constants"]

_OWN = frozenset({"model", "contents", "content", "systemInstruction"})
_SHAPE = ("responseSchema", "responseJsonSchema", "responseMimeType")


def answer_schema(source: dict[str, Any], mode: str) -> dict[str, Any]:
    """Convert the source schema of an answer.

    A function whose schema holds more than can be enforced is sent all the same: the
    model reads it, and the answer is validated later.
    """
    try:
        return convert(source, GEMINI)
    except SchemaError:
        if mode != "tools":
            raise
        return convert(source, GEMINI_LOOSE)


def constants(template: RequestTemplate) -> dict[str, Any]:
    """Return the members that all requests share, but for model and system.

    Raises:
        InputError: A parameter that cannot be set.
        SchemaError: The answer schema cannot be expressed.
    """
    params = _camel(template.params)
    if taken := sorted(_OWN & params.keys()):
        raise InputError(f"`--param {taken[0]}` cannot be set: the job decides it.")
    if template.endpoint == EMBEDDINGS:
        shaping = (template.answer_schema, template.max_tokens, template.temperature)
        if any(value is not None for value in shaping):
            raise InputError(
                "An embedding has no text: leave out the response model, `--max-tokens`"
                " and `--temperature`, or use another endpoint."
            )
        return params
    config: dict[str, Any] = {}
    if template.max_tokens is not None:
        config["maxOutputTokens"] = template.max_tokens
    if template.temperature is not None:
        config["temperature"] = template.temperature
    ours: dict[str, Any] = {}
    tools = list(params.pop("tools", ()))
    if template.answer_schema is not None and template.mode == "tools":
        tool = _tool(template.answer_name, template.answer_schema)
        tools.insert(0, {"functionDeclarations": [tool]})
        choice = {"mode": "ANY", "allowedFunctionNames": [template.answer_name]}
        ours["toolConfig"] = {"functionCallingConfig": choice}
    elif template.answer_schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = answer_schema(
            template.answer_schema, template.mode
        )
    given = params.get("generationConfig")
    if isinstance(given, dict):
        _refuse(given, has_schema=template.answer_schema is not None)
    if tools:
        ours["tools"] = tools
    return with_params({"generationConfig": config, **ours}, params)


def _camel(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as JSON spells them, which may be given in snake_case."""
    found = {camel(name): value for name, value in params.items()}
    config = found.get("generationConfig")
    if isinstance(config, Mapping):
        found["generationConfig"] = {camel(k): v for k, v in config.items()}
    return found


def _refuse(config: Mapping[str, Any], *, has_schema: bool) -> None:
    """Refuse what the job decides, or what buys answers without a place."""
    if "maxOutputTokens" in config:
        raise InputError(
            "`--param generationConfig.maxOutputTokens` cannot be set: use"
            " `--max-tokens`."
        )
    copies = config.get("candidateCount")
    if isinstance(copies, int) and copies > 1:
        raise InputError(
            "`--param generationConfig.candidateCount` above 1 buys answers for which"
            " the table has no place: leave it out, or repeat the rows."
        )
    for name in _SHAPE:
        if has_schema and name in config:
            raise InputError(
                f"`--param generationConfig.{name}` cannot be set beside a response"
                " model, which decides it: leave one of them out."
            )


def _tool(name: str, source: dict[str, Any]) -> dict[str, Any]:
    """Return the function whose arguments are the answer."""
    return {
        "name": name,
        "description": "Give the answer in this form.",
        "parametersJsonSchema": answer_schema(source, "tools"),
    }
