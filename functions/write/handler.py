"""Lambda handler of the write stage."""

from __future__ import annotations

from functions.write.commit import commit
from functions.write.core import WriteState, partitions, write
from functions.write.outputs import OutputFiles
from pipeline.accounting import check_run_books
from pipeline.constants import PROCESSED_PREFIX
from pipeline.manifest import earlier_outcome, read_manifest
from pipeline.runtime import StageContext, stage_handler


@stage_handler("write")
def lambda_handler(context: StageContext) -> None:
    """Write the staged rows as the dataset's output files, and commit the run."""
    committed = read_manifest(context.run, context.output_bucket)
    if earlier_outcome(context.run, committed):
        return
    state = WriteState(context.plan)
    staged = context.staged_input()
    with OutputFiles(
        bucket=context.output_bucket,
        prefix=f"{PROCESSED_PREFIX}{context.run.dataset}/",
        name=context.run.source_id,
        write=context.plan.write,
    ) as outputs:
        for batch in staged:
            context.rows_in += batch.num_rows
            result = write.arrow(batch, context.plan, state)
            for path, rows in partitions(result.frame, context.plan):
                context.rows_out += rows.num_rows
                outputs.add(path, rows)
        context.run.rows.written = context.rows_out
        check_run_books(context.run.rows)
        files = outputs.finish()
    context.bytes_in, context.bytes_out = staged.bytes_read, outputs.bytes_written
    commit(context, files, committed)
