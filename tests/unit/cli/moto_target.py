"""Queues and buckets by moto, executions by the fake, and what lies in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3

from cli.target import Target
from pipeline.run import Source
from tests.unit.cli.fakes import MACHINE, FakeStepFunctions

REGION = "us-east-1"
INPUT, OUTPUT = "landing", "results"
EXECUTION = MACHINE.replace("stateMachine", "execution", 1)


@cache
def shared_session() -> boto3.Session:
    """Return one session for all tests: each new one reads the services' models again."""
    return boto3.Session("testing", "testing", region_name=REGION)


@dataclass(eq=False)
class MotoCloud:
    """What a verb asks a cloud for."""

    client: FakeStepFunctions = field(default_factory=FakeStepFunctions)
    is_local: bool = True
    region: str = REGION
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> boto3.Session:
        return shared_session()

    def stepfunctions(self) -> FakeStepFunctions:
        return self.client

    def s3(self) -> Any:
        return self._client("s3")

    def sqs(self) -> Any:
        return self._client("sqs")

    def _client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self.session.client(service)  # type: ignore[call-overload]
        return self.clients[service]


def moto_target(cloud: MotoCloud) -> Target:
    queues = {
        name: cloud.sqs().create_queue(QueueName=name)["QueueUrl"]
        for name in ("dead-letters", "undelivered-events")
    }
    for bucket in (INPUT, OUTPUT):
        cloud.s3().create_bucket(Bucket=bucket)
    return Target(
        cloud=cloud,  # type: ignore[arg-type]
        stack="LambdaPipelines",
        input_bucket=INPUT,
        output_bucket=OUTPUT,
        staging_bucket="staging",
        state_machine_arn=MACHINE,
        dead_letter_queue_url=queues["dead-letters"],
        undelivered_events_queue_url=queues["undelivered-events"],
        alert_topic_arn="arn:topic",
    )


def s3_event(name: str = "f.csv", **item: Any) -> dict[str, Any]:
    """EventBridge's event about an upload to the dataset flights."""
    about = {"key": f"input/flights/{name}", "size": 3, "etag": "e1", "sequencer": "0A"} | item
    return {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": INPUT}, "object": about},
    }


def source(name: str = "f.csv", **more: Any) -> Source:
    """The object that `s3_event` is about."""
    known = {"version_id": "v1", "etag": "e1", "size": 3, "sequencer": "0A"} | more
    return Source(bucket=INPUT, key=f"input/flights/{name}", **known)


def run_so_far(*stages: str) -> dict[str, Any]:
    """Run summary after some stages."""
    rows = {"read": 10, "written": 0, "rejected": 0}
    return {
        "run_id": "r" * 32,
        "dataset": "flights",
        "rows": rows,
        "stages": [{"stage": stage, "rows_in": 10, "rows_out": 10} for stage in stages],
        "source": {"bucket": INPUT, "key": "input/flights/f.csv", "version_id": "v1"},
    }


def letter_body(name: str = "first-failure", **changes: Any) -> dict[str, Any]:
    """Dead letter of the present schema, from a run that failed in `clean`."""
    return {
        "schema_version": "2",
        "execution": {"arn": f"{EXECUTION}:{name}", "name": name, "started_at": "2026-01-31"},
        "dataset": "flights",
        "source": {"bucket": INPUT, "key": "input/flights/f.csv", "version_id": "v1"},
        "run_id": "r" * 32,
        "failure": {
            "stage": "clean",
            "error": "StepError",
            "message": "Dataset flights: no column `x`. Correct the step.",
            "status_code": 400,
        },
        "rows": {"read": 10, "rejected": 2},
        "rejects": {
            "top_rules": [],
            "quarantine": ["s3://results/quarantine/flights/r/clean.jsonl"],
        },
        "run": run_so_far("validate"),
        "event": s3_event(),
    } | changes


def about(name: str, version: str = "v1") -> dict[str, Any]:
    """Fields of a letter about another file or version."""
    return {
        "source": {"bucket": INPUT, "key": f"input/flights/{name}", "version_id": version},
        "event": s3_event(name),
    }


def uncaught_body(name: str = "stopped", **changes: Any) -> dict[str, Any]:
    """Letter of EventBridge about an execution that somebody stopped."""
    return {
        "schema_version": "1",
        "execution": {"arn": f"{EXECUTION}:{name}", "name": name},
        "failure": {
            "stage": "unknown",
            "error": "ABORTED",
            "message": "The execution ended without an answer from any stage.",
            "status_code": 500,
        },
        "run": {},
        "event": json.dumps(s3_event()),
    } | changes


def send(target: Target, *bodies: dict[str, Any] | str, undelivered: bool = False) -> None:
    """Put messages into a queue."""
    url = target.undelivered_events_queue_url if undelivered else target.dead_letter_queue_url
    for body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        target.cloud.sqs().send_message(QueueUrl=url, MessageBody=text)


def send_undelivered(target: Target, body: dict[str, Any] | str, **noted: str) -> None:
    """Put a message into the queue of events that EventBridge gave up, with what it noted."""
    attributes: Any = {
        name: {"DataType": "String", "StringValue": value} for name, value in noted.items()
    }
    target.cloud.sqs().send_message(
        QueueUrl=target.undelivered_events_queue_url,
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes=attributes,
    )


def visible(target: Target) -> list[str]:
    """Bodies of the messages that anybody can receive now, from both queues."""
    client, bodies = target.cloud.sqs(), []
    for url in (target.dead_letter_queue_url, target.undelivered_events_queue_url):
        while page := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in page]
    return bodies


def put_json(target: Target, key: str, document: Any) -> None:
    body = json.dumps(document).encode()
    target.cloud.s3().put_object(Bucket=OUTPUT, Key=key, Body=body)


def commit(target: Target, of: Source, **more: Any) -> None:
    """Put the manifest of a committed run."""
    run = {"run_id": "r" * 32, "source": vars(of), "rejects": {"quarantine": []}}
    document = {
        "committed_at": "2026-01-31T12:00:00.000+00:00",
        "execution_arn": f"{EXECUTION}:committed",
        "run": run | more.pop("run", {}),
        "outputs": [],
        "merges": [],
    }
    put_json(target, f"manifests/flights/{of.source_id}.json", document | more)
