"""Replay of the quarantine: only the rejected rows of a committed file, under today's plan.

See docs/adr/0007-replaying-the-quarantine.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from functions.validate.core import ValidateState, settle
from pipeline.buffers import int64_array, memory_of
from pipeline.constants import ALREADY_PROCESSED, SETTLED_FRAME, SUPERSEDED
from pipeline.errors import ObjectNotVisibleError, ReplayRefusedError, UnbalancedBooksError
from pipeline.findings import Reject, Repair
from pipeline.formats.readers import read_chunks
from pipeline.manifest import Manifest, end_early, superseded
from pipeline.plan import REPLAYED, ROW_NUMBER
from pipeline.quarantine import row_numbers_place
from pipeline.run import Merge, Run, new_run
from pipeline.staging import StagedReader, StagedWriter
from pipeline.storage import ObjectReader, open_object

_BEFORE_DEDUPE: Final = ("validate", "clean")
"""Stages whose rejected rows have never claimed a `dedupe` key; clean parses text before it."""
Record = TypeVar("Record", Reject, Repair)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.formats import RawChunk
    from pipeline.run import Source
    from pipeline.stage_context import StageContext


@dataclass(frozen=True)
class Merging:
    """A merge on its way through validate.

    `rows` are the row numbers to replay (int64, sorted); `state` knows the keys of the file's
    other rows.
    """

    rows: pa.Array
    state: ValidateState

    def chunks(self, context: StageContext, uploaded: ObjectReader) -> Iterator[RawChunk]:
        """Yield the file's chunks with the rows to replay alone."""
        for chunk in read_chunks(uploaded, context.plan, key=context.run.source.key):
            yield _selected(chunk, self.rows)


def merging(context: StageContext, committed: Manifest | None) -> Merging | None:
    """Make the run at hand a merge; None if it ends without work, which is entered into the run.

    Raises
    ------
    ReplayRefusedError
        If rows of this quarantine cannot be merged into what is committed.
    UnbalancedBooksError
        If the quarantine does not hold the rows that the manifest counts.
    """
    if committed is None:
        _refuse(
            "Nothing of this file is published, so there is nothing to merge the rows into.",
            "Replay the run that failed: pipeline dead-letters list.",
        )
    outcome = _outcome_without_work(context, committed)
    if outcome is not None:
        end_early(context.run, outcome, committed)
        return None
    _check_alike(context, committed)
    rows, later = _quarantined(context, committed)
    context.run = _merge_run(context, committed)
    state = ValidateState(context.plan)
    if state.keys or context.plan.clean.dedupe:
        _settle(context, rows, later, state)
    return Merging(rows, state)


def _merge_run(context: StageContext, committed: Manifest) -> Run:
    """The run at hand, as the merge of the rows that are rejected now."""
    quarantine = committed.run.rejects["quarantine"]
    run = new_run(
        context.run.source,
        dataset=context.run.dataset,
        plan_hash=context.plan.hash,
        part=("quarantine", *quarantine),
    )
    etag = committed.stored.etag if committed.stored else ""
    run.merges = Merge(context.replay.quarantine, etag, committed.quarantined_rows)
    return run


def _outcome_without_work(context: StageContext, committed: Manifest) -> str | None:
    """Outcome of a replay that finds its rows gone, or nothing changed for them."""
    if superseded(context.run, committed):
        return SUPERSEDED
    asked = context.replay.quarantine
    if all(address.split("/")[-2] != asked for address in committed.run.rejects["quarantine"]):
        return ALREADY_PROCESSED if _was_merged(asked, committed) else SUPERSEDED
    return ALREADY_PROCESSED if committed.rejected_by == context.plan.hash else None


def _was_merged(asked: str, committed: Manifest) -> bool:
    """Whether a run's quarantine has been replayed, or was empty."""
    return asked in committed.run_ids


def _check_alike(context: StageContext, committed: Manifest) -> None:
    """Raise unless today's plan numbers and publishes rows as the committed run's did."""
    if not _is_same_version(committed.run.source, context.run.source):
        _refuse(
            "The rows were rejected in another version of the object than this event names.",
            "If the newer version failed, replay that: pipeline dead-letters list.",
        )
    if committed.reading != context.plan.reading:
        _refuse(
            "The contract now has the file taken apart in another way (format or dialect), so that "
            "row numbers may not be the same rows.",
            _whole_file(context),
        )
    if context.plan.clean.looks_beyond_rows:
        _refuse(
            "What the dataset's cleaning makes of a row depends on other rows of the file (dedupe "
            "by an order, fill from other rows, dependencies), so that no rows can be cleaned by "
            "themselves.",
            _whole_file(context),
        )
    if committed.publishing != context.plan.publishing:
        _refuse(
            "The dataset now publishes other columns, types, partitions or another format than "
            "the file's output has, or chooses rows in another way.",
            _whole_file(context),
        )
    if committed.run.rows.expanded and _is_rejected_in(committed, ("transform", "enrich")):
        _refuse(
            "The dataset made several rows of one (explode, unpivot) before it rejected some of "
            "them, so that a row number does not say which of its rows were rejected.",
            _whole_file(context),
        )


def _is_rejected_in(committed: Manifest, stages: tuple[str, ...]) -> bool:
    """Whether any of these stages has a quarantine."""
    files = tuple(f"/{stage}.jsonl" for stage in stages)
    return any(address.endswith(files) for address in committed.run.rejects["quarantine"])


def _is_same_version(one: Source, other: Source) -> bool:
    return (one.version_id or one.etag) == (other.version_id or other.etag)


def _whole_file(context: StageContext) -> str:
    return (
        f"Process the whole file again: pipeline quarantine replay {context.replay.quarantine} "
        "--whole-file."
    )


def _refuse(reason: str, remedy: str) -> NoReturn:
    raise ReplayRefusedError(reason, remedy=remedy)


def _quarantined(context: StageContext, committed: Manifest) -> tuple[pa.Array, pa.Array]:
    """Numbers of the rows in the quarantine, sorted: all of them, and those that clean let pass.

    The latter kept the contract when they were rejected, and came as far as their lookup.
    """
    early = tuple(f"/{stage}.jsonl" for stage in _BEFORE_DEDUPE)
    addresses = committed.run.rejects["quarantine"]
    try:
        broken = _numbers(address for address in addresses if address.endswith(early))
        later = _numbers(address for address in addresses if not address.endswith(early))
    except ObjectNotVisibleError as error:
        _refuse(f"The row numbers are not in the quarantine: {error.reason}", _whole_file(context))
    rows = np.union1d(broken, later)
    if len(rows) != committed.quarantined_rows:
        raise UnbalancedBooksError(
            f"The quarantine holds {len(rows):,} rows, the manifest says "
            f"{committed.quarantined_rows:,}."
        )
    return int64_array(rows), int64_array(later)


def _numbers(addresses: Iterable[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers of the rows in quarantine files, sorted; the rows themselves are not read."""
    found = [
        memory_of(batch.column(ROW_NUMBER), np.int64)
        for address in addresses
        for batch in _row_numbers(address)
    ]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def _row_numbers(address: str) -> StagedReader:
    """What lies beside a quarantine file."""
    bucket, _, key = row_numbers_place(address).removeprefix("s3://").partition("/")
    return StagedReader(bucket, key)


def _settle(context: StageContext, rows: pa.Array, later: pa.Array, state: ValidateState) -> None:
    """Let the file's other rows claim their keys, and stage what clean must see of them.

    Clean sees every row that it saw when the file was processed: the settled ones, and those that
    were rejected after it. Only so can it tell a settled row from one that was taken out as the
    duplicate of a row that is now replayed.
    """
    source = context.run.source
    uploaded = open_object(
        source.bucket,
        source.key,
        version_id=source.version_id,
        etag=source.etag,
        before_read=context.check_resources,
    )
    frame = StagedWriter(context.staging_bucket, context.run.staging_key(SETTLED_FRAME))
    try:
        with frame:
            for chunk in read_chunks(uploaded, context.plan, key=source.key):
                numbers = chunk.batch.column(ROW_NUMBER)
                replayed = pc.is_in(numbers, later)
                seen = pc.or_(replayed, pc.invert(pc.is_in(numbers, rows)))
                replayed = replayed.filter(seen)
                typed = settle(
                    chunk.batch.filter(seen), context.plan, state, claiming=pc.invert(replayed)
                )
                if context.plan.clean.dedupe:
                    frame.write(typed.append_column(REPLAYED, replayed))
    finally:
        uploaded.close()


def _selected(chunk: RawChunk, rows: pa.Array) -> RawChunk:
    """Rows of a chunk whose numbers are among `rows`, and what was repaired in them."""
    return replace(
        chunk,
        batch=chunk.batch.filter(pc.is_in(chunk.batch.column(ROW_NUMBER), rows)),
        malformed=_of_rows(chunk.malformed, rows),
        repairs=_of_rows(chunk.repairs, rows),
    )


def _of_rows(records: list[Record], rows: pa.Array) -> list[Record]:
    """Records whose row numbers are among `rows`."""
    numbers = pa.array([record.row_number for record in records], pa.int64())
    wanted = pc.is_in(numbers, rows).to_pylist()
    return [record for record, found in zip(records, wanted, strict=True) if found]
