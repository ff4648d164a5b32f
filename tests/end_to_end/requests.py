"""What each action of the matrix is as a request, by somebody to a target.

Each would succeed if it were allowed, and does no harm then: what it needs was put there by the
account's root, which takes back what others might stumble over.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.end_to_end.cloud import waited_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.roles import Caller

STREAM: Final = "probe"
"""Beginning of the names of log streams that are made for the probing."""
NOTHING_TO_DO: Final = {"detail": {"bucket": {"name": "probe"}, "object": {"key": "input/probe/"}}}
"""Input of an execution about an object that is no file; it ends at once."""


@dataclass(frozen=True)
class Target:
    """A resource by its name or ARN, and of a bucket the key or prefix in it."""

    name: str
    key: str = ""
    version_id: str | None = None

    @property
    def object(self) -> dict[str, str]:
        """The object, in the words of S3's requests."""
        return {"Bucket": self.name, "Key": self.key}


def _abort_upload(caller: Caller, target: Target) -> None:
    begun = caller.account.cloud.client("s3").create_multipart_upload(**target.object)
    caller.client("s3").abort_multipart_upload(**target.object, UploadId=begun["UploadId"])


def _list(operation: str) -> Callable[[Caller, Target], None]:
    def request(caller: Caller, target: Target) -> None:
        prefix = {"Prefix": target.key} if target.key else {}
        getattr(caller.client("s3"), operation)(Bucket=target.name, **prefix)

    return request


def _object(operation: str, **more: Any) -> Callable[[Caller, Target], None]:
    def request(caller: Caller, target: Target) -> None:
        getattr(caller.client("s3"), operation)(**target.object, **more)

    return request


def _version(operation: str) -> Callable[[Caller, Target], None]:
    def request(caller: Caller, target: Target) -> None:
        getattr(caller.client("s3"), operation)(**target.object, VersionId=target.version_id)

    return request


def _send_message(caller: Caller, target: Target) -> None:
    body = json.dumps({"execution": {"name": f"probe by {caller.role}"}})
    caller.client("sqs").send_message(QueueUrl=target.name, MessageBody=body)
    root = caller.account.cloud.client("sqs")

    def receipt() -> str | None:
        asked = {"QueueUrl": target.name, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        messages = root.receive_message(**asked).get("Messages", [])
        return next((each["ReceiptHandle"] for each in messages if each["Body"] == body), None)

    root.delete_message(
        QueueUrl=target.name, ReceiptHandle=waited_for(receipt, "the probe's message")
    )


def _subscribe(caller: Caller, target: Target) -> None:
    made = caller.client("sns").subscribe(
        TopicArn=target.name, Protocol="email", Endpoint="probe@example.com"
    )
    caller.account.cloud.client("sns").unsubscribe(SubscriptionArn=made["SubscriptionArn"])


def _put_log_events(caller: Caller, target: Target) -> None:
    event = {"timestamp": int(time.time() * 1000), "message": "probe"}
    caller.client("logs").put_log_events(
        logGroupName=target.name, logStreamName=STREAM, logEvents=[event]
    )


def _put_role_policy(caller: Caller, target: Target) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    caller.client("iam").put_role_policy(
        RoleName=target.name, PolicyName="more", PolicyDocument=policy
    )


def _assume_role(caller: Caller, target: Target) -> None:
    role = caller.account.cloud.client("iam").get_role(RoleName=target.name)["Role"]
    caller.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="probe")


REQUESTS: Final[dict[str, Callable[[Caller, Target], Any]]] = {
    "s3:GetObject": _object("get_object"),
    "s3:GetObjectVersion": _version("get_object"),
    "s3:PutObject": _object("put_object", Body=b"probe"),
    "s3:AbortMultipartUpload": _abort_upload,
    "s3:DeleteObject": _object("delete_object"),
    "s3:DeleteObjectVersion": _version("delete_object"),
    "s3:ListBucket": _list("list_objects_v2"),
    "s3:ListBucketVersions": _list("list_object_versions"),
    "s3:ListAllMyBuckets": lambda caller, _: caller.client("s3").list_buckets(),
    "s3:DeleteBucket": lambda caller, bucket: caller.client("s3").delete_bucket(Bucket=bucket.name),
    "lambda:InvokeFunction": lambda caller, function: caller.client("lambda").invoke(
        FunctionName=function.name, InvocationType="DryRun"
    ),
    "lambda:GetFunction": lambda caller, function: caller.client("lambda").get_function(
        FunctionName=function.name
    ),
    "lambda:UpdateFunctionConfiguration": lambda caller, function: caller.client(
        "lambda"
    ).update_function_configuration(FunctionName=function.name),
    "states:StartExecution": lambda caller, machine: caller.client("stepfunctions").start_execution(
        stateMachineArn=machine.name, input=json.dumps(NOTHING_TO_DO)
    ),
    "states:ListExecutions": lambda caller, machine: caller.client("stepfunctions").list_executions(
        stateMachineArn=machine.name
    ),
    "sqs:SendMessage": _send_message,
    "sqs:ReceiveMessage": lambda caller, queue: caller.client("sqs").receive_message(
        QueueUrl=queue.name, VisibilityTimeout=0
    ),
    "sns:Publish": lambda caller, topic: caller.client("sns").publish(
        TopicArn=topic.name, Message="probe"
    ),
    "sns:Subscribe": _subscribe,
    "events:PutEvents": lambda caller, _: caller.client("events").put_events(
        Entries=[{"Source": "probe", "DetailType": "probe", "Detail": "{}"}]
    ),
    "logs:PutLogEvents": _put_log_events,
    "logs:CreateLogStream": lambda caller, group: caller.client("logs").create_log_stream(
        logGroupName=group.name, logStreamName=f"{STREAM}-{caller.role}"
    ),
    "logs:GetLogEvents": lambda caller, group: caller.client("logs").get_log_events(
        logGroupName=group.name, logStreamName=STREAM
    ),
    "logs:CreateLogGroup": lambda caller, group: caller.client("logs").create_log_group(
        logGroupName=group.name
    ),
    "cloudwatch:PutMetricData": lambda caller, _: caller.client("cloudwatch").put_metric_data(
        Namespace="Probe", MetricData=[{"MetricName": "probe", "Value": 1}]
    ),
    "secretsmanager:ListSecrets": lambda caller, _: caller.client("secretsmanager").list_secrets(),
    "iam:PutRolePolicy": _put_role_policy,
    "iam:ListRoles": lambda caller, _: caller.client("iam").list_roles(),
    "sts:AssumeRole": _assume_role,
}
