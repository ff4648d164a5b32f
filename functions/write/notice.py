"""What a person is told of rejected rows, where the dataset asks for it (`rejects.notify`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipeline.run import Run

_SUBJECT_CHARACTERS: Final = 99
"""SNS takes less than 100, and ASCII only."""
_RULES_NAMED: Final = 10

_MESSAGE: Final = """\
{rejected:,} of {read:,} rows of a file were rejected; the other {written:,} are published.

File: s3://{bucket}/{key}
Dataset: {dataset}

Why:
{reasons}

The rejected rows are kept, with what is wrong with each:
{quarantine}

To look at them, type: pipeline quarantine show {run_id}
When the contract or the lookup is corrected and deployed: pipeline quarantine replay {run_id}
(For a stack in AWS, add --region and, if it has a name of its own, --stack.)
"""


def notice_of_rejects(run: Run) -> dict[str, str]:
    """Return `subject` and `message` of a run that had rejected rows."""
    rejected = run.rows.rejected + run.rows.dropped_by_lookup
    subject = f"Lambda Pipelines: {rejected:,} rows of {run.dataset} were rejected"
    reasons = "\n".join(
        f"  {rule['column'] or 'row'}: {rule['rule']} ({rule['rows']:,} rows)"
        for rule in run.rejects["top_rules"][:_RULES_NAMED]
    )
    message = _MESSAGE.format(
        rejected=rejected,
        read=run.rows.read,
        written=run.rows.written,
        bucket=run.source.bucket,
        key=run.source.key,
        dataset=run.dataset,
        reasons=reasons,
        quarantine="\n".join(f"  {address}" for address in run.rejects["quarantine"]),
        run_id=run.run_id,
    )
    ascii_subject = subject.encode("ascii", "replace").decode()
    return {"subject": ascii_subject[:_SUBJECT_CHARACTERS], "message": message}
