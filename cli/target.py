"""The cloud that a verb works on (the local one or AWS), and what the stack made there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError

from cli.errors import CliError
from cli.local_cloud import ACCESS_KEY, ADDRESS, REGION, LocalCloud, Running
from cli.paths import command, home
from pipeline import constants

if TYPE_CHECKING:
    from types_boto3_athena import AthenaClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_glue import GlueClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

LOCAL_HOSTS: Final = (ADDRESS, "localhost", "[::1]")


@dataclass(frozen=True)
class Where:
    """What the options say about the cloud to work on."""

    profile: str | None = None
    region: str | None = None
    stack: str = constants.DEFAULT_STACK_NAME

    @property
    def is_local(self) -> bool:
        """A profile or a region means AWS; without both it is the local cloud."""
        return self.profile is None and self.region is None


@dataclass(frozen=True)
class Cloud:
    """Clients for one account and region."""

    session: boto3.Session
    endpoint_url: str | None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """Whether this is the local cloud."""
        return self.endpoint_url is not None

    @property
    def region(self) -> str:
        """The region's name."""
        return str(self.session.region_name)

    def cloudformation(self) -> CloudFormationClient:
        """Client for the stack."""
        client: CloudFormationClient = self._client("cloudformation")
        return client

    def s3(self) -> S3Client:
        """Client for the buckets."""
        client: S3Client = self._client("s3")
        return client

    def stepfunctions(self) -> SFNClient:
        """Client for the executions."""
        client: SFNClient = self._client("stepfunctions")
        return client

    def sqs(self) -> SQSClient:
        """Client for the queues of what has failed."""
        client: SQSClient = self._client("sqs")
        return client

    def athena(self) -> AthenaClient:
        """Client for queries on the output."""
        client: AthenaClient = self._client("athena")
        return client

    def glue(self) -> GlueClient:
        """Client for the catalogue of the output's tables."""
        client: GlueClient = self._client("glue")
        return client

    def functions(self) -> LambdaClient:
        """Client for the stages' functions."""
        client: LambdaClient = self._client("lambda")
        return client

    def logs(self) -> CloudWatchLogsClient:
        """Client for what the functions have logged."""
        client: CloudWatchLogsClient = self._client("logs")
        return client

    def cloudwatch(self) -> CloudWatchClient:
        """Client for the alarms."""
        client: CloudWatchClient = self._client("cloudwatch")
        return client

    def _client(self, service: str) -> Any:
        """Client of a service, made once: a follower asks for it several times a second.

        A session makes one client at a time; clients themselves are shared between threads.
        """
        with self._lock:
            if service not in self._clients:
                made = self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]
                self._clients[service] = made
            return self._clients[service]


@dataclass(frozen=True)
class Target:
    """A cloud together with the resources of a deployed stack."""

    cloud: Cloud
    stack: str
    input_bucket: str
    output_bucket: str
    staging_bucket: str
    state_machine_arn: str
    dead_letter_queue_url: str
    undelivered_events_queue_url: str
    alert_topic_arn: str


def open_cloud(where: Where) -> Cloud:
    """Clients for the cloud that the options name."""
    return _local_cloud() if where.is_local else _aws(where)


def open_target(where: Where) -> Target:
    """Return the cloud that the options name, with the resources of the stack."""
    cloud = open_cloud(where)
    outputs = stack_outputs(cloud, where.stack)
    try:
        return Target(
            cloud=cloud,
            stack=where.stack,
            input_bucket=outputs[constants.OUTPUT_INPUT_BUCKET],
            output_bucket=outputs[constants.OUTPUT_OUTPUT_BUCKET],
            staging_bucket=outputs[constants.OUTPUT_STAGING_BUCKET],
            state_machine_arn=outputs[constants.OUTPUT_STATE_MACHINE_ARN],
            dead_letter_queue_url=outputs[constants.OUTPUT_DEAD_LETTER_QUEUE_URL],
            undelivered_events_queue_url=outputs[constants.OUTPUT_UNDELIVERED_EVENTS_QUEUE_URL],
            alert_topic_arn=outputs[constants.OUTPUT_ALERT_TOPIC_ARN],
        )
    except KeyError as missing:
        raise CliError(
            f"the stack {where.stack} has no output {missing}",
            "Is it another product's stack, or not deployed to the end? Name ours with --stack",
        ) from None


def stack_outputs(cloud: Cloud, stack: str) -> dict[str, str]:
    """Return the outputs of the deployed stack, by name."""
    try:
        found = cloud.cloudformation().describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"].get("Code") != "ValidationError":
            raise
        found = []
    if not found:
        deploy = command("up") if cloud.is_local else "npx cdk deploy"
        raise CliError(f"there is no stack {stack} in {cloud.region}", f"Deploy it: {deploy}")
    return {item["OutputKey"]: item["OutputValue"] for item in found[0].get("Outputs", [])}


def local_cloud_at(running: Running) -> Cloud:
    """Clients for a running local cloud, whatever AWS settings this shell has."""
    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=ACCESS_KEY, region_name=REGION
    )
    return Cloud(session=session, endpoint_url=running.endpoint_url)


def _local_cloud() -> Cloud:
    running = LocalCloud(home()).running()
    if running is None:
        raise CliError("the local cloud is not running", f"Start it: {command('up')}")
    return local_cloud_at(running)


def _aws(where: Where) -> Cloud:
    """Clients for AWS; refuses a shell whose AWS settings still mean the local cloud."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if any(host in endpoint for host in LOCAL_HOSTS):
        raise CliError(
            f"this shell sends AWS calls to the local cloud (AWS_ENDPOINT_URL={endpoint})",
            "For AWS: unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY",
        )
    session = boto3.Session(profile_name=where.profile, region_name=where.region)
    if not session.region_name:
        raise CliError("no region is set", "Add --region, or a region to the profile")
    return Cloud(session=session, endpoint_url=None)
