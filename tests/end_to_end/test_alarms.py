"""Alarms on this machine: from the metrics that functions print to the message that a person reads.

The local cloud takes no metrics out of log lines, so the test hands them to it, as CloudWatch
does. It evaluates alarms on one metric, whatever its dimensions. It knows alarms on expressions by
name only, and its CloudFormation makes none: here they are made as the template for AWS has them,
and set by hand; `tests/infra/test_alarm_states.py` evaluates them. It does not ask the topic's
policy whether alarms may publish: `tests/infra/test_alarms.py` does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import metrics as names
from tests.end_to_end.cloud import waited_for
from tests.end_to_end.samples import flight, flights
from tests.handlers.emf import Told, told
from tests.infra.synthesis import resources, synthesised, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.cloud import Cloud

QUEUE = "alarms-of-the-tests"


@dataclass
class Subscriber:
    """A queue behind the alert topic, read for what alarms say."""

    cloud: Cloud
    url: str
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def message(self, alarm: str, state: str) -> tuple[str, dict[str, Any]]:
        """Wait for an alarm's message of a state: its subject and its document."""

        def look() -> tuple[str, dict[str, Any]] | None:
            self.heard += self._received()
            wanted = (alarm, state)
            for at, (_, document) in enumerate(self.heard):
                if (document["AlarmName"], document["NewStateValue"]) == wanted:
                    return self.heard.pop(at)
            return None

        return waited_for(look, f"the message that {alarm} is {state}")

    def _received(self) -> list[tuple[str, dict[str, Any]]]:
        envelopes = [json.loads(body) for body in self.cloud.received(self.url)]
        alarms = [one for one in envelopes if "AlarmName" in one["Message"]]
        return [(one["Subject"], json.loads(one["Message"])) for one in alarms]


@pytest.fixture(scope="module")
def subscriber(cloud: Cloud) -> Iterator[Subscriber]:
    """A subscriber of the alert topic's that goes when these tests are done."""
    url, subscription = cloud.queue_behind_alerts(QUEUE)
    yield Subscriber(cloud, url)
    cloud.client("sns").unsubscribe(SubscriptionArn=subscription)
    cloud.client("sqs").delete_queue(QueueUrl=url)


def alarms(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """Alarms of the stack, by name."""
    pages = cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
    return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}


def printed(cloud: Cloud) -> list[Told]:
    """Metrics in the lines that the functions have printed so far."""
    logs = cloud.client("logs")
    groups = logs.get_paginator("describe_log_groups").paginate()
    lines = [
        event["message"]
        for page in groups
        for group in page["logGroups"]
        for events in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"]
        )
        for event in events["events"]
    ]
    return told(json.loads(line) for line in lines if line.startswith("{"))


def put(cloud: Cloud, metric: Told, *, seconds_ago: float = 0) -> None:
    """Hand a metric to CloudWatch as the line has it."""
    datum = {
        "MetricName": metric.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        "Unit": metric.unit,
        "Value": metric.value,
        "Timestamp": datetime.now(UTC) - timedelta(seconds=seconds_ago),
    }
    cloud.client("cloudwatch").put_metric_data(Namespace="LambdaPipelines", MetricData=[datum])


@pytest.fixture(scope="module")
def metrics(cloud: Cloud) -> list[Told]:
    """Metrics of a good file's run, as the functions printed them."""
    cloud.run("input/flights/measured.csv", flights(flight(1), flight(2)))

    def look() -> list[Told] | None:
        found = printed(cloud)
        ended = any(one.metric == names.UPLOAD_TO_COMMIT.name for one in found)
        return found if ended else None

    return waited_for(look, "the metrics of a run")


@pytest.fixture
def on_expressions(cloud: Cloud, tmp_path: Path) -> Iterator[set[str]]:
    """Alarms on expressions, made by the API; their names."""
    client, topic = cloud.client("cloudwatch"), cloud.status["alert_topic_arn"]
    resources_ = resources(synthesised(tmp_path), "AWS::CloudWatch::Alarm").values()
    made = set()
    for alarm in (one["Properties"] for one in resources_ if "Metrics" in one["Properties"]):
        resolved = plain({name: value for name, value in alarm.items() if name != "Tags"})
        resolved["AlarmName"] = resolved["AlarmName"].replace("<AWS::StackName>", stack_of(cloud))
        client.put_metric_alarm(**resolved | {"AlarmActions": [topic], "OKActions": [topic]})
        made.add(resolved["AlarmName"])
    yield made
    client.delete_alarms(AlarmNames=list(made))


def stack_of(cloud: Cloud) -> str:
    return str(cloud.status["stack"])


def plain(value: Any) -> Any:
    """Properties of a resource, with references as text."""
    match value:
        case list():
            return [plain(one) for one in value]
        case dict() if not any(key == "Ref" or key.startswith("Fn::") for key in value):
            return {key: plain(one) for key, one in value.items()}
        case dict():
            return text(value)
        case _:
            return value


@dataclass(frozen=True)
class Breach:
    """A value beyond the limit of an alarm on one of our metrics."""

    alarm: str
    metric: names.MetricName
    dimensions: dict[str, str]
    value: float


@pytest.mark.parametrize(
    "breach",
    [
        Breach("WriteMemory", names.MEMORY_UTILIZATION, {"stage": "write"}, 99),
        Breach("Latency", names.UPLOAD_TO_COMMIT, {}, 400),
    ],
    ids=lambda breach: breach.alarm,
)
def test_value_beyond_the_limit_reaches_a_person_and_so_does_its_end(
    cloud: Cloud,
    subscriber: Subscriber,
    metrics: list[Told],
    breach: Breach,
) -> None:
    # GIVEN an alarm that watches what the functions print, and is content with it
    name = f"{stack_of(cloud)}-{breach.alarm}"
    defined = alarms(cloud)[name]
    watched = {one["Name"]: one["Value"] for one in defined["Dimensions"]}
    assert watched == {"stack": stack_of(cloud), **breach.dimensions}
    wanted = (breach.metric.name, breach.metric.unit, watched)
    good = next(one for one in metrics if (one.metric, one.unit, dict(one.dimensions)) == wanted)
    put(cloud, good)
    assert alarms(cloud)[name]["StateValue"] == "OK"

    # WHEN one value is beyond its limit, at the far end of the time that the alarm looks back
    put(cloud, good._replace(value=breach.value), seconds_ago=defined["Period"] - 2)

    # THEN the topic tells it, with what to do
    assert alarms(cloud)[name]["StateValue"] == "ALARM"
    subject, document = subscriber.message(name, "ALARM")
    assert subject.startswith(f'ALARM: "{name}"')
    assert "type: pipeline executions" in document["AlarmDescription"]
    assert "docs/runbook.md, section" in document["AlarmDescription"]

    # AND when that time is over, it tells that, too
    def over() -> bool | None:
        put(cloud, good)
        return alarms(cloud)[name]["StateValue"] == "OK" or None

    waited_for(over, f"the end of {name}")
    subscriber.message(name, "OK")


def test_every_alarm_reaches_the_subscriber(
    cloud: Cloud, subscriber: Subscriber, on_expressions: set[str]
) -> None:
    # WHEN each alarm is raised and ended by hand, whatever it was before
    client, found = cloud.client("cloudwatch"), alarms(cloud)
    for name in found:
        for state in ("INSUFFICIENT_DATA", "ALARM", "OK"):
            client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
    # THEN a message tells of both
    assert on_expressions < set(found)
    for name, alarm in found.items():
        for state in ("ALARM", "OK"):
            subject, document = subscriber.message(name, state)
            assert subject.startswith(f'{state}: "{name}"')
            assert document["AlarmDescription"] == alarm["AlarmDescription"]
