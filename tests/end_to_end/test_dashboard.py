"""The deployed dashboard is about the resources that were deployed with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.dashboard.lines import entries

if TYPE_CHECKING:
    from tests.end_to_end.cloud import Cloud


def test_deployed_dashboard_names_what_was_deployed(cloud: Cloud) -> None:
    # GIVEN
    stack = cloud.status["stack"]
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack)
    ids = {one["PhysicalResourceId"] for one in resources["StackResources"]}
    names = ids | {id_.rpartition("/")[2] for id_ in ids}  # a queue's id is its URL
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=stack)["MetricAlarms"]

    # WHEN
    body = cloud.client("cloudwatch").get_dashboard(DashboardName=stack)["DashboardBody"]

    # THEN
    widgets = json.loads(body)["widgets"]
    dimensions = [entry.key[2] for widget in widgets for entry in entries(widget) if entry.metric]
    assert {stack} == {value for of in dimensions for name, value in of if name == "stack"}
    owners = {value for of in dimensions for name, value in of if name[0].isupper()}
    assert len(owners) == 5 + 1 + 2 + 1  # functions, state machine, queues, rule
    assert owners <= names
    shown = {arn for widget in widgets for arn in widget["properties"].get("alarms", [])}
    assert shown == {alarm["AlarmArn"] for alarm in alarms}
    assert "flights" in body
