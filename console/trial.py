"""What `try` shows: prompts and answers side by side, tokens, and costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import visible_line
from ..models import Outcome
from ..runs.trial import Trial, TriedRow
from .exits import print_text
from .prompts import prompt_lines, shown_part
from .tables import Fact, print_facts
from .views import dollars

__all__ = ["print_trial"]


def print_trial(trial: Trial, requests: int | None) -> None:
    """Print what was answered, and what all rows cost as a batch, if they are known."""
    if sys.stdout.isatty():
        for row in trial.rows:
            Console().print(_side_by_side(trial, row))
    else:
        for row in trial.rows:
            print_text(row.prompt.row)
            for line in (*prompt_lines(row.prompt), *_answer(trial, row)):
                print_text(f"  {line}")
            print_text()
    if trial.rows:
        print_facts([*_facts(trial, requests)])


def _side_by_side(trial: Trial, row: TriedRow) -> Table:
    place = Text(visible_line(row.prompt.row))
    table = Table(expand=True, title=place, title_justify="left")
    for name in ("Prompt", "Answer"):
        table.add_column(name, ratio=1, overflow="fold")
    sides = prompt_lines(row.prompt), _answer(trial, row)
    table.add_row(*(Text("\n".join(map(visible_line, lines))) for lines in sides))
    return table


def _answer(trial: Trial, row: TriedRow) -> Iterator[str]:
    """Yield the answer of a row, or why it has none, and its tokens."""
    values = row.values
    if values["_outcome"] == Outcome.SUCCEEDED:
        yield "answer:"
        for name in trial.answer_columns:
            value = values[name]
            text = value if isinstance(value, str) else _json(value)
            first, *more = shown_part(text).splitlines()
            yield f"  {name}: {first}"
            yield from (f"    {line}" for line in more)
    else:
        yield f"{values['_outcome']}: {values['_error']}"
        if raw := values["_raw"]:
            yield from (f"  {line}" for line in shown_part(raw).splitlines())
    yield f"({_tokens(values['_input_tokens'], values['_output_tokens'])})"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _tokens(inputs: int | None, outputs: int | None) -> str:
    if inputs is None or outputs is None:
        return "tokens unknown"
    return f"{inputs:,} tokens in, {outputs:,} out"


def _facts(trial: Trial, requests: int | None) -> Iterator[Fact]:
    tally = trial.tally
    yield "Rows", f"{len(trial.rows):,}"
    for outcome, count in tally.outcomes.items():
        if outcome is not Outcome.MISSING:
            yield f"  {outcome}", f"{count:,}"
    yield "Tokens", f"{tally.input_tokens:,} in, {tally.output_tokens:,} out"
    free = "nothing; at the list price " if trial.synthetic else ""
    yield "Cost", f"{free}{dollars(tally.cost_usd)}"
    if requests is not None:
        one = trial.batch_usd
        about = "" if one is None else "about "
        cost = dollars(None if one is None else one * requests)
        yield f"All {requests:,} rows", f"{about}{cost} as a batch, if they are alike"
