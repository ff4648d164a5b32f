"""A stage's view of the run at hand: where its rows come from and go to, and its books."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pipeline.accounting import RowCounts, check_stage_books
from pipeline.column_use import next_readers, opened
from pipeline.constants import ENV_OUTPUT_BUCKET, ENV_STAGING_BUCKET, STAGES
from pipeline.errors import InvalidEventError
from pipeline.guard import ResourceGuard
from pipeline.quarantine import QuarantineWriter, RepairWriter
from pipeline.repairs import joined, repairs_of_stage
from pipeline.replay import Replay
from pipeline.run import Staged
from pipeline.staging import StagedReader, StagedWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.plan import Plan
    from pipeline.run import Run, StageRecord

TOP_RULES: Final = 20


@dataclass(frozen=True)
class Commit:
    """What a run has published: `bytes` of files, in force since the moment `at`."""

    at: datetime
    bytes: int


@dataclass
class StageContext:
    """A stage's view of the run at hand.

    `counts` are the rows of this stage by what became of them, `rows_in` and `rows_out` how many
    came and went; the handler fills them, `book` checks that they balance and adds them to the
    run's. `replay` says what the execution is a replay of, if it is one; `event_time` is that of
    the event, as it came. `committed` is there from the moment in which this execution's files
    count. `record_so_far` makes the stage's record of what it has done until now.
    """

    stage: str
    run: Run
    plan: Plan
    execution_arn: str
    started_at: datetime
    replay: Replay = field(default_factory=Replay)
    guard: ResourceGuard = field(default_factory=ResourceGuard)
    counts: RowCounts = field(default_factory=RowCounts)
    rows_in: int = 0
    rows_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    cells_repaired: int = 0
    frame_etag: str = ""
    resumed: bool = False
    event_bytes: int = 0
    event_time: str = ""
    committed: Commit | None = None
    record_so_far: Callable[[], StageRecord] | None = None
    _booked: bool = False

    @property
    def output_bucket(self) -> str:
        """Bucket of processed files, manifests, reports and the quarantine."""
        return os.environ[ENV_OUTPUT_BUCKET]

    @property
    def staging_bucket(self) -> str:
        """Bucket of the frames between the stages."""
        return os.environ[ENV_STAGING_BUCKET]

    @property
    def rows_so_far(self) -> RowCounts:
        """The run's rows with this stage's, however far it has come."""
        rows = replace(self.run.rows)
        if not self._booked:
            rows.add(self.counts)
        return rows

    def check_resources(self) -> None:
        """Raise if the function's time or memory is nearly used up; called between batches."""
        self.guard.check(f"after {self.rows_in:,} rows")

    def book(self) -> None:
        """Close this stage's books and enter them into the run's; a second call changes nothing.

        Raises
        ------
        UnbalancedBooksError
            If a row is missing or one too many.
        """
        if self._booked:
            return
        check_stage_books(
            self.stage, rows_in=self.rows_in, rows_out=self.rows_out, counts=self.counts
        )
        self.run.rows.add(self.counts)
        self._booked = True

    def staged_input(self) -> StagedReader:
        """Return the batches that the stage before has left: the columns that this one opens."""
        if self.run.data is None:
            raise InvalidEventError("The run summary names no staged data.")
        names = opened(self.plan, self.stage)
        order = self.plan.schemas.get(STAGES[STAGES.index(self.stage) - 1], {})
        return StagedReader(self.run.data.bucket, self.run.data.key, names, order)

    def staged_output(self) -> StagedWriter:
        """Return the writer of this stage's batches."""
        readers = next_readers(self.plan, self.stage)
        return StagedWriter(self.staging_bucket, self.run.staging_key(self.stage), readers)

    def quarantine(self) -> QuarantineWriter:
        """Return the writer of this stage's rejected rows."""
        return QuarantineWriter(self.output_bucket, self.run.quarantine_key(self.stage))

    def note_quarantine(self, quarantine: QuarantineWriter) -> None:
        """Enter a finished quarantine into the run summary."""
        stored = quarantine.finish()
        if stored is None:
            return
        rules = [
            {"stage": self.stage, "column": column, "rule": rule, "rows": rows}
            for (column, rule), rows in quarantine.rules.most_common(TOP_RULES)
        ]
        self.run.rejects["top_rules"] = [*self.run.rejects["top_rules"], *rules][:TOP_RULES]
        self.run.rejects["quarantine"] = [*self.run.rejects["quarantine"], stored.address]

    def repairs(self) -> RepairWriter:
        """Return the writer of the values that this stage replaces by its own judgement."""
        return RepairWriter(self.output_bucket, self.run.repairs_key(self.stage), self.plan)

    def note_repairs(self, repairs: RepairWriter) -> None:
        """Enter finished repairs into the run summary."""
        stored = repairs.finish()
        if stored is not None:
            found = repairs_of_stage(self.stage, repairs.counts, repairs.sample, stored.address)
            self.run.repairs = joined(self.run.repairs, found)
            self.cells_repaired = repairs.counts.total()

    def note_commit(self, published: int, at: datetime | None = None) -> None:
        """Note that this execution has published so many bytes, now unless it was earlier."""
        self.committed = Commit(at or datetime.now(UTC), published)

    def note_frame(self, writer: StagedWriter) -> None:
        """Point the run summary at this stage's frame."""
        key = self.run.staging_key(self.stage)
        self.run.data = Staged(self.staging_bucket, key, writer.rows, writer.bytes_written)
        self.frame_etag = writer.etag
