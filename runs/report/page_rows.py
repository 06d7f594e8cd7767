"""The rows that a page shows, with what was asked and answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ...data import observed
from ...data.columns import value_text
from ...data.custom_id import id_in, parse_row_id
from ...data.prices import price_of
from ...data.requests.conversation import conversation
from ...data.results.reader import read_blocks
from ...data.results.row_ids import RowIds
from ...data.rows.kept import open_chunks
from ...data.tables.formats import part_name
from ...data.tables.parts import read_part
from ...models import BatchResult, Outcome
from ..directory.records import InputShardPlan, Plan
from ..directory.result_files import result_files
from ..directory.run import Run, RunState
from ..directory.shard import Shard
from .embed import fitted
from .sample import Histogram, Sample

__all__ = ["MOST_ROWS", "PageRows"]

MOST_ROWS = 100_000
_ROWS_BYTES = 64 << 20
"""Of all rows together, about: a browser takes several times as much memory."""
_ROW_BYTES = (640, 64 << 10)
"""A row gets its share of them, within these bounds."""

_TOKENS = ("_input_tokens", "_output_tokens")
_NUMBERS = (*_TOKENS, "_cost_usd")
_USD = 1e-7


@dataclass(slots=True)
class _Shown:
    row: int
    custom_id: str
    data: bytes
    """A JSON list, to which the prompt is appended."""
    is_cut: bool
    prompt: bytes = b",null]"


class PageRows:
    """Counts of all rows, and a sample of at most 100,000.

    Of a run that is done they come from the parts of its table; else from the results
    that are on disk, before the response model checked any answer.
    """

    def __init__(self, run: Run, state: RunState) -> None:
        """Read results and requests, about 30 microseconds a row."""
        self.outcomes: Counter[str] = Counter()
        self.histograms = {
            name: Histogram() if name in _TOKENS else Histogram(_USD)
            for name in _NUMBERS
        }
        self.columns: Sequence[str] = ()
        """Names of the values that an answer has."""
        self._run = run
        self._sample: Sample[_Shown] = Sample(MOST_ROWS)
        rows = state.plan.rows if state.plan else 0
        share = _ROWS_BYTES // max(1, min(rows, MOST_ROWS))
        self._half_bytes = min(max(share, _ROW_BYTES[0]), _ROW_BYTES[1]) // 2
        if state.plan is not None:
            self._read(state, state.plan)
        self._shown = sorted(self._sample.items(), key=lambda shown: shown.row)
        if state.plan is not None:
            self._add_prompts(state, state.plan)

    def __len__(self) -> int:
        """Return how many rows are shown."""
        return len(self._shown)

    @property
    def cut(self) -> int:
        """How many of the shown rows have a text that was cut."""
        return sum(shown.is_cut for shown in self._shown)

    def __iter__(self) -> Iterator[bytes]:
        """Yield each shown row as a JSON list for the page, in their order."""
        for shown in self._shown:
            yield shown.data + shown.prompt

    def _read(self, state: RunState, plan: Plan) -> None:
        name = part_name(self._run.job.job.output)
        parts = [f"{each.path}/{name}" for each in plan.shards]
        if state.report is None or not state.names.issuperset(parts):
            self.columns = ("answer",)
            for each in plan.shards:
                self._read_results(self._run.shard(each.path), plan.nonce, each)
            return
        for each, part in zip(plan.shards, parts, strict=True):
            self._read_part(part, plan, each)

    def _read_part(self, part: str, plan: Plan, shard: InputShardPlan) -> None:
        row = shard.first_row
        with self._run.directory.local(part) as path:
            for block in read_part(path):
                if not self.columns:
                    own = {*self._own_names(plan, is_table=path.suffix != ".jsonl")}
                    ours = block.names[: [*block.names].index("_outcome")]
                    self.columns = [name for name in ours if name not in own]
                outcomes = block.column("_outcome")
                self._count(outcomes, [block.column(name) for name in _NUMBERS])
                taken = self._taken(outcomes)
                names = ("_custom_id", *_NUMBERS, "_error", "_raw", *self.columns)
                columns = [block.column(name, taken) for name in names]
                for index, values in zip(
                    taken, zip(*columns, strict=True), strict=True
                ):
                    shown = self._row(row + index, outcomes[index], *values)
                    self._add(shown, outcomes[index])
                row += len(outcomes)

    def _own_names(self, plan: Plan, *, is_table: bool) -> Sequence[str]:
        """Return the columns of the input; without a table, the first row's keys."""
        first = plan.shards[0]
        columns = observed.merge(each.columns for each in plan.shards)
        with self._run.directory.local(f"{first.path}/{first.rows_name}") as path:
            chunks = open_chunks(path, columns)
            if is_table:
                return chunks.names
            return [*msgspec.json.decode(next(iter(next(iter(chunks)).objects())))]

    def _read_results(self, shard: Shard, nonce: str, plan: InputShardPlan) -> None:
        """Read what is known so far: of each row the first success, or its last."""
        run = self._run
        best: dict[int, tuple[BatchResult, _Shown]] = {}
        ids = RowIds(nonce, plan.first_row, plan.rows)
        for _, name, _ in result_files(run, shard):
            if not run.directory.exists(name):
                continue
            with run.directory.local(name) as path, path.open("rb") as file:
                for results, _ in read_blocks(file, run.format):
                    rows, _ = ids.find([result.custom_id for result in results])
                    for row, result in zip(rows, results, strict=True):
                        is_known = row in best and _succeeded(best[row][0].outcome)
                        if row >= 0 and not is_known:
                            best[row] = self._of_result(plan.first_row + row, result)
        found = [best[row] for row in sorted(best)]
        outcomes = [str(result.outcome) for result, _ in found]
        numbers = [self._numbers(result) for result, _ in found]
        self._count(outcomes, [*zip(*numbers, strict=True)])
        for index in self._taken(outcomes):
            self._add(found[index][1], outcomes[index])

    def _of_result(self, row: int, result: BatchResult) -> tuple[BatchResult, _Shown]:
        answer = result.text if result.text is not None else result.data
        shown = self._row(
            row,
            str(result.outcome),
            result.custom_id or "",
            *self._numbers(result),
            result.error,
            None,
            answer,
        )
        result.text = result.data = None  # which may be long
        return result, shown

    def _numbers(self, result: BatchResult) -> tuple[Any, Any, Any]:
        usage, template = result.usage, self._run.job.template
        if usage is None:
            return None, None, None
        cost = price_of(self._run.job.provider, template.known_model)(usage)
        return usage.input_tokens, usage.output_tokens, cost

    def _count(self, outcomes: Sequence[str], numbers: Sequence[Sequence[Any]]) -> None:
        self.outcomes.update(outcomes)
        for histogram, values in zip(self.histograms.values(), numbers, strict=False):
            for value in values:
                if value is not None and value != "":
                    histogram.add(float(value))

    def _taken(self, outcomes: Sequence[str]) -> list[int]:
        return [
            index
            for index, outcome in enumerate(outcomes)
            if self._sample.takes(succeeded=_succeeded(outcome))
        ]

    def _add(self, shown: _Shown, outcome: str) -> None:
        self._sample.add(shown, succeeded=_succeeded(outcome))

    def _row(self, row: int, outcome: str, custom_id: str, *values: Any) -> _Shown:
        texts = [None if each is None else value_text(each) for each in values]
        data, is_cut = fitted([outcome, custom_id, *texts], self._half_bytes)
        return _Shown(row, custom_id, b"[%d,%b" % (row, data[1:-1]), is_cut)

    def _add_prompts(self, state: RunState, plan: Plan) -> None:
        """Read what was asked for each shown row, in the round of its result."""
        wanted: dict[str, dict[bytes, list[_Shown]]] = {}
        for shown in self._shown:
            row, round_ = parse_row_id(shown.custom_id, plan.nonce) or (shown.row, 0)
            if not plan.senders:
                continue
            place = f"rounds/{round_}" if round_ else plan.sender_of(row).path
            rows = wanted.setdefault(place, {})
            rows.setdefault(shown.custom_id.encode(), []).append(shown)
        for path in state.shards:
            name = f"{path}/requests.jsonl"
            asked = wanted.get(path) or wanted.get(path.rpartition("/")[0])
            if asked and name in state.names:
                self._read_requests(name, plan.nonce, asked)

    def _read_requests(
        self, name: str, nonce: str, rows: dict[bytes, list[_Shown]]
    ) -> None:
        system = ("system", self._run.job.template.system)
        with self._run.directory.local(name) as path, path.open("rb") as lines:
            for line in lines:
                if (shown := rows.pop(id_in(line, nonce), None)) is not None:
                    messages = [
                        [role, None if (role, text) == system else text]
                        for role, text in conversation(line)
                    ]
                    data, is_cut = fitted(messages, self._half_bytes)
                    # A copy takes a quarter of the memory.
                    prompt = b",%b]" % data
                    for each in shown:
                        each.prompt = prompt
                        each.is_cut |= is_cut
                    if not rows:
                        return


def _succeeded(outcome: str) -> bool:
    return outcome == Outcome.SUCCEEDED
