"""What is known of a failed run, gathered by small states for the dead letter and the alert.

A path that leads nowhere, or text that is no JSON where JSON is read, fails an execution past every
Catch, and with it the alert. So nothing here is read before a Choice has seen it, unless the state
machine itself put it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_stepfunctions as sfn

from infra.machine.alert_text import NO_DATASET, NO_FILE, NO_MESSAGE, NO_ROWS, ROWS
from infra.machine.stage_chain import RUN, is_text
from pipeline.accounting import RowCounts
from pipeline.errors import PipelineError, leaf_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

CAUSE: Final = "$.failure.Cause"
EXCEPTION_TEXT: Final = "$.exception.cause.errorMessage"
DOCUMENT: Final = "$.told.document"
"""What the exception told (ADR 0006): `message`, the prose, and perhaps `run`."""
ROW_COUNTS: Final = tuple(RowCounts().to_json())


def failure_facts(scope: Construct, *, then: sfn.IChainable) -> sfn.Choice:
    """First of the states that turn what Catch put at `$.failure` into what is told of it.

    They read `$.verdict.status_code` beside it, and leave at `$.failure` the fields of ADR 0001
    and the letter's own: `stage`, `error`, `message`, `status_code`, `dataset`, `source`,
    `run_id`, `rows` and `rejects`; with them `words`, in which the alert tells the last five.
    """
    return _what_was_told(scope, then=_what_was_running(scope, then=then))


def _what_was_told(scope: Construct, *, then: sfn.IChainable) -> sfn.Choice:
    """States that put the prose, and the run that our own exceptions carry, at `$.told`."""
    at = sfn.JsonPath.string_at
    exception = {"cause": sfn.JsonPath.string_to_json(at(CAUSE))}
    document = {"document": sfn.JsonPath.string_to_json(at(EXCEPTION_TEXT))}
    read_exception = put(scope, "ReadException", exception, "$.exception")
    from_document = put(scope, "ReadDocument", document, "$.told")
    from_exception = put(scope, "MessageOfException", _prose(at(EXCEPTION_TEXT)), "$.told")
    from_cause = put(scope, "MessageOfCause", _prose(at(CAUSE)), "$.told")
    missing = put(scope, "MessageMissing", _prose(NO_MESSAGE), "$.told")
    for told in (from_document, from_exception, from_cause, missing):
        told.next(then)
    read_exception.next(
        sfn.Choice(scope, "IsExceptionTold")
        .when(_is_our_document(), from_document)
        .when(is_text(EXCEPTION_TEXT), from_exception)
        .otherwise(from_cause)
    )
    return (
        sfn.Choice(scope, "WhatIsKnown")
        .when(_is_exception(), read_exception)
        .when(is_text(CAUSE), from_cause)
        .otherwise(missing)
    )


def _prose(text: str) -> dict[str, object]:
    return {"document": {"message": text}}


def _is_exception() -> sfn.Condition:
    """Condition that the cause is the JSON in which Lambda tells of an exception.

    A cause that was cut off may end in any way but, nearly always, these two.
    """
    matches = sfn.Condition.string_matches
    return sfn.Condition.and_(
        is_text(CAUSE),
        sfn.Condition.or_(
            matches(CAUSE, '{*"errorMessage"*"}'), matches(CAUSE, '{*"errorMessage"*]}')
        ),
    )


def _is_our_document() -> sfn.Condition:
    """Condition that the exception's text is the document that our own ones carry.

    A foreign exception's text may look like it and be no JSON: only names of the tree are believed.
    """
    return sfn.Condition.and_(
        is_text(EXCEPTION_TEXT),
        sfn.Condition.string_matches(EXCEPTION_TEXT, '{"message": "*", "run": {*}}'),
        is_error(leaf_names(PipelineError)),
    )


def _what_was_running(scope: Construct, *, then: sfn.IChainable) -> sfn.Choice:
    """States that say which run, of which file, failed, by the best that is known."""
    told = f"{DOCUMENT}.run"
    bucket, key = "$.event.detail.bucket.name", "$.event.detail.object.key"
    at = sfn.JsonPath.string_at
    file = _of_file(_address(bucket, key), bucket=at(bucket), key=at(key))

    def shaped(name: str, about: Mapping[str, object]) -> sfn.Chain:
        return put(scope, name, _failure(about), "$.failure").next(then)

    return (
        sfn.Choice(scope, "WhatWasRunning")
        .when(_is_run(told), shaped("RunOfFailure", _of_run(told)))
        .when(_is_run(RUN), shaped("RunOfState", _of_run(RUN)))
        .when(sfn.Condition.and_(is_text(bucket), is_text(key)), shaped("FileOfEvent", file))
        .otherwise(shaped("FileUnknown", _of_file(NO_FILE)))
    )


def _is_run(path: str) -> sfn.Condition:
    """Condition that at `path` there is all of a run that is going to be read."""
    fields = ("run_id", "dataset", "source.bucket", "source.key", "rejects.quarantine")
    counts = (f"rows.{name}" for name in ROW_COUNTS)
    return sfn.Condition.and_(
        *(sfn.Condition.is_present(f"{path}.{field}") for field in (*fields, *counts))
    )


def _of_run(path: str) -> dict[str, object]:
    """Letter's own fields, and the words for them, of the run at `path`."""
    at = sfn.JsonPath.object_at
    counts = (sfn.JsonPath.number_at(f"{path}.rows.{name}") for name in ROW_COUNTS)
    rejects = sfn.JsonPath.json_to_string(at(f"{path}.rejects.quarantine"))
    rows = sfn.JsonPath.format(ROWS, *(str(count) for count in counts), rejects)
    file = _address(f"{path}.source.bucket", f"{path}.source.key")
    return {
        **{name: at(f"{path}.{name}") for name in ("dataset", "source", "run_id", "rows")},
        "rejects": at(f"{path}.rejects"),
        "words": {"dataset": at(f"{path}.dataset"), "file": file, "rows": rows},
    }


def _of_file(address: str, *, bucket: str = "", key: str = "") -> dict[str, object]:
    """Letter's own fields, and the words for them, where no run is known."""
    return {
        "dataset": "",
        # The library leaves nulls out of what it writes: an empty text stands for "not known".
        "source": {"bucket": bucket, "key": key, "version_id": ""},
        "run_id": "",
        "rows": {},
        "rejects": {},
        "words": {"dataset": NO_DATASET, "file": address, "rows": NO_ROWS},
    }


def _address(bucket: str, key: str) -> str:
    at = sfn.JsonPath.string_at
    return sfn.JsonPath.format("s3://{}/{}", at(bucket), at(key))


def _failure(about: Mapping[str, object]) -> dict[str, object]:
    """Failure as the dead letter and the end of the execution carry it."""
    return {
        "stage": sfn.JsonPath.string_at("$.current.stage"),
        "error": sfn.JsonPath.string_at("$.failure.Error"),
        "message": sfn.JsonPath.string_at(f"{DOCUMENT}.message"),
        "status_code": sfn.JsonPath.number_at("$.verdict.status_code"),
        **about,
    }


def is_error(names: tuple[str, ...]) -> sfn.Condition:
    """Condition that the error is one of these."""
    return sfn.Condition.or_(
        *(sfn.Condition.string_equals("$.failure.Error", name) for name in names)
    )


def put(scope: Construct, name: str, parameters: Mapping[str, object], result: str) -> sfn.Pass:
    """State that puts `parameters` at the path `result`."""
    return sfn.Pass(scope, name, parameters=parameters, result_path=result)
