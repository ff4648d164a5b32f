"""Find executions, and know them again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli.errors import CliError, NotFoundError
from cli.paths import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from types_boto3_stepfunctions import SFNClient
    from types_boto3_stepfunctions.type_defs import (
        DescribeExecutionOutputTypeDef,
    )

    from cli.target import Target
    from cli.upload import Uploaded

LAST: Final = "last"
UNKNOWN_EXECUTION: Final = ("ExecutionDoesNotExist", "InvalidArn")
PAGE: Final = 100
LISTED: Final = 1000
"""Most executions, or events of one, that one request may list."""


class ExecutionFinder:
    """Finds the executions that the events of our own uploads start.

    An event's target cannot name its execution, so the executions that begin after the upload
    are looked at one by one, each once. Create the finder before the upload: what it sees then
    belongs to earlier uploads of the same object.
    """

    def __init__(self, target: Target) -> None:
        self._client = target.cloud.stepfunctions()
        self._machine = target.state_machine_arn
        self._before = set(next(iter(self._pages()), []))
        self._inputs: dict[str, dict[str, Any]] = {}

    def find(self, uploaded: Uploaded) -> str | None:
        """ARN of the execution that this upload started; None if there is none yet."""
        for arn in self._started_since():
            if arn not in self._inputs:
                self._inputs[arn] = _object(self._client.describe_execution(executionArn=arn))
        found = (arn for arn, started_by in self._inputs.items() if is_about(started_by, uploaded))
        return next(found, None)

    def _started_since(self) -> list[str]:
        """Return the ARNs of executions that were not there before, page by page."""
        started: list[str] = []
        for arns in self._pages():
            started += [arn for arn in arns if arn not in self._before]
            if not self._before.isdisjoint(arns):
                break  # the latest come first: whatever follows is older still
        return started

    def _pages(self) -> Iterator[list[str]]:
        """ARNs of all executions, the latest first, a page at a time."""
        pages = self._client.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine, PaginationConfig={"PageSize": PAGE}
        )
        for page in pages:
            yield [item["executionArn"] for item in page["executions"]]


def is_about(started_by: Mapping[str, Any], uploaded: Uploaded) -> bool:
    """Whether the event's `{bucket, object}` is this very version of the object."""
    item = started_by.get("object", {})
    if started_by.get("bucket", {}).get("name") != uploaded.bucket:
        return False
    if item.get("key") != uploaded.key or item.get("etag", "").strip('"') != uploaded.etag:
        return False
    # Some event sources leave the version out; where both name one, it decides.
    named = item.get("version-id")
    return not named or not uploaded.version_id or bool(named == uploaded.version_id)


def source_of(described: DescribeExecutionOutputTypeDef) -> dict[str, Any]:
    """Bucket, key and version of the object that an execution is about."""
    started_by = _object(described)
    item = started_by.get("object", {})
    return {
        "bucket": started_by.get("bucket", {}).get("name"),
        "key": item.get("key"),
        "version_id": item.get("version-id"),
    }


def history(client: SFNClient, arn: str) -> Iterator[Mapping[str, Any]]:
    """All events of an execution, oldest first."""
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": LISTED}
    )
    for page in pages:
        yield from page["events"]


def described(target: Target, name: str) -> DescribeExecutionOutputTypeDef:
    """Return the execution with this name or ARN; `last` is the one that started last."""
    client = target.cloud.stepfunctions()
    arn = _last_arn(target) if name == LAST else execution_arn(target.state_machine_arn, name)
    try:
        return client.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"].get("Code") not in UNKNOWN_EXECUTION:
            raise
        raise NotFoundError(
            f"there is no execution {name} of {target.stack}", f"List them: {command('executions')}"
        ) from error


def execution_arn(state_machine_arn: str, name: str) -> str:
    """ARN of an execution by its name; an ARN is returned as it is."""
    if name.startswith("arn:"):
        return name
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def latest_executions(target: Target, limit: int, **wanted: Any) -> list[str]:
    """ARNs of the executions that started last, the latest first.

    Step Functions lists running executions by their start and others by their end, so a page is
    read whole, and put into the order of the starts here.
    """
    pages = target.cloud.stepfunctions().get_paginator("list_executions")
    found = pages.paginate(
        stateMachineArn=target.state_machine_arn,
        PaginationConfig={"MaxItems": max(limit, LISTED), "PageSize": LISTED},
        **wanted,
    )
    listed = [item for page in found for item in page["executions"]]
    listed.sort(key=lambda item: item["startDate"], reverse=True)
    return [item["executionArn"] for item in listed[:limit]]


def _last_arn(target: Target) -> str:
    latest = latest_executions(target, 1)
    if not latest:
        raise CliError("there is no execution yet", f"Start one: {command('run FILE')}")
    return latest[0]


def _object(described_execution: DescribeExecutionOutputTypeDef) -> dict[str, Any]:
    """Return the `{bucket, object}` of the event that started an execution; empty if no event."""
    try:
        detail = json.loads(described_execution.get("input", "{}"))["detail"]
    except (ValueError, KeyError, TypeError):
        return {}
    return detail if isinstance(detail, dict) else {}
