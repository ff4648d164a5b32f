"""Notes of unfinished publications, and tidying up what crashed ones have left.

Between the first file that becomes visible and the last one that is deleted, a process may die. So
the keys concerned are written down before, and the note is removed after; whoever commits next for
the same object works off the notes that it finds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.pending import own_notes
from pipeline.run import Source
from pipeline.storage import StoredObject, delete_object, list_objects, put_object, read_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.manifest import Manifest
    from pipeline.run import Run
    from pipeline.stage_context import StageContext


def announce(context: StageContext, keys: Iterable[str], replaces: Manifest | None) -> None:
    """Note the keys that the run is about to publish or, those it replaces, to delete."""
    run = context.run
    old = [output.key for output in replaces.outputs] if replaces else []
    note = {
        "run_id": run.run_id,
        "execution_arn": context.execution_arn,
        "source": vars(run.source),
        "keys": sorted({*keys, *old}),
    }
    put_object(context.output_bucket, _key(run), json.dumps(note, indent=1).encode())


def tidy_after_commit(
    context: StageContext, committed: Manifest, replaced: Manifest | None, *, told: bool
) -> None:
    """Work off all notes about the object, after this run has committed in place of `replaced`.

    The run's own note stays if its lineage event could not be written (`told` is False): then the
    next execution for the same version of the object comes as far as the last stage, and writes it.

    Whoever wrote one of them and still lives finds another manifest than it has read, and undoes or
    repeats its own work. The note of a newer version of the object is that run's own business.
    """
    done = _done_note(context.run, committed, replaced)
    for place in list_objects(context.output_bucket, context.run.pending_prefix):
        if place == done:
            if told:
                _hide(context.output_bucket, place)
            continue
        note = _note(context.output_bucket, place)
        if note is not None and not Source(**note["source"]).is_newer_than(committed.run.source):
            _work_off(context, place, note, committed, told=told)


def tidy_without_commit(
    context: StageContext, committed: Manifest | None, *, told: bool = True
) -> None:
    """Work off the notes that are this run's, or those of runs that are in the manifest already.

    A note of any other run may be that of a living one, which has yet to commit.
    """
    if committed is None:
        return
    for place in own_notes(context, committed):
        note = _note(context.output_bucket, place)
        if note is not None:
            _work_off(context, place, note, committed, told=told)


def _done_note(run: Run, committed: Manifest, replaced: Manifest | None) -> str | None:
    """Key of the run's own note where it names nothing to delete, which saves reading it."""
    old = {output.key for output in replaced.outputs} if replaced else set()
    return _key(run) if old <= {output.key for output in committed.outputs} else None


def _key(run: Run) -> str:
    return f"{run.pending_prefix}{run.run_id}.json"


def _work_off(
    context: StageContext, place: str, note: dict[str, Any], committed: Manifest, *, told: bool
) -> None:
    """Delete what a note names and the manifest does not, then the note.

    Plain deletes, so the bucket keeps the old versions for whoever reads by an older manifest.
    """
    pinned = {output.key for output in committed.outputs}
    for key in note["keys"]:
        if key not in pinned:
            _hide(context.output_bucket, key)
    if told or note["run_id"] != context.run.run_id:
        _hide(context.output_bucket, place)


def _note(bucket: str, key: str) -> dict[str, Any] | None:
    """The note under a key; None if another run has worked it off meanwhile."""
    found = read_object(bucket, key)
    return None if found is None else json.loads(found[0])


def _hide(bucket: str, key: str) -> None:
    delete_object(StoredObject(bucket, key, None, "", 0))
