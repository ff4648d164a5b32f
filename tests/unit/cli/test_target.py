from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cli import target
from cli.errors import CliError
from cli.target import Where, open_target
from cli.verbs.cloud import environment, status_record

if TYPE_CHECKING:
    from pathlib import Path

OUTPUTS = {
    "InputBucket": "in",
    "OutputBucket": "out",
    "StagingBucket": "staging",
    "StateMachineArn": "arn:machine",
    "DeadLetterQueueUrl": "http://queue",
    "UndeliveredEventsQueueUrl": "http://undelivered",
    "AlertTopicArn": "arn:topic",
}


@dataclass
class FakeCloud:
    outputs: dict[str, str] = field(default_factory=lambda: dict(OUTPUTS))
    endpoint_url: str | None = "http://127.0.0.1:1"
    region: str = "us-east-1"

    @property
    def is_local(self) -> bool:
        return self.endpoint_url is not None

    def cloudformation(self) -> FakeCloud:
        return self

    def describe_stacks(self, **asked: Any) -> dict[str, Any]:
        if asked["StackName"] != "LambdaPipelines":
            error = {"Code": "ValidationError", "Message": "does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        listed = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [{"Outputs": listed}]}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    cloud = FakeCloud()
    monkeypatch.setattr(target, "open_cloud", lambda _where: cloud)
    return cloud


def test_everything_is_found_through_the_stacks_outputs(
    cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDA_PIPELINES_HOME", str(tmp_path))  # where no console runs

    record = status_record(open_target(Where()))

    assert record == {
        "running": True,
        "endpoint_url": "http://127.0.0.1:1",
        "region": "us-east-1",
        "console_url": None,
        "stack": "LambdaPipelines",
        "input_bucket": "in",
        "output_bucket": "out",
        "staging_bucket": "staging",
        "state_machine_arn": "arn:machine",
        "dead_letter_queue_url": "http://queue",
        "undelivered_events_queue_url": "http://undelivered",
        "alert_topic_arn": "arn:topic",
    }


def test_a_missing_stack_is_told_with_the_way_to_deploy_it(cloud: FakeCloud) -> None:
    with pytest.raises(CliError, match=r"no stack Other in us-east-1.*pipeline up"):
        open_target(Where(stack="Other"))
    cloud.endpoint_url = None
    with pytest.raises(CliError, match="cdk deploy"):
        open_target(Where(stack="Other"))


def test_somebody_elses_stack_is_told(cloud: FakeCloud) -> None:
    del cloud.outputs["InputBucket"]

    with pytest.raises(CliError, match="no output 'InputBucket'"):
        open_target(Where())


@pytest.mark.parametrize(
    ("where", "local"),
    [
        (Where(), True),
        (Where(stack="Other"), True),
        (Where(profile="production"), False),
        (Where(region="eu-west-1"), False),
    ],
)
def test_a_profile_or_a_region_means_aws(where: Where, local: bool) -> None:
    assert where.is_local is local


def test_a_shell_for_the_local_cloud_forgets_the_users_profile(cloud: FakeCloud) -> None:
    variables = environment(open_target(Where()), profile=None)

    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert variables["AWS_PROFILE"] is None
    assert variables["INPUT_BUCKET"] == "in"


def test_a_shell_for_aws_forgets_the_local_cloud(cloud: FakeCloud) -> None:
    cloud.endpoint_url = None

    variables = environment(open_target(Where()), profile="production")

    assert variables["AWS_ENDPOINT_URL"] is None
    assert variables["AWS_PROFILE"] == "production"
    assert "AWS_ACCESS_KEY_ID" not in variables
