"""Which run is meant: an execution by its name or ARN, or a run by its id."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from cli.errors import CliError
from cli.executions import described, history, latest_executions
from cli.history import state_runs
from cli.manifests import json_object
from cli.outcome import latest_summary
from cli.paths import command
from pipeline.constants import REPORT_PREFIX, SUCCEEDED

if TYPE_CHECKING:
    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from cli.target import Target

RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
SEARCHED_FAILURES: Final = 50
"""Failed executions whose histories are read for a run's id: such a run has left no report."""


def execution_of(target: Target, name: str) -> DescribeExecutionOutputTypeDef:
    """Return the execution that a name, an ARN, `last` or a run's id stands for.

    Raises
    ------
    CliError
        If there is none.
    """
    if not RUN_ID.fullmatch(name):
        return described(target, name)
    return _reported(target, name) or _failed(target, name) or _named(target, name)


def _reported(target: Target, run_id: str) -> DescribeExecutionOutputTypeDef | None:
    """Return the execution that wrote a run's report; None if there is no such report."""
    s3 = target.cloud.s3()
    pages = s3.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=target.output_bucket, Prefix=REPORT_PREFIX, Delimiter="/"):
        for folder in page.get("CommonPrefixes", []):
            report = json_object(s3, target.output_bucket, f"{folder['Prefix']}{run_id}.json")
            if report is not None:
                return _of_report(target, report)
    return None


def _of_report(target: Target, report: dict[str, Any]) -> DescribeExecutionOutputTypeDef:
    """Return a report's execution; if Step Functions has forgotten it, what the report tells."""
    arn = str(report.get("execution_arn") or "")
    try:
        return described(target, arn)
    except CliError:
        source = report.get("source") or {}
        told = {"key": source.get("key"), "version-id": source.get("version_id")}
        event = {"detail": {"bucket": {"name": source.get("bucket")}, "object": told}}
        forgotten: Any = {
            "executionArn": arn,
            "name": arn.rpartition(":")[2],
            "status": SUCCEEDED,
            "input": json.dumps(event),
            "output": json.dumps(report),
        }
        found: DescribeExecutionOutputTypeDef = forgotten
        return found


def _failed(target: Target, run_id: str) -> DescribeExecutionOutputTypeDef | None:
    client = target.cloud.stepfunctions()
    for arn in latest_executions(target, SEARCHED_FAILURES, statusFilter="FAILED"):
        found = client.describe_execution(executionArn=arn)
        states = state_runs(history(client, arn))
        if latest_summary(found, states).get("run_id") == run_id:
            return found
    return None


def _named(target: Target, name: str) -> DescribeExecutionOutputTypeDef:
    """Return the execution of that name: one may look like the id of a run."""
    try:
        return described(target, name)
    except CliError as unknown:
        raise CliError(
            f"there is no run {name} of {target.stack}",
            f"Name its execution instead; list them: {command('executions')}",
        ) from unknown
