"""From a row to the messages that are sent: Jinja2, compiled once."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox
import yaml

from ...errors import InputError
from ...models import Messages
from .attachments import image_part, pdf_part

__all__ = ["Prompt", "is_constant", "read_template"]

_Render = Callable[[Mapping[str, Any]], Any]

_environment = jinja2.sandbox.SandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # a prompt is text, not HTML
    keep_trailing_newline=True,
)


class Prompt:
    """Renders one conversation per row; what no row changes is rendered once."""

    def __init__(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        own_messages: bool = False,
        folder: Path | None = None,
    ) -> None:
        """Compile the templates.

        Args:
            messages: Role and content each; content is text or a list of parts.
            own_messages: Append the row's own `messages`, as they are.
            folder: Where relative paths of images and files start.

        Raises:
            InputError: A template does not compile, or a constant file is missing.
        """
        self._own_messages = own_messages
        self._folder = folder or Path()
        self._renders = [self._compile(message) for message in messages]
        self.columns = None if own_messages else _plain_columns(messages)
        """The columns that texts are filled with, where nothing else differs by row."""

    def __call__(self, values: Mapping[str, Any]) -> Messages:
        """Return the conversation of one row.

        Raises:
            InputError: The row lacks a column; the text does not name the row.
        """
        try:
            messages = [render(values) for render in self._renders]
        except jinja2.UndefinedError as exc:
            raise InputError(
                f"the prompt cannot be filled: {exc.message}; the columns are"
                f" {', '.join(map(str, values))}"
            ) from exc
        except InputError:
            raise
        except Exception as exc:  # templates run the user's own expressions
            raise InputError(
                f"the prompt cannot be filled: {type(exc).__name__}: {exc}"
            ) from exc
        if self._own_messages:
            messages.extend(_own(values))
        return messages

    def _compile(self, item: Any) -> _Render:
        """Return a function from values to `item` with its templates filled."""
        if isinstance(item, str):
            return _compile_text(item)
        if isinstance(item, Mapping):
            for key, make in (("image", image_part), ("pdf", pdf_part)):
                if set(item) == {key}:
                    return self._compile_file(str(item[key]), make)
            if set(item) == {"text"}:
                item = {"type": "text", **item}
            fields = {key: self._compile(value) for key, value in item.items()}
            return lambda values: {key: fill(values) for key, fill in fields.items()}
        if isinstance(item, list):
            parts = [self._compile_part(part) for part in item]
            return lambda values: [part(values) for part in parts]
        return lambda _: item

    def _compile_part(self, part: Any) -> _Render:
        return self._compile({"text": part} if isinstance(part, str) else part)

    def _compile_file(
        self, template: str, make: Callable[[str, Path], dict[str, Any]]
    ) -> _Render:
        folder = self._folder
        if is_constant(template):
            part = make(_compile_text(template)({}), folder)
            return lambda _: part
        name = _compile_text(template)
        return lambda values: make(name(values), folder)


def is_constant(template: str) -> bool:
    """Whether no row changes the text.

    Raises:
        InputError: It does not compile.
    """
    try:
        return not jinja2.meta.find_undeclared_variables(_environment.parse(template))
    except jinja2.TemplateSyntaxError as exc:
        raise _syntax_error(template, exc) from exc


def read_template(path: Path) -> list[dict[str, Any]]:
    """Read a YAML or JSON file: a list of messages with templates inside.

    Raises:
        InputError: It is not there, not YAML, or not a list of messages.
    """
    try:
        messages = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc
    except (UnicodeDecodeError, yaml.YAMLError) as exc:
        text = " ".join(str(exc).split())
        raise InputError(f"{path} is not YAML or JSON: {text}.") from exc
    if not isinstance(messages, list) or not messages:
        raise InputError(f"{path} must be a list of messages (`role`, `content`).")
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or not {"role", "content"} <= set(message):
            raise InputError(
                f"{path}: message {number} needs `role` and `content`, for example"
                " {role: user, content: 'Classify: {{ email }}'}."
            )
    return messages


def _compile_text(text: str) -> _Render:
    try:
        template = _environment.from_string(text)
    except jinja2.TemplateSyntaxError as exc:
        raise _syntax_error(text, exc) from exc
    if is_constant(text):
        constant = template.render()
        return lambda _: constant
    if (parts := _plain_parts(text)) is not None:
        return _fill_plain(parts)
    # `row` reaches columns whose names are no identifiers: `row["First name"]`.
    return lambda values: template.render({"row": values, **values})


def _plain_columns(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """Return the columns in texts; None where rows change more than that."""
    names: dict[str, None] = {}
    for message in messages:
        content = message["content"]
        texts = content if isinstance(content, list) else [content]
        texts = [
            text["text"]
            if isinstance(text, Mapping) and set(text) in ({"text"}, {"type", "text"})
            else text
            for text in texts
        ]
        for text in texts:
            parts = _plain_parts(text) if isinstance(text, str) else None
            if parts is None:
                return None
            names |= {part: None for part, is_name in parts if is_name}
        for key, value in message.items():
            if key != "content" and not (isinstance(value, str) and "{" not in value):
                return None
    return tuple(names)


def _plain_parts(text: str) -> list[tuple[str, bool]] | None:
    """Return text and column names of a template of nothing else; else None.

    Such a template, and most are, is filled five times faster without Jinja2.
    """
    parts: list[tuple[str, bool]] = []
    for output in _environment.parse(text).body:
        if not isinstance(output, jinja2.nodes.Output):
            return None
        for node in output.nodes:
            if isinstance(node, jinja2.nodes.TemplateData):
                parts.append((node.data, False))
            elif isinstance(node, jinja2.nodes.Name) and node.name != "row":
                parts.append((node.name, True))
            else:
                return None
    return parts


def _fill_plain(parts: list[tuple[str, bool]]) -> _Render:
    def fill(values: Mapping[str, Any]) -> str:
        try:
            return "".join(
                [str(values[part]) if is_name else part for part, is_name in parts]
            )
        except KeyError as exc:
            name = exc.args[0]
            raise jinja2.UndefinedError(f"{name!r} is undefined") from exc

    return fill


def _syntax_error(text: str, exc: jinja2.TemplateSyntaxError) -> InputError:
    start = textwrap.shorten(text, 60, placeholder=" ...")
    return InputError(
        f"The prompt {start!r} is not a Jinja2 template: {exc.message} (its line"
        f" {exc.lineno})."
    )


def _own(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages = values.get("messages")
    if not isinstance(messages, list) or {*map(type, messages)} != {dict}:
        raise InputError(
            "there is no prompt, so the row needs `messages`, a list of"
            ' {"role": ..., "content": ...}; or give --prompt'
        )
    return messages
