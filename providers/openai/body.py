"""The constant part of an OpenAI request body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ...models import RequestTemplate
from ..lines import with_params
from ..schema.convert import convert
from ..schema.dialects import OPENAI
from .endpoints import ENDPOINTS
from .models import refuses
from .record import Dialect

__all__ = ["constants"]

_OWN = frozenset({"model", "messages", "input", "stream"})


def _pick_mode(template: RequestTemplate, vendor: Dialect) -> str:
    """Return how the answer is shaped: as asked for, or the best way there is.

    Raises:
        InputError: The vendor does not know this way.
    """
    known = vendor.structured
    if not known:
        raise InputError(
            f"{vendor.title} has no structured output: leave out the response model."
        )
    if template.mode not in {"auto", *known}:
        raise InputError(
            f"{vendor.title} knows no `{template.mode}`: use `--mode {known[0]}`."
        )
    if template.mode != "auto":
        return template.mode
    refused = refuses(template.known_model)
    return next((way for way in known if way not in refused), known[-1])


def constants(
    template: RequestTemplate, vendor: Dialect, *, own_host: bool
) -> dict[str, Any]:
    """Return the body parameters that all requests share.

    Args:
        template: What the job asks for.
        vendor: Whose requests they are.
        own_host: Whether OpenAI itself answers, so that its models' refusals
            are known; other services keep the older parameter names.

    Raises:
        InputError: A parameter that this model or endpoint is known to refuse.
    """
    if taken := sorted(_OWN & template.params.keys()):
        raise InputError(f"`--param {taken[0]}` cannot be set: the job decides it.")
    copies = template.params.get("n")
    if isinstance(copies, int) and copies > 1:
        raise InputError(
            "`--param n` above 1 buys answers for which the table has no place: leave"
            " it out, or repeat the rows."
        )
    endpoint = ENDPOINTS[template.endpoint]
    shaping = (template.answer_schema, template.max_tokens, template.temperature)
    if not endpoint.has_text and any(value is not None for value in shaping):
        raise InputError(
            "An embedding has no text: leave out the response model, `--max-tokens` "
            "and `--temperature`, or use another endpoint."
        )
    is_known = own_host or template.base_model
    refused = refuses(template.known_model) if is_known else frozenset()
    body: dict[str, Any] = {}
    if template.max_tokens is not None:
        by_model = "max_completion_tokens" if "max_tokens" in refused else "max_tokens"
        name = endpoint.max_tokens or vendor.max_tokens or by_model
        body[name] = template.max_tokens
    if template.temperature is not None:
        body["temperature"] = template.temperature
    if template.answer_schema is not None:
        mode = _pick_mode(template, vendor)
        if mode in refused:
            raise InputError(
                f"Model {template.model!r} knows no `json_schema`: use `--mode tools`."
            )
        schema = convert(template.answer_schema, OPENAI)
        shape = _tool if mode == "tools" else _json_schema
        body |= shape(template.answer_name, schema, flat=endpoint.is_flat)
        _refuse_other_format(template.params)
    body = with_params(body, template.params)
    for name in ("temperature", "top_p", "max_tokens"):
        if name in refused and name in body:
            option = "--temperature" if name == "temperature" else f"--param {name}"
            raise InputError(
                f"Model {template.model!r} refuses `{name}`: leave out `{option}`."
            )
    return body


def _refuse_other_format(params: Mapping[str, Any]) -> None:
    text = params.get("text")
    inner = "text.format" if isinstance(text, Mapping) and "format" in text else None
    if name := "response_format" if "response_format" in params else inner:
        raise InputError(
            f"`--param {name}` cannot be set beside a response model, which decides it:"
            " leave one of them out."
        )


def _json_schema(name: str, schema: dict[str, Any], *, flat: bool) -> dict[str, Any]:
    named = {"name": name, "schema": schema, "strict": True}
    if flat:
        return {"text": {"format": {"type": "json_schema", **named}}}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _tool(name: str, schema: dict[str, Any], *, flat: bool) -> dict[str, Any]:
    named = {"name": name}
    tool = {
        **named,
        "description": "Give the answer in this form.",
        "parameters": schema,
        "strict": True,
    }
    return {
        "tools": [{"type": "function", **(tool if flat else {"function": tool})}],
        "tool_choice": {"type": "function", **(named if flat else {"function": named})},
        "parallel_tool_calls": False,
    }
