"""The stages' functions as they are deployed, and what their logs tell of an attempt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli.costs.reports import Report, reports
from pipeline.constants import STAGES, state_name
from pipeline.cost import FREE_STORAGE_MB, LOG_EVENT_OVERHEAD

if TYPE_CHECKING:
    from cli.history import Attempt
    from cli.target import Cloud, Target

LATE_MS: Final = 5_000
"""Lambda writes its report after it has answered."""
MOST_PAGES: Final = 20
DENIED: Final = ("AccessDenied", "AccessDeniedException")


@dataclass(frozen=True)
class FunctionSize:
    """A stage's function as it is now."""

    name: str
    log_group: str
    memory_mb: int
    storage_mb: int = FREE_STORAGE_MB


@dataclass(frozen=True)
class Logged:
    """What the log tells of an attempt; `bytes` as CloudWatch bills them."""

    report: Report
    bytes: int


@dataclass
class FunctionLogs:
    """Reads the logs of the stages' functions; what may not be read is not there.

    `unreadable` says why there may be less than there is.
    """

    cloud: Cloud
    sizes: dict[str, FunctionSize]
    unreadable: list[str] = field(default_factory=list)

    def of_attempt(
        self, stage: str, number: int, attempt: Attempt, execution_arn: str
    ) -> Logged | None:
        """Return what the log tells of the attempt of this number (the first is 0).

        None if the log has nothing of it. A function names in its own lines the execution, the
        attempt and the request; Lambda's report names the request.
        """
        size = self.sizes.get(stage)
        if size is None or attempt.ended is None:
            return None
        messages = self._messages(
            size.log_group,
            int(attempt.started.timestamp() * 1000),
            int(attempt.ended.timestamp() * 1000) + LATE_MS,
        )
        ours = _requests(messages, execution_arn, number)
        mine = [each for each in reports(messages) if each.request_id in ours]
        if len(mine) != 1:
            return None
        lines = [text for text in messages if mine[0].request_id in text]
        return Logged(mine[0], sum(len(text.encode()) + LOG_EVENT_OVERHEAD for text in lines))

    def _messages(self, group: str, start_ms: int, end_ms: int) -> list[str]:
        pages = (
            self.cloud.logs()
            .get_paginator("filter_log_events")
            .paginate(logGroupName=group, startTime=start_ms, endTime=end_ms)
        )
        found: list[str] = []
        try:
            for page in islice(pages, MOST_PAGES):
                found += [event.get("message", "") for event in page["events"]]
        except ClientError as error:
            self.unreadable.append(f"{group}: {error.response['Error'].get('Code')}")
        return found


def _requests(messages: list[str], execution_arn: str, attempt: int) -> set[str]:
    """Ids of the requests that an attempt's own lines name."""
    found = set()
    for message in messages:
        if execution_arn not in message:
            continue
        try:
            line = json.loads(message)
        except ValueError:
            continue
        if line.get("execution_arn") == execution_arn and line.get("attempt") == attempt:
            found.add(line.get("function_request_id"))
    return found


def stage_functions(target: Target) -> dict[str, FunctionSize]:
    """Return the stages' functions by stage; those that the caller may not look at are left out."""
    machine = target.cloud.stepfunctions().describe_state_machine(
        stateMachineArn=target.state_machine_arn
    )
    states = json.loads(machine["definition"])["States"]
    found = {}
    for stage in STAGES:
        parameters = states.get(state_name(stage), {}).get("Parameters", {})
        if (name := parameters.get("FunctionName")) and (size := _size(target.cloud, name)):
            found[stage] = size
    return found


def _size(cloud: Cloud, name: str) -> FunctionSize | None:
    try:
        about: Any = cloud.functions().get_function_configuration(FunctionName=name)
    except ClientError as error:
        if error.response["Error"].get("Code") in DENIED:
            return None
        raise
    group = about.get("LoggingConfig", {}).get("LogGroup")
    return FunctionSize(
        about["FunctionName"],
        group or f"/aws/lambda/{about['FunctionName']}",
        about["MemorySize"],
        about.get("EphemeralStorage", {}).get("Size", FREE_STORAGE_MB),
    )
