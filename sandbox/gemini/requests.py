"""Reads the requests of Gemini's batches as the API does, and refuses what it does.

An independent judge of the client's check in `providers/gemini/check.py`: it shares
neither code nor tables with it. Members may be given in snake_case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..answers.answer import Failure, Question, estimate_tokens
from .schema import schema_problem

__all__ = ["config_of", "read_request"]

_MAXIMA = {"temperature": 2, "topP": 1, "candidateCount": 8}
_MINIMA = {"temperature": 0, "topP": 0, "maxOutputTokens": 1, "topK": 1}
_ROLES = {"user": "user", "model": "assistant", None: "user"}


def read_request(request: dict[str, Any]) -> Question | Failure:
    """Return what a request asks for, or the error that it gets."""
    try:
        if problem := next(_problems(request), None):
            return Failure(400, problem)
        return _read(request)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        return Failure(400, f"Invalid JSON payload received: {exc}")


def config_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the generation config of a request, its names in camelCase."""
    config = request.get("generationConfig") or request.get("generation_config") or {}
    return {_camel(name): value for name, value in config.items()}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.title, rest))


def _read(request: dict[str, Any]) -> Question:
    config = config_of(request)
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    tool = _forced(request)
    if tool:
        schema = tool.get("parametersJsonSchema") or tool.get("parameters")
    messages = []
    system = request.get("systemInstruction") or request.get("system_instruction")
    if system:
        messages.append({"role": "system", "content": _chat_content(system)})
    for content in request["contents"]:
        role = _ROLES[content.get("role")]
        messages.append({"role": role, "content": _chat_content(content)})
    return Question(
        model=str(request.get("model", "")).removeprefix("models/"),
        messages=messages,
        schema=schema,
        tool=tool["name"] if tool else None,
        max_tokens=config.get("maxOutputTokens"),
        input_tokens=estimate_tokens(orjson.dumps(request)),
        temperature=config.get("temperature"),
    )


def _functions(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        function
        for tool in request.get("tools") or ()
        for function in tool.get("functionDeclarations") or ()
    ]


def _forced(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the function that must be called."""
    config = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if config.get("mode") != "ANY":
        return None
    functions = _functions(request)
    names = config.get("allowedFunctionNames") or [each["name"] for each in functions]
    return next(each for each in functions if each["name"] in names)


def _problems(request: dict[str, Any]) -> Iterator[str]:
    """Yield problems; only the first one is reliable."""
    contents = request.get("contents")
    if not isinstance(contents, list) or not contents:
        yield "* GenerateContentRequest.contents: contents is not specified"
    for number, content in enumerate(contents or ()):
        where = f"* GenerateContentRequest.contents[{number}]"
        if content.get("role") not in _ROLES:
            yield "Please use a valid role: user, model."
        if not content.get("parts"):
            yield f"{where}.parts: contents.parts must not be empty."
    yield from _config_problems(config_of(request))
    for function in _functions(request):
        found = function.get("parametersJsonSchema")
        if found is not None and (problem := schema_problem(found)):
            yield f"* tools.function_declarations.parameters_json_schema: {problem}"


def _config_problems(config: dict[str, Any]) -> Iterator[str]:
    where = "* GenerateContentRequest.generation_config"
    for name, most in _MAXIMA.items():
        if config.get(name, 0) > most:
            yield f"{where}.{name}: at most {most}"
    for name, least in _MINIMA.items():
        if config.get(name, least) < least:
            yield f"{where}.{name}: from {least}"
    schema = config.get("responseJsonSchema")
    if schema is None:
        return
    if config.get("responseMimeType") != "application/json":
        yield "A response schema needs the mime type application/json."
    if "responseSchema" in config:
        yield "Only one of response_schema and response_json_schema can be set."
    if problem := schema_problem(schema):
        yield f"{where}.response_json_schema: {problem}"


def _chat_content(content: dict[str, Any]) -> Any:
    parts: list[dict[str, Any]] = []
    for part in content["parts"]:
        if "text" in part:
            parts.append({"type": "text", "text": part["text"]})
        elif data := part.get("inlineData"):
            url = f"data:{data['mimeType']};base64,{data['data']}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        elif file := part.get("fileData"):
            parts.append({"type": "image_url", "image_url": {"url": file["fileUri"]}})
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts
