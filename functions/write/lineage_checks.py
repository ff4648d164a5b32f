"""What became of the contract's rules in a run, as assertions of its OpenLineage event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.constants import CHECK_PASSED, STAGES
from pipeline.stage_context import TOP_RULES

if TYPE_CHECKING:
    from pipeline.stage_context import StageContext

_SEVERITIES: Final = {"error": "error", "warning": "warn", "info": "info"}
"""The contract's words, and the standard's."""


def assertions(
    compiled: list[dict[str, Any]], rules: list[Any], context: StageContext
) -> list[dict[str, Any]]:
    """Return the contract's rules with what became of them: `actual` are the rows that broke one.

    The run names the rules that rejected most rows. Where it names as many as it can, nothing is
    known of the others, and they are left out.

    Parameters
    ----------
    compiled
        An assertion for each rule on rows.
    rules
        Columns and name of each, as the rejects of the run have them.
    """
    rejects = [rule for rule in context.run.rejects["top_rules"] if rule["stage"] == STAGES[0]]
    rows = {(rule["column"], rule["rule"]): rule["rows"] for rule in rejects}
    known = [tuple(about) for about in rules]
    told = [
        _told(assertion, rows.get(about, 0))
        for assertion, about in zip(compiled, known, strict=True)
        if about in rows or len(rejects) < TOP_RULES
    ]
    others = [
        _told({"assertion": rule, "severity": "error", "name": rule}, broken)
        for (_, rule), broken in ((about, rows[about]) for about in rows if about not in known)
    ]
    return [*told, *others, *_counted(context)]


def _told(assertion: dict[str, Any], broken: int) -> dict[str, Any]:
    return {**assertion, "success": not broken, "actual": str(broken)}


def _counted(context: StageContext) -> list[dict[str, Any]]:
    """Rules that reject no row, and those about the whole file."""
    names = context.plan.source_names
    return [
        {
            "assertion": check["rule"],
            "success": check["outcome"] == CHECK_PASSED,
            "severity": _SEVERITIES[check["severity"]],
            "name": check["name"] or check["rule"],
            "expected": check["expected"],
            "actual": str(check["rows"]),
            **_columns([names[name] for name in check["columns"]]),
        }
        for check in context.run.checks
    ]


def _columns(names: list[str]) -> dict[str, Any]:
    """One column has a field of its own; several are parameters."""
    if len(names) == 1:
        return {"column": names[0]}
    return {"params": {"columns": names}} if names else {}
