"""The constant part of Anthropic's request parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import InputError
from ..models import RequestTemplate
from ._anthropic_models import refuses
from ._lines import deep_merge

__all__ = ["DEFAULT_MAX_TOKENS", "constants", "pick_mode"]

DEFAULT_MAX_TOKENS = 4096
"""Anthropic requires a limit; this one is ours."""

_OWN = frozenset({"model", "messages", "stream", "system"})

Convert = Callable[[dict[str, Any], str, str], dict[str, Any]]
"""`(source, mode, model)` to a schema in Anthropic's dialect."""


def pick_mode(mode: str, model: str) -> str:
    """Return `json_schema`, or `tools` for a model that knows no other way."""
    if mode != "auto":
        return mode
    return "tools" if "json_schema" in refuses(model) else "json_schema"


def constants(template: RequestTemplate, convert: Convert) -> dict[str, Any]:
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
        mode = pick_mode(template.mode, template.model)
        if mode in refused:
            raise InputError(
                f"Model {template.model!r} knows no `json_schema`: use `--mode tools`."
            )
        schema = convert(template.answer_schema, mode, template.model)
        if mode == "tools":
            params |= _tool(template.answer_name, schema, strict=_strict(refused))
        else:
            answer = {"type": "json_schema", "schema": schema}
            params["output_config"] = {"format": answer}
    params = deep_merge(params, template.params)
    for name in ("temperature", "top_p", "top_k"):
        if name in refused and name in params:
            option = f"--param {name}" if name.startswith("top") else f"--{name}"
            raise InputError(
                f"Model {template.model!r} refuses `{name}`: leave out `{option}`."
            )
    return params


def _strict(refused: frozenset[str]) -> bool:
    return "json_schema" not in refused


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
