"""From a row to the messages that are sent for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2

from ...errors import InputError
from ...models import Messages
from ..bounds import refuse_fetched_parts
from .attachments import image_part, pdf_part
from .bounded import counted
from .files import read_messages
from .template import Fill, compile_text, is_constant, plain_parts
from .used import Used

__all__ = ["Prompt", "ResolvedPrompt", "resolve_prompt"]


class Prompt:
    """Fills the messages for each row; what no row changes is filled once."""

    def __init__(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        own_messages: bool = False,
        folder: Path | None = None,
        bounded: bool = False,
    ) -> None:
        """Compile the templates.

        Args:
            messages: Role and content each; content is text or a list of parts.
            own_messages: Append the `messages` of each row, unchanged.
            folder: Where relative paths of images and PDFs start; a path that a row
                fills in must stay inside.
            bounded: Refuse images and files that the provider fetches.

        Raises:
            InputError: A template does not compile, or a file that all rows share
                cannot be read.
        """
        self._own_messages = own_messages
        self._folder = folder or Path()
        self._bounded = bounded
        self._texts: list[str] = []
        with counted():
            self._fills = [self._compile(message) for message in messages]
        self.columns = None if own_messages else _plain_columns(messages)
        """The columns whose values are put into texts; None where rows change more
        than that, such as a role or an image."""

    @cached_property
    def used(self) -> Used:
        """What the prompt uses of a row."""
        own = ["{{ messages }}"] if self._own_messages else []
        return Used(self._texts + own)

    def __call__(self, values: Mapping[str, Any]) -> Messages:
        """Return the messages of one row.

        Raises:
            InputError: The row lacks a column; the text does not name the row.
        """
        try:
            with counted():
                messages = [fill(values) for fill in self._fills]
        except jinja2.UndefinedError as exc:
            way = self.used.misread(values, silently=False)
            raise InputError(
                f"the prompt cannot be filled: {exc.message}; the columns are"
                f" {', '.join(map(str, values))}" + (f". {way}" if way else "")
            ) from exc
        except InputError:
            raise
        except Exception as exc:  # templates run the user's own expressions
            raise InputError(
                f"the prompt cannot be filled: {type(exc).__name__}: {exc}"
            ) from exc
        if self._own_messages:
            messages.extend(_messages_of(values))
        if self._bounded:
            refuse_fetched_parts(messages)
        return messages

    def _compile(self, item: Any) -> Fill:
        """Return a function from a row to `item` with its templates filled."""
        if isinstance(item, str):
            self._texts.append(item)
            return compile_text(item)
        if isinstance(item, Mapping):
            for key, make in (("image", image_part), ("pdf", pdf_part)):
                if set(item) == {key}:
                    return self._compile_file(str(item[key]), make)
            if set(item) == {"text"}:
                item = {"type": "text", **item}
            fields = {key: self._compile(value) for key, value in item.items()}
            return lambda values: {key: fill(values) for key, fill in fields.items()}
        if isinstance(item, list):
            parts = [
                self._compile({"text": part} if isinstance(part, str) else part)
                for part in item
            ]
            return lambda values: [part(values) for part in parts]
        return lambda _: item

    def _compile_file(self, template: str, make: Callable[..., dict[str, Any]]) -> Fill:
        folder, name = self._folder, self._compile(template)
        if is_constant(template):
            part = make(name({}), folder, confined=False)
            return lambda _: part
        return lambda values: make(name(values), folder, confined=True)


@dataclass(frozen=True, kw_only=True)
class ResolvedPrompt:
    """The messages of a job, with the constant system text taken out of them."""

    system: str | None
    """A system text that is the same for every row."""
    messages: list[dict[str, Any]]
    own_messages: bool
    """Whether each row brings `messages` of its own."""
    folder: Path
    filled: Prompt
    """Fills all of the messages."""


def resolve_prompt(
    prompt: str | None,
    system: str | None,
    messages: str | None,
    attachments: str | None = None,
) -> ResolvedPrompt:
    """Read and compile what a job sends.

    Args:
        prompt: The template of the user's message, as text.
        system: The template of the system text, as text.
        messages: The path of a messages file, instead of both.
        attachments: Where its images and PDFs are; None: in its own folder.

    Raises:
        InputError: Both were given, or a template does not compile.
    """
    if attachments is not None and messages is None:
        raise InputError(
            "--attachments is the folder of the files in --messages; give both."
        )
    if messages is not None:
        if prompt is not None or system is not None:
            raise InputError(
                "Give either --messages or --prompt and --system; a messages file can"
                " hold a system message."
            )
        path = Path(messages).absolute()
        template, own = read_messages(path), False
        folder = Path(attachments).absolute() if attachments else path.parent
    else:
        given = (("system", system), ("user", prompt))
        template = [
            {"role": role, "content": text} for role, text in given if text is not None
        ]
        folder, own = Path.cwd(), prompt is None
    filled = Prompt(template, own_messages=own, folder=folder)
    constant = None
    if template and (len(template) > 1 or own):
        constant = _constant_system(template[0])
    return ResolvedPrompt(
        system=constant,
        messages=template if constant is None else template[1:],
        own_messages=own,
        folder=folder,
        filled=filled,
    )


def _constant_system(message: Mapping[str, Any]) -> str | None:
    """Return the text of a system message that no row changes, else None."""
    content = message["content"]
    is_plain = set(message) == {"role", "content"} and isinstance(content, str)
    if is_plain and message["role"] == "system" and is_constant(content):
        return str(compile_text(content)({}))
    return None


def _plain_columns(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """Return the columns in the texts; None where rows change more than that."""
    names: dict[str, None] = {}
    for message in messages:
        content = message["content"]
        for part in content if isinstance(content, list) else [content]:
            is_text = isinstance(part, Mapping) and {*part} <= {"text", "type"}
            text = part.get("text") if is_text else part
            parts = plain_parts(text) if isinstance(text, str) else None
            if parts is None:
                return None
            names |= {part: None for part, is_name in parts if is_name}
        for key, value in message.items():
            if key != "content" and not (isinstance(value, str) and "{" not in value):
                return None
    return tuple(names)


def _messages_of(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages = values.get("messages")
    if not isinstance(messages, list) or {*map(type, messages)} != {dict}:
        raise InputError(
            "there is no prompt, so the row needs `messages`, a list of"
            ' {"role": ..., "content": ...}; or give --prompt'
        )
    return messages
