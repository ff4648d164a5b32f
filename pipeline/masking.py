"""Values that nobody is shown: those of columns that the contract classifies as personal or secret.

They stand in the output alone. Wherever else a value would be shown (quarantine, repairs, errors,
alerts, logs) there is `***`; the row number and line say where the file has it. What transform
makes of a masked column is masked, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.plan import EXTRA
from pipeline.rejected_rows import RejectedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.findings import Reject, Repair, Violation
    from pipeline.plan import Plan
    from pipeline.plan_steps import Lookup, Step

MASK: Final = "***"


def masked_names(plan: Plan) -> frozenset[str]:
    """Return the columns whose values are not shown, whatever a stage or the file calls them."""
    names = {
        name
        for column in plan.columns
        if column.masked
        for name in (column.name, column.source_name)
    }
    if names:
        names |= _filled(names, plan)
        for step in plan.transform:
            names |= _MADE_OF.get(step.name, _none_made)(step, names, plan)
    return frozenset(names)


def hides(name: str, masked: frozenset[str]) -> bool:
    """Whether a column is masked: in JSON, a masked one may lie inside of it."""
    inside = (f"{name}.", f"{name}[", f"['{name}']")
    return name in masked or any(path.startswith(inside) for path in masked)


@dataclass(frozen=True)
class HiddenColumns:
    """Names of the columns of whose values a profile tells nothing."""

    names: frozenset[str]

    def hide(self, column: str) -> bool:
        """Whether the column's values are not told: it, or one inside of it, is among these."""
        return hides(column, self.names)

    def hide_lookup(self, lookup: Lookup) -> bool:
        """Whether the keys of a lookup are not told: they, or what is found by them, are hidden."""
        return any(map(self.hide, (*lookup.on, *lookup.add)))


def hidden_columns(plan: Plan) -> HiddenColumns:
    """Return the masked columns, and all that may be made of them, by whatever names.

    The quarantine masks what rows held when they were rejected. The output has more: what a lookup
    has added by a masked key says whose row it is, a Python step may put anything anywhere, and
    `_extra` holds what nobody has classified.
    """
    names = set(masked_names(plan))
    if not names:
        return HiddenColumns(frozenset())
    names.add(EXTRA)
    if any(step.name == "python" for step in plan.transform):
        names |= plan.schemas.get("transform", {}).keys()
    for lookup in plan.enrich.lookups:
        if any(hides(name, frozenset(names)) for name in lookup.on):
            names |= lookup.add.keys()
    return HiddenColumns(frozenset(names))


def shown(value: Any, column: str | None, plan: Plan) -> Any:
    """Return a column's value as it may be shown; None stays None.

    Parameters
    ----------
    column
        Name of the column, or of several with commas between them; None: the whole row.
    """
    masked = masked_names(plan)
    return MASK if value is not None and _is_masked(column, masked) else value


def shown_row(row: Any, plan: Plan) -> Any:
    """Return a row as it may be shown: its cells by name, or the text of a line as a whole."""
    return _shown_row(row, masked_names(plan))


def told(message: str, columns: Iterable[str] | None, plan: Plan) -> str:
    """Return what another library says of some columns' values, if it may be shown.

    Parameters
    ----------
    columns
        Those that it may speak of; None: any.
    """
    hidden = _concerned(columns, plan)
    if not hidden:
        return message
    noun = "columns" if len(hidden) > 1 else "column"
    return f"its text is left out, since it may quote the masked {noun} {', '.join(hidden)}"


def cause(error: BaseException, columns: Iterable[str] | None, plan: Plan) -> BaseException | None:
    """Return the error, as the cause of another; None if its text may not be shown.

    Logs print the chain of causes. `columns` are those that the text may speak of; None: any.
    """
    return None if _concerned(columns, plan) else error


def masked_rejects(rejects: Sequence[Reject], plan: Plan) -> Sequence[Reject]:
    """Return rejected rows as they may be shown."""
    masked = masked_names(plan) if rejects else frozenset()
    if not masked:
        return rejects
    if isinstance(rejects, RejectedRows):
        return rejects.with_masked(lambda name: hides(name, masked), MASK)
    return [_masked_reject(reject, masked) for reject in rejects]


def masked_repairs(repairs: list[Repair], plan: Plan) -> list[Repair]:
    """Return repairs as they may be shown."""
    masked = masked_names(plan) if repairs else frozenset()
    return [_masked_repair(repair, masked) for repair in repairs] if masked else repairs


def _masked_repair(repair: Repair, masked: frozenset[str]) -> Repair:
    if not _is_masked(repair.column, masked):
        return repair
    before, after = (None if value is None else MASK for value in (repair.before, repair.after))
    return replace(repair, before=before, after=after)


def _masked_reject(reject: Reject, masked: frozenset[str]) -> Reject:
    found = tuple(_masked_violation(violation, masked) for violation in reject.violations)
    return replace(reject, violations=found, raw=_shown_row(reject.raw, masked))


def _shown_row(row: Any, masked: frozenset[str]) -> Any:
    if not masked or row is None:
        return row
    if not isinstance(row, dict):
        return MASK
    return {name: _shown_cell(name, value, masked) for name, value in row.items()}


def _masked_violation(violation: Violation, masked: frozenset[str]) -> Violation:
    """A violation of a row that could not be taken apart has figures for its value."""
    if violation.column is None or not _is_masked(violation.column, masked):
        return violation
    value = violation.value
    if isinstance(value, list):
        names = violation.column.split(", ")
        by_name = len(names) == len(value)
        value = [
            MASK if item is not None and (not by_name or names[at] in masked) else item
            for at, item in enumerate(value)
        ]
    elif value is not None:
        value = MASK
    return violation._replace(value=value)


def _is_masked(column: str | None, masked: frozenset[str]) -> bool:
    """Whether a column, any of several, or any at all (None) is masked."""
    if column is None:
        return bool(masked)
    return column in masked or not masked.isdisjoint(column.split(", "))


def _shown_cell(name: str, value: Any, masked: frozenset[str]) -> Any:
    return MASK if value is not None and hides(name, masked) else value


def _concerned(columns: Iterable[str] | None, plan: Plan) -> list[str]:
    masked = masked_names(plan)
    return sorted(masked if columns is None else masked.intersection(columns))


# --- What steps make of masked columns -----------------------------------------------------


def _filled(names: set[str], plan: Plan) -> set[str]:
    """Columns filled from masked ones, and from those in turn, whatever their order."""
    found: set[str] = set()
    while more := {
        column
        for column, steps in plan.clean.columns.items()
        if column not in names | found
        and any(_is_filled_from(names | found, step) for step in steps)
    }:
        found |= more
    return found


def _is_filled_from(names: set[str], step: Step) -> bool:
    return (
        step.name == "fill"
        and isinstance(step.argument, dict)
        and (step.argument.get("column") in names)
    )


def _none_made(_step: Step, _names: set[str], _plan: Plan) -> set[str]:
    return set()


def _renamed(step: Step, names: set[str], _plan: Plan) -> set[str]:
    return {new for old, new in step.argument.items() if old in names}


def _derived(step: Step, names: set[str], _plan: Plan) -> set[str]:
    """Columns whose expression has the name of a masked one in it, or of one made of it."""
    made: set[str] = set()
    for name, sql in step.argument["columns"].items():
        if any(_mentions(sql, known) for known in names | made):
            made.add(name)
    return made


def _mentions(sql: str, column: str) -> bool:
    written = re.escape(column.replace('"', '""'))
    return re.search(rf"(?<!\w){written}(?!\w)", sql, re.IGNORECASE) is not None


def _split(step: Step, names: set[str], _plan: Plan) -> set[str]:
    return set(step.argument["into"]) if step.argument["column"] in names else set()


def _unpivoted(step: Step, names: set[str], _plan: Plan) -> set[str]:
    return {step.argument["value"]} if names.intersection(step.argument["columns"]) else set()


def _made_by_python(_step: Step, _names: set[str], plan: Plan) -> set[str]:
    """Nobody knows what a Python step has put into a new column."""
    return set(plan.schemas.get("transform", ())) - {column.name for column in plan.columns}


_MADE_OF: Final[dict[str, Callable[[Step, set[str], Plan], set[str]]]] = {
    "rename": _renamed,
    "derive": _derived,
    "split": _split,
    "unpivot": _unpivoted,
    "python": _made_by_python,
}
