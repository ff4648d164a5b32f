"""Whether the file as a whole keeps the contract's quality rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import QualityError

if TYPE_CHECKING:
    from functions.validate.core import ValidateState
    from pipeline.checks import Outcome

_IN_SUMMARY: Final = 100
_NAMED: Final = 5


def quality_summary(state: ValidateState) -> list[dict[str, Any]]:
    """Return what became of each counted rule, the failed ones first."""
    outcomes = sorted(state.counts.outcomes(), key=lambda outcome: outcome.passed)
    return [outcome.to_json() for outcome in outcomes[:_IN_SUMMARY]]


def check_quality(state: ValidateState) -> None:
    """Raise if the file breaks a quality rule of severity `error`.

    Raises
    ------
    QualityError
        With the figures of each rule.
    """
    failed = [
        found for found in state.counts.outcomes() if not found.passed and found.severity == "error"
    ]
    if not failed:
        return
    said = "; ".join(map(_said, failed[:_NAMED]))
    more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    raise QualityError(
        f"Of {state.counts.rows:,} rows, {said}{more}.",
        remedy="Correct the file and upload it again; or change the contract (quality, or its "
        "severity), deploy, and replay the dead letter.",
        checks=tuple(found.name or found.rule for found in failed),
    )


def _said(found: Outcome) -> str:
    """`nullValues of city: 12 rows (24%), must be at most 10 percent of the rows`."""
    rule = f"{found.name} ({found.rule})" if found.name else found.rule
    of = f" of {', '.join(found.columns)}" if found.columns else ""
    share = "" if found.rule == "rowCount" else f" ({found.share:.2%})"
    return f"{rule}{of}: {found.rows:,} rows{share}, {found.expected}"
