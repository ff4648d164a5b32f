"""Dead letters: what each message says.

Nothing that lies in a queue may break the list of what lies there, so every field is taken for
what it might be. docs/adr/0006 tells the letters' shape.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from cli.history import prose
from cli.outcome import dataset_of_key
from pipeline.constants import (
    DEAD_LETTER_SCHEMA_VERSION,
    LINEAGE_PREFIX,
    REPLAY,
    REPLAY_QUARANTINE,
    UNKNOWN_STAGE,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cli.queues import Message

FAILED: Final = "failed"
UNCAUGHT: Final = "uncaught"
UNDELIVERED: Final = "undelivered"
LINEAGE: Final = "lineage"
OTHER: Final = "other"

STATUS_CHANGE: Final = "Step Functions Execution Status Change"
UNREADABLE: Final = "Unreadable"


@dataclass(frozen=True)
class Letter:
    """One message about one failure.

    `event` is the input to start an execution with, None where there is none; `run` the last run
    summary known, empty if none is.
    """

    message: Message
    kind: str
    error: str
    text: str
    execution_arn: str | None = None
    dataset: str | None = None
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None
    run_id: str | None = None
    stage: str | None = None
    status_code: int = 500
    rows: dict[str, Any] = field(default_factory=dict)
    rejects: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    event: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Name of the execution that failed; of the message, where none began."""
        return self.execution_arn.rsplit(":", 1)[-1] if self.execution_arn else self.message.id

    @property
    def failed_at(self) -> datetime:
        """When the letter was sent, which is when the failure was known."""
        return self.message.sent_at

    @property
    def etag(self) -> str | None:
        """ETag of the object's version, as the event names it."""
        etag = _text(event_object(self.event).get("etag"))
        return etag.strip('"') if etag else None

    @property
    def quarantine(self) -> str | None:
        """Id of the run whose rejected rows were to be merged, if the execution was a merge."""
        return _text(_object((self.event or {}).get(REPLAY)).get(REPLAY_QUARANTINE))


def letter_of(message: Message) -> Letter:
    """Return what a message says; never raises, whatever it holds."""
    try:
        document = json.loads(message.body)
    except (ValueError, RecursionError):
        return _unreadable(message, "The message is no JSON.")
    if not isinstance(document, dict):
        return _unreadable(message, "The message is no JSON object.")
    if "failure" in document and "event" in document:
        return _dead_letter(message, document)
    if document.get("detail-type") == STATUS_CHANGE:
        return _undelivered_letter(message, _object(document.get("detail")))
    if "requestPayload" in document:
        return _failed_invocation(message, document)
    return _about_object(message, document)


def with_event(letter: Letter, text: str) -> Letter:
    """Return a letter that came without its event, with the execution's input as that."""
    event = _event(text)
    key = _text(event_object(event).get("key"))
    return replace(
        letter,
        event=event,
        dataset=letter.dataset or dataset_of_key(key),
        bucket=letter.bucket or _bucket(event),
        key=letter.key or key,
        version_id=letter.version_id or _version(event),
    )


def event_object(event: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the object that an S3 event speaks of; empty if it is something else."""
    return _object(_object((event or {}).get("detail")).get("object"))


def _dead_letter(message: Message, document: Mapping[str, Any]) -> Letter:
    """Letter that the state machine or the rule about uncaught failures has sent."""
    version = str(document.get("schema_version"))
    if not version.isdecimal() or int(version) > int(DEAD_LETTER_SCHEMA_VERSION):
        reason = f"Its schema version {version} is unknown to this command: bring it up to date."
        return _unreadable(message, reason)
    failure, run = _object(document.get("failure")), _object(document.get("run"))
    event, execution = _event(document.get("event")), _object(document.get("execution"))
    source = _object(document.get("source")) or _object(run.get("source"))
    key = _text(source.get("key")) or _text(event_object(event).get("key"))
    stage = _text(failure.get("stage"))
    return Letter(
        message=message,
        kind=UNCAUGHT if stage == UNKNOWN_STAGE else FAILED,
        error=_text(failure.get("error")) or "Unknown",
        text=prose(_text(failure.get("message")) or ""),
        execution_arn=_text(execution.get("arn")) or _text(execution.get("name")),
        dataset=_text(document.get("dataset")) or _text(run.get("dataset")) or dataset_of_key(key),
        bucket=_text(source.get("bucket")) or _bucket(event),
        key=key,
        version_id=_text(source.get("version_id")) or _version(event),
        run_id=_text(document.get("run_id")) or _text(run.get("run_id")),
        stage=stage,
        status_code=_number(failure.get("status_code"), 500),
        rows=_object(document.get("rows")) or _object(run.get("rows")),
        rejects=_object(document.get("rejects")) or _object(run.get("rejects")),
        run=run,
        event=event,
    )


def _undelivered_letter(message: Message, detail: Mapping[str, Any]) -> Letter:
    """Letter (or alert) about an uncaught failure that EventBridge could not deliver itself."""
    event = _event(detail.get("input"))
    key = _text(event_object(event).get("key"))
    return Letter(
        message=message,
        kind=UNCAUGHT,
        error=_text(detail.get("error")) or _text(detail.get("status")) or "Unknown",
        text="The execution ended without an answer from any stage, and EventBridge could not "
        f"tell: {_reason(message)}",
        execution_arn=_text(detail.get("executionArn")),
        dataset=dataset_of_key(key),
        bucket=_bucket(event),
        key=key,
        version_id=_version(event),
        stage=UNKNOWN_STAGE,
        event=event,
    )


def _undelivered_event(message: Message, event: dict[str, Any]) -> Letter:
    """Event about an upload that never started an execution."""
    key = _text(event_object(event).get("key"))
    return Letter(
        message=message,
        kind=UNDELIVERED,
        error=message.attributes.get("ERROR_CODE") or "Undelivered",
        text=f"EventBridge could not start an execution for this upload: {_reason(message)}",
        dataset=dataset_of_key(key),
        bucket=_bucket(event),
        key=key,
        version_id=_version(event),
        event=event,
    )


def _about_object(message: Message, event: dict[str, Any]) -> Letter:
    """Letter for an event of S3's that EventBridge could not deliver."""
    key = _text(event_object(event).get("key"))
    if key is None:
        reason = "The message is neither a dead letter nor an event about a file."
        return _unreadable(message, reason)
    if key.startswith(LINEAGE_PREFIX):
        return _unsent_lineage(message, event, _reason(message))
    return _undelivered_event(message, event)


def _failed_invocation(message: Message, record: Mapping[str, Any]) -> Letter:
    """Letter of Lambda's about an event that a function has failed at, each time it was tried."""
    event, answer = _object(record.get("requestPayload")), _object(record.get("responsePayload"))
    if not (_text(event_object(event).get("key")) or "").startswith(LINEAGE_PREFIX):
        return _unreadable(
            message, "The message is about a function that is none of the pipeline's."
        )
    reason = _text(answer.get("errorMessage")) or "it gave no reason"
    return _unsent_lineage(message, event, reason, error=_text(answer.get("errorType")))


def _unsent_lineage(
    message: Message, event: dict[str, Any], reason: str, *, error: str | None = None
) -> Letter:
    """OpenLineage event of a commit that did not reach its receiver."""
    key = _text(event_object(event).get("key")) or ""
    return Letter(
        message=message,
        kind=LINEAGE,
        error=error or message.attributes.get("ERROR_CODE") or "Undelivered",
        text=f"The lineage event of a run was not sent; the run itself is done: {reason}",
        dataset=key.removeprefix(LINEAGE_PREFIX).partition("/")[0],
        bucket=_bucket(event),
        key=key,
        version_id=_version(event),
        run_id=key.rpartition("/")[2].removesuffix(".json"),
        event=event,
    )


def _unreadable(message: Message, reason: str) -> Letter:
    """Letter for a message that nobody here can read, with what EventBridge noted about it."""
    noted = f" EventBridge noted: {_reason(message)}" if message.attributes else ""
    return Letter(
        message=message,
        kind=OTHER,
        error=message.attributes.get("ERROR_CODE") or UNREADABLE,
        text=f"{reason}{noted}",
    )


def _reason(message: Message) -> str:
    """Say why EventBridge gave up, as far as it noted that."""
    noted = message.attributes
    said = noted.get("ERROR_MESSAGE") or noted.get("ERROR_CODE") or "it gave no reason"
    target = noted.get("TARGET_ARN")
    return f"{said} (target {target})" if target else said


def _event(value: Any) -> dict[str, Any] | None:
    """Return an execution's input, which some letters hold as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) and value else None


def _bucket(event: Mapping[str, Any] | None) -> str | None:
    detail = _object((event or {}).get("detail"))
    return _text(_object(detail.get("bucket")).get("name"))


def _version(event: Mapping[str, Any] | None) -> str | None:
    return _text(event_object(event).get("version-id"))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise
