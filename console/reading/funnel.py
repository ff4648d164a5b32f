"""What became of a run's rows, step by step: how many were left, and what took the others out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.outcome import ROW_COUNTS, TAKEN_OUT
from pipeline.accounting import RowCounts
from pipeline.constants import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

READ: Final = "read"
DONE: Final = {
    READ: "Read",
    "validate": "Validated",
    "clean": "Cleaned",
    "transform": "Transformed",
    "enrich": "Enriched",
    "write": "Written",
}
"""What rows are called that a stage has let pass."""
LEAST_SHARE: Final = 0.5
"""Percent of the whole that even a single row takes in a drawing, so that it can be seen."""


@dataclass(frozen=True)
class Bar:
    """Parts of a step's bar in percent of the widest: rows that stayed, came, and left."""

    stayed: float
    came: float
    left: float


@dataclass(frozen=True)
class Step:
    """One step of the funnel.

    `rows` are those after it; `came` those that it made of others (`expanded`), `left` those that
    it took out, by why; `missing` those that its books do not account for.
    """

    stage: str
    rows: int
    came: int
    left: Mapping[str, int]
    missing: int = 0
    resumed: bool = False

    @property
    def name(self) -> str:
        """What its rows are called."""
        return DONE.get(self.stage, self.stage)

    @property
    def taken_out(self) -> int:
        """Rows that it took out."""
        return sum(self.left.values())

    def bar(self, whole: int) -> Bar:
        """Return its bar, where `whole` rows are as wide as the drawing."""
        came = min(self.came, self.rows)
        left = _share(self.taken_out, whole)
        return Bar(min(_share(self.rows - came, whole), 100 - left), _share(came, whole), left)


@dataclass(frozen=True)
class Funnel:
    """Steps that have ended, in their order, and the books of the run.

    `ended_in` is the stage that failed, and `seen` what it had counted by then; `to_come` are the
    stages that have not ended. `missing` rows are unaccounted for: 0, unless the books are wrong.
    """

    steps: tuple[Step, ...]
    to_come: tuple[str, ...]
    counts: RowCounts
    ended_in: str | None = None
    seen: Mapping[str, int] | None = None

    @property
    def whole(self) -> int:
        """Rows that the widest bar stands for."""
        return max((step.rows + step.taken_out for step in self.steps), default=0)

    @property
    def missing(self) -> int:
        """Rows that the run's books do not account for; negative where there are too many."""
        counts = self.counts
        return counts.read + counts.expanded - counts.written - counts.taken_out


def funnel(summary: Mapping[str, Any], failed_stage: str | None = None) -> Funnel:
    """Return the funnel of a run summary, as far as it came.

    Parameters
    ----------
    summary
        What the run has told; it may lack anything.
    failed_stage
        The stage that ended the run, if one did.
    """
    records = [one for one in summary.get("stages") or [] if isinstance(one, dict)]
    counts = _counts(summary.get("rows"))
    steps = tuple(_step(record) for record in records if record.get("stage") in STAGES)
    if steps:
        steps = (Step(READ, _number(records[0].get("rows_in")), 0, {}), *steps)
    ended = {step.stage for step in steps}
    failed = failed_stage if failed_stage not in ended else None
    return Funnel(
        steps=steps,
        to_come=tuple(stage for stage in STAGES if stage not in ended and stage != failed),
        counts=counts,
        ended_in=failed,
        seen=_seen(counts, records) if failed else None,
    )


def _step(record: Mapping[str, Any]) -> Step:
    counts, rows = _counts(record.get("counts")), _number(record.get("rows_out"))
    return Step(
        stage=record["stage"],
        rows=rows,
        came=counts.expanded,
        left={why: taken for why in TAKEN_OUT if (taken := getattr(counts, why))},
        missing=_number(record.get("rows_in")) + counts.expanded - rows - counts.taken_out,
        resumed=record.get("resumed") is True,
    )


def _seen(counts: RowCounts, records: list[dict[str, Any]]) -> dict[str, int]:
    """Rows that a stage had counted when it failed: the run's, without those of stages before."""
    before = RowCounts()
    for record in records:
        before.add(_counts(record.get("counts")))
    counted = {name: getattr(counts, name) - getattr(before, name) for name in ROW_COUNTS}
    return {name: rows for name, rows in counted.items() if rows > 0}


def _counts(told: Any) -> RowCounts:
    known = told if isinstance(told, dict) else {}
    return RowCounts(**{name: _number(known.get(name)) for name in ROW_COUNTS})


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _share(rows: int, whole: int) -> float:
    return round(max(100 * rows / whole, LEAST_SHARE), 2) if rows > 0 and whole else 0.0
