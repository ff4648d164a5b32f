"""What a replay of a dead letter would do: refuse, resume at a stage, or start from the beginning.

docs/adr/0006 tells how the state machine takes a replay up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli.executions import UNKNOWN_EXECUTION, execution_arn, history
from cli.history import state_runs
from cli.letters import FAILED, LINEAGE, UNDELIVERED, event_object, with_event
from cli.manifests import committed, is_same_version, source_of
from cli.outcome import last_summary
from cli.paths import command
from pipeline.constants import REPLAY, REPLAY_OF, REPLAY_QUARANTINE, REPLAY_RUN, STAGES
from pipeline.errors import PipelineError
from pipeline.run import source_of_event

if TYPE_CHECKING:
    from cli.entries import Entry
    from cli.letters import Letter
    from cli.target import Target

MAX_INPUT_BYTES: Final = 262_144
"""Step Functions refuses an execution with a larger input."""


@dataclass(frozen=True)
class ReplayPlan:
    """What a replay of an entry would do.

    `refusal` says why it is refused and what to do instead, None if it is not; `input` is what the
    execution is started with; `resumes_from` the stage it begins its work at, None for the first.
    """

    entry: Entry
    input: dict[str, Any]
    resumes_from: str | None = None
    refusal: str | None = None


def replay_plan(target: Target, entry: Entry) -> ReplayPlan:
    """Decide what to do about an entry, by what is committed and what the failed run has done."""
    letter = _with_event(target, entry.latest)
    if letter.event is None:
        return ReplayPlan(
            entry,
            {},
            refusal="it holds no event to start an execution with. Look at it "
            f"({command('dead-letters show')} {entry.id}), upload the file again if it is about "
            f"one, and give it up: {command('dead-letters discard')} {entry.id}",
        )
    if letter.kind == LINEAGE:
        return ReplayPlan(entry, {}, refusal=_send_again(entry))
    if refusal := _superseded(target, entry.id, letter):
        return ReplayPlan(entry, {}, refusal=refusal)
    if letter.kind == UNDELIVERED:  # it has never begun, so nothing of it is done again
        return ReplayPlan(entry, letter.event)
    summary = summary_to_resume(target, letter)
    started_with = replay_input(target, letter, summary)
    if _bytes(started_with) > MAX_INPUT_BYTES:
        summary = {}
        started_with = replay_input(target, letter, summary)
    return ReplayPlan(entry, started_with, resumes_from=next_stage(summary))


def _send_again(entry: Entry) -> str:
    """Say how a lineage event is sent again: no execution does that."""
    return (
        "no run failed, so there is none to repeat. Writing the event anew has it sent: "
        f"aws s3 cp {entry.address} {entry.address} --metadata-directive REPLACE; then give the "
        f"letter up: {command('dead-letters discard')} {entry.id}"
    )


def summary_to_resume(target: Target, letter: Letter) -> dict[str, Any]:
    """Return the last run summary of a failed execution; empty if its first stage failed.

    The letter has it, unless no Catch saw the failure: then the history does, for 90 days. A
    replay that failed before it had taken its summary up leaves it in its event.
    """
    if stages_done(letter.run):
        return letter.run
    began_in_history = letter.kind != FAILED or letter.stage != STAGES[0]
    found = _summary_in_history(target, letter) if began_in_history else {}
    return found or _handed_on(letter)


def next_stage(summary: dict[str, Any]) -> str | None:
    """Return the stage after the last one that a run summary records."""
    done = stages_done(summary)
    left = [stage for stage in STAGES if stage not in done]
    return left[0] if done and left else None


def stages_done(summary: dict[str, Any]) -> list[str]:
    """Return the names of the stages that a run summary records."""
    records = summary.get("stages")
    known = records if isinstance(records, list) else []
    return [record["stage"] for record in known if isinstance(record, dict) and "stage" in record]


def replay_input(target: Target, letter: Letter, summary: dict[str, Any]) -> dict[str, Any]:
    """Return the failed execution's event, with word of the replay; a merge stays a merge."""
    event = {name: value for name, value in _of_version(letter).items() if name != REPLAY}
    of = execution_arn(target.state_machine_arn, letter.execution_arn or letter.name)
    merge = {REPLAY_QUARANTINE: letter.quarantine} if letter.quarantine else {}
    return event | {REPLAY: {REPLAY_OF: of, REPLAY_RUN: summary} | merge}


def _of_version(letter: Letter) -> dict[str, Any]:
    """Return the letter's event with the version that failed: the key may have a newer one now."""
    event, named = letter.event or {}, event_object(letter.event)
    if not named or not letter.version_id or named.get("version-id"):
        return event
    of_version = named | {"version-id": letter.version_id}
    return event | {"detail": event["detail"] | {"object": of_version}}


def _handed_on(letter: Letter) -> dict[str, Any]:
    """Return the summary that the failed execution was itself to take up, if it was a replay."""
    replay = (letter.event or {}).get(REPLAY)
    summary = replay.get(REPLAY_RUN) if isinstance(replay, dict) else None
    return summary if isinstance(summary, dict) else {}


def _summary_in_history(target: Target, letter: Letter) -> dict[str, Any]:
    if letter.execution_arn is None:
        return {}
    arn = execution_arn(target.state_machine_arn, letter.execution_arn)
    try:
        return last_summary(state_runs(history(target.cloud.stepfunctions(), arn)))
    except ClientError as error:
        if error.response["Error"].get("Code") not in UNKNOWN_EXECUTION:
            raise
        return {}


def _with_event(target: Target, letter: Letter) -> Letter:
    """Return the letter with its event: an input of many kilobytes is left out by EventBridge."""
    if letter.event is not None or letter.execution_arn is None:
        return letter
    arn = execution_arn(target.state_machine_arn, letter.execution_arn)
    try:
        found = target.cloud.stepfunctions().describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"].get("Code") not in UNKNOWN_EXECUTION:
            raise
        return letter
    return with_event(letter, found.get("input", ""))


def _superseded(target: Target, entry_id: str, letter: Letter) -> str | None:
    """Say why a replay would overwrite a newer version of the file; None if it would not."""
    if letter.bucket is None or letter.key is None:
        return None
    try:
        source = replace(source_of_event(letter.event or {}), version_id=letter.version_id)
        dataset = source.dataset
    except PipelineError:
        return None  # the first stage says what is wrong with it, better than we could
    manifest = committed(target, dataset, source)
    if manifest is None:
        return None
    theirs = source_of(manifest["run"])
    if is_same_version(source, theirs) or not theirs.is_newer_than(source):
        return None
    return (
        f"a newer version of s3://{letter.bucket}/{letter.key} was committed at "
        f"{manifest.get('committed_at')}, so this one is not wanted any more. Give it up: "
        f"{command('dead-letters discard')} {entry_id}"
    )


def _bytes(document: Any) -> int:
    return len(json.dumps(document, ensure_ascii=False).encode())
