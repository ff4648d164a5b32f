"""When there are too many bad rows to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.errors import TooManyRejectsError

if TYPE_CHECKING:
    from pipeline.stage_context import StageContext

_RULES_NAMED: Final = 5


def check_reject_limit(context: StageContext) -> None:
    """Raise if more rows were rejected than the dataset allows.

    Raises
    ------
    TooManyRejectsError
        With the figures, the most frequent reasons and where the rows are.
    """
    limit = context.plan.rejects
    read, rejected = context.run.rows.read, context.run.rows.rejected
    over_share = rejected > limit.max_share * read
    over_rows = limit.max_rows is not None and rejected > limit.max_rows
    if not (over_share or over_rows):
        return
    allowed = f"{limit.max_share:.1%} of the rows" if over_share else f"{limit.max_rows:,} rows"
    raise TooManyRejectsError(
        f"{rejected:,} of {read:,} rows break the contract; the dataset allows {allowed}. "
        f"Most frequent: {_reasons(context)}. All of them are in "
        f"{', '.join(context.run.rejects['quarantine'])}.",
        remedy="Correct the file and upload it again; or change the contract or the limit "
        "(rejects in pipeline.yaml), deploy, and replay the dead letter.",
        rejected=rejected,
        read=read,
    )


def _reasons(context: StageContext) -> str:
    return "; ".join(
        f"{found['column'] or 'row'}: {found['rule']} ({found['rows']:,} rows)"
        for found in context.run.rejects["top_rules"][:_RULES_NAMED]
    )
