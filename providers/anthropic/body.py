"""The constant part of Anthropic's request parameters."""

from __future__ import annotations

from typing import Any

from ...errors import InputError, SchemaError
from ...models import RequestTemplate
from ..lines import with_params
from ..schema.convert import convert
from ..schema.dialects import ANTHROPIC, ANTHROPIC_LOOSE
from .models import refuses

__all__ = ["answer_schema", "constants"]

DEFAULT_MAX_TOKENS = 4096
"""Anthropic requires a limit; this one is ours."""

_OWN = frozenset({"model", "messages", "stream", "system"})


def answer_schema(
    source: dict[str, Any], mode: str, model: str
) -> tuple[dict[str, Any], bool]:
    """Convert the source schema of an answer.

    A tool that holds more than can be enforced is sent all the same and not
    `strict`: the model reads its schema, and the answer is validated later.

    Returns:
        The schema, and whether it is enforced.
    """
    if "json_schema" in refuses(model):
        return convert(source, ANTHROPIC_LOOSE), False
    try:
        return convert(source, ANTHROPIC), True
    except SchemaError:
        if mode != "tools":
            raise
        return convert(source, ANTHROPIC_LOOSE), False


def constants(template: RequestTemplate) -> dict[str, Any]:
    """Return the parameters that all requests share, but for model and system.

    Raises:
        InputError: A parameter that this model is known to refuse.
    """
    if taken := sorted(_OWN & template.params.keys()):
        raise InputError(f"`--param {taken[0]}` cannot be set: the job decides it.")
    refused = refuses(template.model)
    params: dict[str, Any] = {"max_tokens": template.max_tokens or DEFAULT_MAX_TOKENS}
    if template.temperature is not None:
        params["temperature"] = template.temperature
    if template.answer_schema is not None:
        mode = template.mode
        if mode in refused:
            raise InputError(
                f"Model {template.model!r} knows no `json_schema`: use `--mode tools`."
            )
        schema, strict = answer_schema(template.answer_schema, mode, template.model)
        if mode == "tools" or "json_schema" in refused:
            params |= _tool(template.answer_name, schema, strict=strict)
        else:
            answer = {"type": "json_schema", "schema": schema}
            params["output_config"] = {"format": answer}
        given = template.params.get("output_config")
        if isinstance(given, dict) and "format" in given:
            raise InputError(
                "`--param output_config.format` cannot be set beside a response model,"
                " which decides it: leave one of them out."
            )
    params = with_params(params, template.params)
    for name in ("temperature", "top_p", "top_k"):
        if name in refused and name in params:
            option = "--temperature" if name == "temperature" else f"--param {name}"
            raise InputError(
                f"Model {template.model!r} refuses `{name}`: leave out `{option}`."
            )
    return params


def _tool(name: str, schema: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    tool = {
        "name": name,
        "description": "Give the answer in this form.",
        "input_schema": schema,
    }
    choice = {"type": "tool", "name": name, "disable_parallel_tool_use": True}
    return {
        "tools": [{**tool, "strict": True} if strict else tool],
        "tool_choice": choice,
    }
