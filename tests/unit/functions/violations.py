"""What a stage has found, in a form that tests can write down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.frames import StageResult


def found(result: StageResult[Any]) -> list[tuple[int, str | None, str, Any]]:
    """Every violation as (row number, column, rule, value)."""
    return [
        (reject.row_number, violation.column, violation.rule, violation.value)
        for reject in result.rejects
        for violation in reject.violations
    ]
