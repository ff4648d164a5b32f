"""Lambda handler of the write stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.write.commit import (
    claim_own_commit,
    commit,
    conclude,
    superseded_merge,
    tell_again,
)
from functions.write.core import WriteState, partitions, write
from functions.write.outputs import OutputFiles
from functions.write.pending import announce, tidy_without_commit
from pipeline.accounting import check_run_books
from pipeline.constants import ALREADY_PROCESSED, PROCESSED_PREFIX, SUPERSEDED
from pipeline.manifest import Manifest, earlier_outcome, end_early, read_manifest
from pipeline.profile import publish_output_profile
from pipeline.runtime import stage_handler

if TYPE_CHECKING:
    from pipeline.stage_context import StageContext


@stage_handler("write")
def lambda_handler(context: StageContext) -> None:
    """Write the staged rows as the dataset's output files, and commit the run."""
    committed = read_manifest(context.run, context.output_bucket)
    outcome = earlier_outcome(context.run, committed)
    if outcome is None and superseded_merge(context.run, committed):
        outcome = SUPERSEDED
    if outcome is None:
        _publish(context, committed)
        return
    end_early(context.run, outcome, committed)
    told = True
    if outcome == ALREADY_PROCESSED and committed is not None:
        claim_own_commit(context, committed)
        told = tell_again(context, committed)
    tidy_without_commit(context, committed, told=told)


def _publish(context: StageContext, committed: Manifest | None) -> None:
    run = context.run
    state = WriteState(context.plan)
    staged = context.staged_input()
    with OutputFiles(
        bucket=context.output_bucket,
        prefix=f"{PROCESSED_PREFIX}{run.dataset}/",
        name=run.output_name,
        write=context.plan.write,
        check=context.check_resources,
    ) as outputs:
        for batch in staged:
            context.check_resources()
            context.rows_in += batch.num_rows
            result = write.arrow(batch, context.plan, state)
            if run.merges is not None and not batch.num_rows:
                continue  # a merge without rows adds no file
            for path, rows in partitions(result.frame, context.plan):
                context.rows_out += rows.num_rows
                context.counts.written += rows.num_rows
                outputs.add(path, rows)
        context.book()
        check_run_books(run.rows)
        outputs.complete()
        conclude(context, files=len(outputs.keys))
        publish_output_profile(context, state.profile)
        announce(context, outputs.keys, committed)
        files = outputs.finish()
    context.bytes_in, context.bytes_out = staged.bytes_read, outputs.bytes_written
    commit(context, files, committed)
