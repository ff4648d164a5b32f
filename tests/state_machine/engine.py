"""Executions of the real definition, in which the functions' answers are scripted.

MiniStack runs the states, the queue and the topic; in place of invoking a function it gives the
answers of a mock configuration, whose format is that of AWS Step Functions Local.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from infra.packaging.assets import local_bootstrap
from pipeline.constants import (
    ENV_LOCAL_PYTHON,
    STAGES,
    STATE_ALERT,
    STATE_DEAD_LETTER,
    STATE_NOTICE,
    SUCCEEDED,
    state_name,
)
from tests.infra.failures import run_after
from tests.infra.synthesis import Template, definition, properties, resources, text
from tests.state_machine.cases import CASES, mock_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MACHINE = "Pipeline"
FLAKY = f"""\
import time


class StorageThrottledError(Exception):
    pass


def lambda_handler(event, context):
    time.sleep(event["event"].get("sleep", 0))
    if event["attempt"] < 2:
        raise StorageThrottledError("slow down")
    return {run_after("clean", SUCCEEDED)!r}
"""
"""Function that succeeds when it is told that two attempts came before; answers where no mock does.
"""

BREAKS = {
    "StartAt": "Start",
    "States": {
        "Start": {"Type": "Pass", "Parameters": {"a.$": "States.StringToJson('{')"}, "End": True}
    },
}
"""Machine whose executions fail where no Catch can be."""

STARTS_WITHIN_S = 60
ENDS_WITHIN_S = 30


@dataclass(frozen=True)
class Ending:
    """All that can be seen of an execution that has ended."""

    arn: str
    name: str
    status: str
    error: str | None
    cause: str | None
    output: dict[str, Any]
    states: list[str]
    failed_attempts: int
    letters: list[dict[str, Any]]
    alerts: list[dict[str, str]]


class Engine:
    """The state machine in a local cloud of its own."""

    def __init__(self, endpoint: str, template: Template) -> None:
        def client(service: str) -> Any:
            untyped: Any = boto3
            return untyped.client(
                service,
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )

        self.machines, self.queues, topics = client("stepfunctions"), client("sqs"), client("sns")
        self.events = client("events")
        self.letters, self.alerts, self.endings = (
            self.queues.create_queue(QueueName=name)["QueueUrl"]
            for name in ("letters", "alerts", "endings")
        )
        topic = topics.create_topic(Name="alerts")["TopicArn"]
        topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self._arn(self.alerts))
        states = _placed(definition(template), _flaky(client("lambda")), self.letters, topic)
        self.machine = self._machine(MACHINE, states)
        self.breaks = self._machine("Breaks", BREAKS)
        self._put_rules(template, topic)
        self.alarms = client("cloudwatch")
        self.alarm = properties(template, "AWS::CloudWatch::Alarm", "AlarmsUndelivered")
        names = ("Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold")
        self.alarms.put_metric_alarm(
            AlarmName="undelivered",
            AlarmActions=[topic],
            OKActions=[topic],
            ComparisonOperator=self.alarm["ComparisonOperator"],
            AlarmDescription=text(self.alarm["AlarmDescription"]),
            **{name: self.alarm[name] for name in names},
        )

    def _machine(self, name: str, states: dict[str, Any]) -> str:
        made = self.machines.create_state_machine(
            name=name,
            definition=json.dumps(states),
            roleArn="arn:aws:iam::000000000000:role/any",
        )
        return str(made["stateMachineArn"])

    def _put_rules(self, template: Template, topic: str) -> None:
        """Put the template's rules for endings that no Catch sees, and one that sees them all.

        The last one's message comes when the others have done what they do.
        """
        self.uncaught = [
            rule["Properties"]
            for logical_id, rule in resources(template, "AWS::Events::Rule").items()
            if logical_id.startswith("Uncaught")
        ]
        for number, rule in enumerate(self.uncaught):
            rule["EventPattern"]["detail"]["stateMachineArn"] = [self.machine, self.breaks]
            for target in rule["Targets"]:
                letters = text(target["Arn"]).startswith("<MessagingDeadLetters")
                target["Arn"] = self._arn(self.letters) if letters else topic
                target["InputTransformer"]["InputTemplate"] = text(
                    target["InputTransformer"]["InputTemplate"]
                )
                del target["DeadLetterConfig"]
            self._put_rule(f"uncaught-{number}", rule["EventPattern"], rule["Targets"])
        endings = {"source": ["aws.states"], "detail": {"status": [{"anything-but": "RUNNING"}]}}
        self._put_rule("endings", endings, [{"Id": "0", "Arn": self._arn(self.endings)}])

    def _put_rule(self, name: str, pattern: object, targets: list[dict[str, Any]]) -> None:
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=name, Targets=targets)

    def run(self, case: str, event: object) -> Ending:
        """Ending of an execution in which the functions answer as `case` says."""
        assert case in CASES
        return self._ending(self._started(f"{self.machine}#{case}", event))

    def abort(self, event: object) -> Ending:
        """Ending of an execution that is stopped while its first stage works."""
        arn = self._started(self.machine, event)
        self.machines.stop_execution(executionArn=arn)
        return self._ending(arn)

    def break_(self, event: object) -> Ending:
        """Ending of an execution that fails where no Catch can be."""
        return self._ending(self._started(self.breaks, event))

    def told_by_alarm(self, state: str) -> list[dict[str, Any]]:
        """What people are told when the alarm gets into a state."""
        self.alarms.set_alarm_state(AlarmName="undelivered", StateValue=state, StateReason="test")
        return [json.loads(json.loads(body)["Message"]) for body in self._received(self.alerts)]

    def _started(self, machine: str, event: object) -> str:
        told = self.machines.start_execution(stateMachineArn=machine, input=json.dumps(event))
        return str(told["executionArn"])

    def _ending(self, arn: str) -> Ending:
        self._await_ending(arn)
        told = self.machines.describe_execution(executionArn=arn)
        history = self.machines.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        return Ending(
            arn=arn,
            name=told["name"],
            status=told["status"],
            error=told.get("error"),
            cause=told.get("cause"),
            output=json.loads(told.get("output") or "{}"),
            states=[
                event["stateEnteredEventDetails"]["name"]
                for event in history
                if "stateEnteredEventDetails" in event
            ],
            failed_attempts=sum(event["type"] == "TaskFailed" for event in history),
            letters=[json.loads(body) for body in self._received(self.letters)],
            alerts=[json.loads(body) for body in self._received(self.alerts)],
        )

    def _await_ending(self, arn: str) -> None:
        deadline = time.monotonic() + ENDS_WITHIN_S
        while time.monotonic() < deadline:
            ended = [json.loads(body) for body in self._received(self.endings)]
            if any(event["detail"]["executionArn"] == arn for event in ended):
                return
            time.sleep(0.02)
        raise TimeoutError(arn)

    def _received(self, queue: str) -> Iterator[str]:
        while messages := self.queues.receive_message(QueueUrl=queue).get("Messages"):
            for message in messages:
                self.queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                yield message["Body"]

    def _arn(self, queue: str) -> str:
        told = self.queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return str(told["Attributes"]["QueueArn"])


def _flaky(functions: Any) -> str:
    """ARN of the flaky function, which runs as the pipeline's own do locally."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        archive.writestr(bootstrap, local_bootstrap([]))
        archive.writestr("flaky.py", FLAKY)
    made = functions.create_function(
        FunctionName="flaky",
        Runtime="provided.al2023",
        Handler="flaky.lambda_handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": code.getvalue()},
        Timeout=30,
    )
    return str(made["FunctionArn"])


def _placed(states: dict[str, Any], function: str, queue: str, topic: str) -> dict[str, Any]:
    """Definition whose functions, queue and topic are those of the engine."""
    for stage in STAGES:
        states["States"][state_name(stage)]["Parameters"]["FunctionName"] = function
    states["States"][STATE_DEAD_LETTER]["Parameters"]["QueueUrl"] = queue
    for name in (STATE_ALERT, STATE_NOTICE):
        states["States"][name]["Parameters"]["TopicArn"] = topic
    return states


@contextmanager
def running_cloud(folder: Path) -> Iterator[str]:
    """Address of a local cloud that lives as long as the context."""
    mocks = folder / "mocks.json"
    mocks.write_text(json.dumps(mock_configuration(MACHINE)))
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_REGION": "us-east-1",
        "SFN_MOCK_CONFIG": str(mocks),
        "SFN_WAIT_SCALE": "0",  # retries do not wait
        "TMPDIR": str(folder),
        ENV_LOCAL_PYTHON: sys.executable,
    }
    with (folder / "cloud.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=os.environ | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await_health(endpoint)
        yield endpoint
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_health(endpoint: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
