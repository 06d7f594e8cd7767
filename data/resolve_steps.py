"""The steps from a job as given to a job that stands by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..errors import InputError
from ..models import Endpoint, Usage
from ..providers import get_vendor, vendors
from .answers.response_model import load_answer
from .answers.schemas import read_schema
from .columns import META
from .prices import price
from .prompts.template import Prompt, is_constant, read_template
from .rows.source import is_url

__all__ = [
    "ResolvedPrompt",
    "absolute",
    "answer_columns",
    "answer_schema",
    "base_url_for",
    "check_budget",
    "endpoint_for",
    "refuse_collisions",
    "resolve_prompt",
]


@dataclass(frozen=True)
class ResolvedPrompt:
    """What is said to the model, split into what rows change and what they do not."""

    system: str | None
    messages: list[dict[str, Any]] = field(default_factory=list)
    own_messages: bool = False
    folder: Path = field(default_factory=Path.cwd)


def absolute(location: str) -> str:
    """Return a path that holds from any working directory; URLs stay as they are."""
    return location if is_url(location) else str(Path(location).absolute())


def base_url_for(provider: str, base_url: str | None, *, synthetic: bool) -> str:
    """Return where requests go: as given, or as the SDK would read it.

    A sandbox run ignores the environment; its server has no fixed address.
    """
    vendor = get_vendor(provider)
    if base_url is None and not synthetic:
        base_url = os.environ.get(vendor.base_url_variable)
    return base_url or vendor.base_url


def endpoint_for(provider: str, model: str, endpoint: Endpoint | None) -> str:
    """Return the endpoint that a model is reached at.

    Raises:
        InputError: The provider has no such endpoint.
    """
    vendor = get_vendor(provider)
    if endpoint is None:
        return vendor.endpoint_for(model)
    if endpoint in vendor.endpoints:
        return endpoint
    others = [other.name for other in vendors() if endpoint in other.endpoints]
    hint = f", or name the model `{others[0]}/...`" if others else ""
    raise InputError(f"{vendor.title} has no endpoint {endpoint}; drop it{hint}.")


def answer_schema(
    response_model: str | dict[str, Any] | type[BaseModel] | None,
) -> tuple[dict[str, Any] | None, str | dict[str, Any] | None, str]:
    """Return the source schema, the model as it is stored, and a name for it."""
    if isinstance(response_model, str) and response_model.endswith(".json"):
        response_model = read_schema(Path(response_model))
    answer = load_answer(response_model)
    if answer.schema is None:
        return None, None, "answer"
    if isinstance(response_model, dict):
        title = str(response_model.get("title") or "answer")
        stored: str | dict[str, Any] = response_model
    else:
        text = str(response_model)
        source, _, title = text.rpartition(":")
        stored = f"{absolute(source)}:{title}" if source.endswith(".py") else text
    return answer.schema, stored, re.sub(r"[^A-Za-z0-9_-]", "_", title)[:64]


def resolve_prompt(
    prompt: str | None, system: str | None, messages: str | None
) -> ResolvedPrompt:
    """Compile what is said; a constant system text is told from one per row.

    Raises:
        InputError: Two ways at once, or a template that does not compile.
    """
    if messages is not None:
        if prompt is not None or system is not None:
            raise InputError(
                "Give either --messages or --prompt and --system; a messages file can"
                " hold a system message."
            )
        path = Path(messages).absolute()
        template, folder, own = read_template(path), path.parent, False
    else:
        template, folder, own = [], Path.cwd(), prompt is None
        if system is not None:
            template.append({"role": "system", "content": system})
        if prompt is not None:
            template.append({"role": "user", "content": prompt})
    Prompt(template, folder=folder)
    constant = None
    if len(template) > 1 or own:
        first = template[0] if template else {}
        content = first.get("content")
        if (
            first.get("role") == "system"
            and set(first) == {"role", "content"}
            and isinstance(content, str)
            and is_constant(content)
        ):
            constant = Prompt([first])({})[0]["content"]
            template = template[1:]
    return ResolvedPrompt(constant, template, own, folder)


def answer_columns(
    names: Iterable[str], prefix: str | None, taken: Iterable[str], where: str
) -> frozenset[str]:
    """Return how the answer's fields are called in the output.

    Raises:
        InputError: An input column or one of ours is called so.
    """
    columns = frozenset((prefix or "") + name for name in names)
    refuse_collisions(columns, [*taken, *META], where)
    return columns


def refuse_collisions(
    columns: frozenset[str], taken: Iterable[str], where: str
) -> None:
    """Refuse an answer's column that is also an input's.

    Raises:
        InputError: It names the column and the way out.
    """
    for name in taken:
        if name in columns:
            raise InputError(
                f"{where} has a column {name!r}, and so has the answer; put something"
                " before the answer's names with --answer-prefix."
            )


def check_budget(
    provider: str, model: str, max_tokens: int | None, max_cost_usd: float | None
) -> None:
    """Refuse a cost limit that cannot be kept.

    Raises:
        InputError: Without `max_tokens`, or with a model of unknown price.
    """
    if max_cost_usd is None:
        return
    if max_tokens is None:
        raise InputError(
            "--max-cost-usd needs --max-tokens: only that bounds what an answer costs."
        )
    if price(provider, model, Usage(input_tokens=1, output_tokens=1)) is None:
        raise InputError(
            f"The price of {model!r} is unknown, so --max-cost-usd cannot be kept; drop"
            " it, or take a model with a known price."
        )
