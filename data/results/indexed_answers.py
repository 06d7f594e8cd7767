"""The answers of a large shard, read from where they stand when it is their turn."""

from __future__ import annotations

from ...models import Anomaly
from ..answers.response_model import Fields
from ..tables.writers import Writer, lay_out
from .merge import Reading, merge
from .piles import Laid
from .result_index import ResultIndex
from .row_meta import RowMeta, RowMetas
from .tally import TallyCounter

__all__ = ["IndexedAnswers"]

_BLOCK_ROWS = 256


class IndexedAnswers:
    """Answers of rows, in pieces, because they may be large where rows are small."""

    def __init__(self, index: ResultIndex, reading: Reading, writer: Writer) -> None:
        self.counter = TallyCounter()
        self._index = index
        self._reading = reading
        self._writer = writer

    @property
    def foreign(self) -> Anomaly:
        """Lines that answer none of our rows."""
        return self._index.foreign

    def block(self, row: int, most: int) -> Laid:
        """Return what is written for some rows, at least one, at most `most`."""
        answers: list[Fields] = []
        meta = RowMetas.of([])
        size = 0
        while len(meta) < most and size <= self._writer.block_bytes:
            left = min(_BLOCK_ROWS, most - len(meta))
            more, beside, line_bytes = self._some(row + len(meta), left)
            answers += more
            meta.extend(beside)
            size += line_bytes
        return lay_out(self._writer, answers, meta)

    def _some(self, row: int, most: int) -> tuple[list[Fields], RowMetas, int]:
        found = self._index.block(row, most)
        read, beside = self._reading.read(found.results, found.batch_ids)
        each = [*beside]
        answers: list[Fields] = []
        meta: list[RowMeta] = []
        sent: list[int] = []
        start = 0
        for index, count in enumerate(found.counts):
            if count:
                tries = each[start : start + count]
                chosen, merged, distinct = merge(tries, self.counter)
                answers.append(read[start + chosen])
                meta.append(merged)
                sent += [start + number for number in distinct]
            else:
                answers.append(None)
                meta.append(self._reading.missing(row + index, self.counter))
            start += count
        for number, counted in enumerate(meta, row):
            self.counter.fail(number, counted)
        billed = RowMetas.of(each[number] for number in sent)
        self.counter.bill([found.results[number] for number in sent], billed)
        columns = RowMetas.of(meta)
        self.counter.count(columns)
        return answers, columns, found.size_bytes
