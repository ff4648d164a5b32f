"""What became of the rows of one execution."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from cli.outcome import latest_summary
from cli.quarantine import quarantined_run, records, stage_of, states
from cli.quarantine_texts import counted_rules
from console.reading.funnel import Funnel, funnel
from console.reading.outputs import Output, output
from console.reading.rejected import MOST_READ
from pipeline.constants import OUTCOMES_WITHOUT_WORK, SUCCEEDED, SUCCEEDED_WITH_REJECTS
from pipeline.run import RULES_REPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.quarantine import QuarantineState
    from cli.target import Target
    from console.reading.execution import ExecutionView


@dataclass(frozen=True)
class ColumnRules:
    """How many rows break which rule of a column (None: the row as a whole)."""

    column: str | None
    rules: tuple[Mapping[str, Any], ...]

    @property
    def violations(self) -> int:
        """Broken rules of the column; a row that breaks two counts twice."""
        return sum(int(rule["rows"]) for rule in self.rules)


@dataclass(frozen=True)
class Rejected:
    """Rejected rows of a run, and what became of them.

    `columns` have the rules that were broken, the most frequent first; `are_all_rules` tells
    whether these are all of them.
    """

    state: QuarantineState
    columns: tuple[ColumnRules, ...]
    are_all_rules: bool

    @property
    def stages(self) -> list[str]:
        """Stages that have rejected rows, in their order."""
        return [stage_of(address) for address in self.state.addresses]


@dataclass(frozen=True)
class RowsView:
    """All that the page of an execution's rows shows, but the rejected rows themselves.

    `summary` is the run's, empty if no stage has told anything; `rejected` is None where no row
    was put into the quarantine, or none is there any more.
    """

    summary: Mapping[str, Any]
    funnel: Funnel
    rejected: Rejected | None
    output: Output | None

    @property
    def is_known(self) -> bool:
        """Whether anything is known of rows."""
        return bool(self.funnel.steps or self.funnel.counts.read)

    @property
    def did_nothing(self) -> bool:
        """Whether the execution had nothing to do, so that its counts are another one's."""
        return self.summary.get("outcome") in OUTCOMES_WITHOUT_WORK

    @property
    def told_rejects(self) -> int:
        """Rows that the run says to have put into the quarantine."""
        return self.funnel.counts.rejected + self.funnel.counts.dropped_by_lookup

    @property
    def has_published(self) -> bool:
        """Whether the run has committed an output."""
        return self.summary.get("outcome") in (SUCCEEDED, SUCCEEDED_WITH_REJECTS)

    def repairs(self, part: str) -> list[dict[str, Any]]:
        """Return a part of what the run has told of repairs: `counts`, `files` or `sample`."""
        told = self.summary.get("repairs")
        return list(told.get(part) or []) if isinstance(told, dict) else []


def rows_view(target: Target, view: ExecutionView) -> RowsView:
    """Return what is known of the rows of an execution."""
    summary = latest_summary(view.described, view.states)
    error = view.result.error
    return RowsView(
        summary=summary,
        funnel=funnel(summary, error.stage if error else None),
        rejected=_rejected(target, summary),
        output=output(target, summary),
    )


def _rejected(target: Target, summary: Mapping[str, Any]) -> Rejected | None:
    from pipeline.stage_context import TOP_RULES  # noqa: PLC0415 - it loads Arrow

    dataset, told = summary.get("dataset"), summary.get("rejects") or {}
    run_id = _quarantine_of(told.get("quarantine") or []) or summary.get("run_id")
    run = quarantined_run(target, dataset, run_id) if dataset and run_id else None
    if run is None:
        return None
    [state] = states(target, [run])
    rules = state.top_rules or list(told.get("top_rules") or [])
    most = TOP_RULES if state.report else RULES_REPORTED
    if not rules:
        rows = records(target.cloud.s3(), state.addresses)
        rules, most = counted_rules(islice(rows, MOST_READ)), MOST_READ
    return Rejected(state, _by_column(rules), are_all_rules=len(rules) < most)


def _quarantine_of(addresses: Sequence[str]) -> str | None:
    """Id of the run that has put the rows away: what merges have left over is a merge's."""
    parts = addresses[0].split("/") if addresses else []
    return parts[-2] if len(parts) > 1 else None


def _by_column(rules: Sequence[Mapping[str, Any]]) -> tuple[ColumnRules, ...]:
    columns: dict[str | None, list[Mapping[str, Any]]] = {}
    for rule in rules:
        columns.setdefault(rule.get("column"), []).append(rule)
    found = [ColumnRules(column, tuple(its)) for column, its in columns.items()]
    return tuple(sorted(found, key=lambda one: one.violations, reverse=True))
