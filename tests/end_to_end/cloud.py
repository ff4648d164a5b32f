"""A local cloud of the tests' own, driven as a user drives it: by the command and by boto3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PROJECT = Path(__file__).resolve().parents[2]
PIPELINE = Path(sys.executable).with_name("pipeline")
WAIT_SECONDS = 120.0
Found = TypeVar("Found")


@dataclass
class Ended:
    """An execution that has ended."""

    name: str
    status: str
    described: dict[str, Any]

    @property
    def output(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.described["output"])
        return document


@dataclass
class Cloud:
    """The running local cloud and everything that its stack has made."""

    home: Path
    status: dict[str, Any] = field(default_factory=dict)
    _letters: list[dict[str, Any]] = field(default_factory=list)
    _alerts: list[dict[str, Any]] = field(default_factory=list)
    _alert_queue_url: str = ""

    def cli(self, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the real command in this cloud, with more environment variables if need be."""
        return subprocess.run(
            [str(PIPELINE), *map(str, arguments)],
            env=self.environment() | more,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Variables of a shell that has never heard of AWS, but for this cloud's home."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return kept | {"LAMBDA_PIPELINES_HOME": str(self.home)}

    def start(self, *, console: bool = False) -> None:
        """Bring the cloud up, with its console or without, and listen to its alerts."""
        up = self.cli("up", "--json", *([] if console else ["--no-console"]))
        assert up.returncode == 0, up.stderr
        self.status = json.loads(up.stdout)
        self._alert_queue_url, _ = self.queue_behind_alerts("alerts-of-the-tests")

    def stop(self) -> None:
        """Stop the cloud; what it printed stays in `home`."""
        self.cli("down")

    def client(self, service: str) -> Any:
        """Make a boto3 client of this cloud."""
        return client_of(self.status, service)

    def upload(self, key: str, body: bytes) -> str:
        """Put an object into the input bucket and return its etag."""
        bucket = self.status["input_bucket"]
        return str(self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["ETag"])

    def run(self, key: str, body: bytes) -> Ended:
        """Upload an object and wait for the end of the execution that it starts."""
        before = {item["executionArn"] for item in self.executions()}
        self.upload(key, body)
        return self.ended(key, ignoring=before)

    def executions(self) -> list[dict[str, Any]]:
        """List all executions, the latest first."""
        pages = self.client("stepfunctions").get_paginator("list_executions")
        arn = self.status["state_machine_arn"]
        return [item for page in pages.paginate(stateMachineArn=arn) for item in page["executions"]]

    def ended(self, key: str, ignoring: Iterable[str] = ()) -> Ended:
        """Wait for the end of the execution that is about the key."""
        old = set(ignoring)

        def look() -> Ended | None:
            for item in self.executions():
                if item["executionArn"] in old:
                    continue
                found = self._about(item["executionArn"], key)
                if found is not None:
                    return found
                if item["status"] != "RUNNING":
                    old.add(item["executionArn"])
            return None

        return waited_for(look, f"the end of an execution about {key}")

    def _about(self, arn: str, key: str) -> Ended | None:
        described = self.client("stepfunctions").describe_execution(executionArn=arn)
        about = json.loads(described["input"]).get("detail", {}).get("object", {}).get("key")
        if about != key or described["status"] == "RUNNING":
            return None
        return Ended(described["name"], described["status"], described)

    def dead_letter(self, execution: str) -> dict[str, Any]:
        """Wait for the dead letter of an execution."""

        def look() -> dict[str, Any] | None:
            url = self.status["dead_letter_queue_url"]
            self._letters += [json.loads(body) for body in self.received(url)]
            mine = (item for item in self._letters if item["execution"]["name"] == execution)
            return next(mine, None)

        return waited_for(look, f"the dead letter of {execution}")

    def alert(self, execution: str) -> dict[str, Any]:
        """Wait for the alert that names an execution: `Subject` and `Message`."""

        def look() -> dict[str, Any] | None:
            self._alerts += [json.loads(body) for body in self.received(self._alert_queue_url)]
            return next((item for item in self._alerts if execution in item["Message"]), None)

        return waited_for(look, f"the alert about {execution}")

    def objects(self, bucket: str, prefix: str) -> list[str]:
        """List the keys below a prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        listing = pages.paginate(Bucket=self.status[bucket], Prefix=prefix)
        return [item["Key"] for page in listing for item in page.get("Contents", [])]

    def published(self) -> list[str]:
        """List all that consumers can see: processed files and manifests."""
        prefixes = ("processed/", "manifests/")
        return [key for prefix in prefixes for key in self.objects("output_bucket", prefix)]

    def read(self, address: str) -> bytes:
        """Return the bytes at `s3://bucket/key`."""
        bucket, key = address.removeprefix("s3://").split("/", 1)
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def received(self, url: str) -> list[str]:
        """Take up to ten messages out of a queue and return their bodies."""
        sqs = self.client("sqs")
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def queue_behind_alerts(self, name: str) -> tuple[str, str]:
        """Make a queue that gets what the alert topic tells; its URL, and the subscription."""
        sqs, topic = self.client("sqs"), self.status["alert_topic_arn"]
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        subscribed = self.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )
        return url, subscribed["SubscriptionArn"]


def client_of(status: dict[str, Any], service: str) -> Any:
    """Make a boto3 client of the cloud that `pipeline status --json` tells of."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=status["endpoint_url"],
        region_name=status["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def waited_for(look: Callable[[], Found | None], what: str) -> Found:
    """Return what `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {WAIT_SECONDS:.0f} s in vain for {what}")
