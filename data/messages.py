"""Requests from messages, and answers from result lines, without a run."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, overload

import orjson
from pydantic import BaseModel

from ..errors import InputError
from ..models import Answer, Endpoint, Messages, Mode, Outcome, RequestTemplate
from ..providers import get_format, split_model
from .answers.load import load_answer, resolve_response_model
from .answers.response_model import AnswerReader
from .collector import paused_collector
from .endpoints import endpoint_for
from .files import new_output
from .results.reader import BLOCK_BYTES, ResultBlock, read_results

__all__ = ["Conversions"]

_BUFFER_BYTES = 1 << 20

Model = TypeVar("Model", bound=BaseModel)


class Conversions:
    """The functions of `BatchJob` that need no job."""

    @overload
    @staticmethod
    def create_from_messages(
        messages: Iterable[Messages],
        model: str,
        response_model: type[BaseModel] | str | dict[str, Any] | None = None,
        *,
        file_path: None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        custom_id: Callable[[int], str] | None = None,
        mode: Mode = "auto",
        endpoint: Endpoint | None = None,
        **params: Any,
    ) -> Iterator[dict[str, Any]]: ...

    @overload
    @staticmethod
    def create_from_messages(
        messages: Iterable[Messages],
        model: str,
        response_model: type[BaseModel] | str | dict[str, Any] | None = None,
        *,
        file_path: str | Path,
        max_tokens: int | None = None,
        temperature: float | None = None,
        custom_id: Callable[[int], str] | None = None,
        mode: Mode = "auto",
        endpoint: Endpoint | None = None,
        **params: Any,
    ) -> Path: ...

    @staticmethod
    def create_from_messages(  # noqa: PLR0913 - a request's parameters
        messages: Iterable[Messages],
        model: str,
        response_model: type[BaseModel] | str | dict[str, Any] | None = None,
        *,
        file_path: str | Path | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        custom_id: Callable[[int], str] | None = None,
        mode: Mode = "auto",
        endpoint: Endpoint | None = None,
        **params: Any,
    ) -> Iterator[dict[str, Any]] | Path:
        """Make one batch request of each conversation, lazily, from any iterable.

        Args:
            messages: Conversations: lists of `{"role": ..., "content": ...}`.
            model: `claude...` makes Anthropic requests, all others OpenAI's.
            response_model: What each answer must be; None asks for plain text.
            file_path: Write the requests to this file, whole or not at all.
            max_tokens: Limit of one answer.
            temperature: Sampling temperature, as the provider defines it.
            custom_id: From the 0-based number of a request to its `custom_id`; by
                default `row-000000000`, `row-000000001` and so on.
            mode: How the answer is made to fit the response model.
            endpoint: The API's path; by default that of the provider's chat.
            **params: More parameters of the request body.

        Returns:
            One dict for each request, or the path of the file.

        Raises:
            InputError: A message that cannot be sent.
            SchemaError: The provider cannot express the response model.
        """
        provider, name = split_model(model)
        answer = resolve_response_model(response_model)
        template = RequestTemplate(
            model=name,
            endpoint=endpoint_for(provider, name, endpoint),
            answer_schema=answer.schema,
            answer_name=answer.name,
            mode=mode,
            max_tokens=max_tokens,
            temperature=temperature,
            params=params,
        )
        encode = get_format(provider).encoder(template)
        name_of = custom_id or "row-%09d".__mod__
        lines = (
            encode(name_of(number), conversation)
            for number, conversation in enumerate(messages)
        )
        if file_path is None:
            return (orjson.loads(line) for line in lines)
        with (
            new_output(str(file_path)) as temporary,
            temporary.open("wb", buffering=_BUFFER_BYTES) as file,
        ):
            file.writelines(lines)
        return Path(file_path)

    @staticmethod
    def parse_from_file(
        path: str | Path, response_model: type[Model]
    ) -> tuple[list[Model], list[dict[str, Any] | str]]:
        """Parse a file of result lines; the provider of each is told by its shape.

        Returns:
            The answers that are valid, and the result lines of all others; each in
            file order. A line that is no JSON object stays text.

        Raises:
            InputError: There is no such file.
        """
        reader = load_answer(response_model)
        with _opened(Path(path)) as file:
            return _split(file, reader)

    @staticmethod
    def parse_from_string(
        text: str | bytes, response_model: type[Model]
    ) -> tuple[list[Model], list[dict[str, Any] | str]]:
        """Parse result lines in memory, as `parse_from_file` does."""
        data = text.encode() if isinstance(text, str) else text
        return _split(io.BytesIO(data), load_answer(response_model))

    @overload
    @staticmethod
    def results_from_file(
        path: str | Path, response_model: type[Model]
    ) -> Iterator[Answer[Model]]: ...

    @overload
    @staticmethod
    def results_from_file(
        path: str | Path, response_model: str | dict[str, Any] | None = None
    ) -> Iterator[Answer[Any]]: ...

    @staticmethod
    def results_from_file(
        path: str | Path,
        response_model: type[BaseModel] | str | dict[str, Any] | None = None,
    ) -> Iterator[Answer[Any]]:
        """Yield what became of each request, in file order and in bounded memory.

        A line that is no result of a known provider is an error without an ID.

        Args:
            path: Result lines; the provider of each is told by its shape.
            response_model: What each answer must be; None takes its text (of an
                embedding, its vector).

        Raises:
            InputError: There is no such file.
        """
        reader = load_answer(response_model)
        with _opened(Path(path)) as file:
            for block in read_results(file):
                yield from _answers(block, reader)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb", buffering=BLOCK_BYTES) as file:
            yield file
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.") from exc


def _answers(block: ResultBlock, reader: AnswerReader) -> Iterator[Answer[Any]]:
    if block.fmt is None:
        for number, _ in enumerate(block.lines, block.first_line):
            problem = f"line {number} is no result of a known provider"
            yield Answer(None, Outcome.ERRORED, None, problem, None)
        return
    values, errors = reader.parse(block.results, block.fmt)
    for index, (result, value) in enumerate(zip(block.results, values, strict=True)):
        error = errors.get(index)
        outcome = result.outcome
        if error and outcome is Outcome.SUCCEEDED:
            outcome = Outcome.INVALID
        yield Answer(result.custom_id, outcome, value, error, result.usage)


def _split(file: BinaryIO, reader: AnswerReader) -> tuple[list[Any], list[Any]]:
    parsed: list[Any] = []
    unparsed: list[Any] = []
    with paused_collector():
        for block in read_results(file):
            if block.fmt is None:
                unparsed += map(_as_json, block.lines)
                continue
            values, errors = reader.parse(block.results, block.fmt)
            if errors:
                unparsed += [_as_json(block.lines[index]) for index in sorted(errors)]
                for index in sorted(errors, reverse=True):
                    del values[index]
            parsed += values
    return parsed, unparsed


def _as_json(line: bytes) -> dict[str, Any] | str:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else line.strip().decode("utf-8", "replace")
