"""What is set aside or put right: rows and values as JSON Lines in the output bucket."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.all_or_nothing import AllOrNothing
from pipeline.buffers import int64_array
from pipeline.constants import ROW_NUMBERS_SUFFIX
from pipeline.findings import rule_counts
from pipeline.masking import masked_repairs
from pipeline.plan import ROW_NUMBER
from pipeline.record_text import lines_of, record_lines, text_of
from pipeline.rejected_rows import RejectedRows
from pipeline.repairs import MAX_SAMPLE
from pipeline.staging import StagedWriter
from pipeline.uploads import ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.findings import Reject, Repair
    from pipeline.plan import Plan
    from pipeline.storage import StoredObject


class RecordWriter(AllOrNothing):
    """Records as JSON Lines; no object where there are none."""

    def __init__(self, bucket: str, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._sink: ObjectWriter | None = None

    def append(self, lines: bytes | memoryview) -> None:
        """Append whole lines; nothing begins no object."""
        if lines:
            if self._sink is None:
                self._sink = ObjectWriter(self._bucket, self._key)
            self._sink.write(lines)

    def finish(self) -> StoredObject | None:
        """Make the records visible; None if there are none."""
        return self._sink.finish() if self._sink else None

    def abort(self) -> None:
        """Leave nothing behind."""
        if self._sink is not None:
            self._sink.abort()


class QuarantineWriter(RecordWriter):
    """Rejected rows; `rules` counts those that break each (column, rule).

    Their row numbers lie beside them in a frame of their own: a replay has to find the rows again
    in the uploaded file, and needs not see what was set aside (docs/adr/0007).
    """

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(bucket, key)
        self.rules: Counter[tuple[str | None, str]] = Counter()
        self.rows = 0
        self._numbers = StagedWriter(bucket, row_numbers_place(key))

    def write(self, *rejects: Sequence[Reject]) -> None:
        """Append one record per rejected row: groups of them together, in the order of the file."""
        groups = [group for group in rejects if group]
        if not groups:
            return
        numbers = pa.concat_arrays([_numbers(group) for group in groups])
        lines = pa.concat_arrays([_lines(group) for group in groups])
        if len(rejects) > 1:
            order = pc.array_sort_indices(numbers)
            numbers, lines = numbers.take(order), lines.take(order)
        self.append(text_of(lines))
        self._numbers.write(pa.RecordBatch.from_arrays([numbers], names=[ROW_NUMBER]))
        for group in groups:
            self.rules.update(_rules(group))
        self.rows += len(numbers)

    def finish(self) -> StoredObject | None:
        """Make the rows visible after their numbers, so that no rows are there without them."""
        try:
            self._numbers.finish()
        except BaseException:
            super().abort()
            raise
        return super().finish()

    def abort(self) -> None:
        """Leave neither behind."""
        self._numbers.abort()
        super().abort()


def row_numbers_place(quarantine: str) -> str:
    """Return the key (or address) of the row numbers that lie beside a quarantine file."""
    return f"{quarantine.removesuffix('.jsonl')}{ROW_NUMBERS_SUFFIX}"


def _numbers(rejects: Sequence[Reject]) -> pa.Array:
    if isinstance(rejects, RejectedRows):
        return rejects.numbers
    return int64_array(np.fromiter((one.row_number for one in rejects), np.int64, len(rejects)))


def _lines(rejects: Sequence[Reject]) -> pa.Array:
    return record_lines(rejects) if isinstance(rejects, RejectedRows) else lines_of(rejects)


def _rules(rejects: Sequence[Reject]) -> Counter[tuple[str | None, str]]:
    return rejects.rule_counts() if isinstance(rejects, RejectedRows) else rule_counts(rejects)


class RepairWriter(RecordWriter):
    """Replaced values, those of masked columns masked; `counts` has them by column and kind."""

    def __init__(self, bucket: str, key: str, plan: Plan) -> None:
        super().__init__(bucket, key)
        self.counts: Counter[tuple[str | None, str]] = Counter()
        self.sample: list[Repair] = []
        self._plan = plan

    def write(self, repairs: list[Repair]) -> None:
        """Append one record per repair."""
        shown = masked_repairs(repairs, self._plan)
        self.append(text_of(lines_of(shown)))
        self.counts.update((repair.column, repair.repair) for repair in shown)
        self.sample += shown[: MAX_SAMPLE - len(self.sample)]
