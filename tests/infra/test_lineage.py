"""The sender of lineage events: there only if a receiver is named, and with few rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.context_values import SettingsError
from infra.packaging.assets import staged_assets
from infra.settings import Target
from tests.infra.synthesis import (
    ROOT,
    Template,
    one_dataset,
    properties,
    resources,
    synthesised,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:marquez-AbCdEf"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(
        tmp_path_factory.mktemp("lineage"),
        openlineage_url="https://marquez.example",
        openlineage_api_key_secret=SECRET,
    )


def statements(template: Template, role: str) -> dict[str, list[str]]:
    """Resources by action, of a role's own policy."""
    found: dict[str, list[str]] = {}
    for statement in properties(template, "AWS::IAM::Policy", role)["PolicyDocument"]["Statement"]:
        actions, places = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            listed = places if isinstance(places, list) else [places]
            found.setdefault(action, []).extend(map(text, listed))
    return found


def logical_id(template: Template, kind: str, name: str) -> str:
    (found,) = (one for one in resources(template, kind) if one.startswith(name))
    return found


def test_without_a_receiver_there_is_no_sender(aws_template: Template) -> None:
    assert not [name for name in aws_template["Resources"] if name.startswith("Lineage")]


def test_new_events_and_nothing_else_reach_the_function(template: Template) -> None:
    output = logical_id(template, "AWS::S3::Bucket", "StorageOutput")
    function = logical_id(template, "AWS::Lambda::Function", "Lineage")
    queue = logical_id(template, "AWS::SQS::Queue", "MessagingUndelivered")

    rule = properties(template, "AWS::Events::Rule", "Lineage")

    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [{"Ref": output}]},
            "object": {"key": [{"prefix": "lineage/"}]},
        },
    }
    (target,) = rule["Targets"]
    assert text(target["Arn"]) == f"<{function}.Arn>"
    assert text(target["DeadLetterConfig"]["Arn"]) == f"<{queue}.Arn>"


def test_what_cannot_be_sent_is_tried_three_times_and_kept(template: Template) -> None:
    queue = logical_id(template, "AWS::SQS::Queue", "MessagingUndelivered")

    attempts = properties(template, "AWS::Lambda::EventInvokeConfig", "Lineage")

    assert attempts["MaximumRetryAttempts"] == 2
    assert text(attempts["DestinationConfig"]["OnFailure"]["Destination"]) == f"<{queue}.Arn>"


def test_alarm_of_undelivered_events_speaks_of_lineage_where_it_is_sent(
    template: Template, aws_template: Template
) -> None:
    said = [
        "lineage" in text(alarm["AlarmDescription"])
        for made in (template, aws_template)
        for alarm in [properties(made, "AWS::CloudWatch::Alarm", "AlarmsUndeliveredEvents")]
    ]
    assert said == [True, False]


def test_sender_may_read_events_and_its_key_and_nothing_else(template: Template) -> None:
    bucket = f"<{logical_id(template, 'AWS::S3::Bucket', 'StorageOutput')}.Arn>"
    queue = f"<{logical_id(template, 'AWS::SQS::Queue', 'MessagingUndelivered')}.Arn>"
    log = f"<{logical_id(template, 'AWS::Logs::LogGroup', 'Lineage')}.Arn>"

    assert statements(template, "Lineage") == {
        "s3:GetObject": [f"{bucket}/lineage/*"],
        "s3:ListBucket": [bucket],
        "secretsmanager:GetSecretValue": [SECRET],
        "logs:CreateLogStream": [log],
        "logs:PutLogEvents": [log],
        "xray:PutTraceSegments": ["*"],  # X-Ray has no resources to name
        "xray:PutTelemetryRecords": ["*"],
        "sqs:SendMessage": [queue],
        "sqs:GetQueueAttributes": [queue],
        "sqs:GetQueueUrl": [queue],
    }


def test_no_other_function_may_read_events(template: Template) -> None:
    for name in resources(template, "AWS::IAM::Policy"):
        reading = statements(template, name).get("s3:GetObject", [])
        assert name.startswith("Lineage") or not any("/lineage/" in place for place in reading)


def test_function_knows_the_address_and_the_name_of_the_key_alone(template: Template) -> None:
    function = properties(template, "AWS::Lambda::Function", "Lineage")

    assert function["Environment"]["Variables"] == {
        "LINEAGE_URL": "https://marquez.example/api/v1/lineage",
        "LINEAGE_SECRET": SECRET,
    }
    assert "Layers" not in function
    assert function["Timeout"] > 2 * (5 + 10)  # two posts at their longest


@pytest.mark.parametrize("target", ["aws", "local"])
def test_plain_http_is_for_the_local_cloud_alone(tmp_path: Path, target: str) -> None:
    context = {"openlineage_url": "http://127.0.0.1:5000", "target": target}
    if target == "aws":
        with pytest.raises(SettingsError, match="must begin with https://"):
            synthesised(tmp_path, **context)
        return

    variables = properties(synthesised(tmp_path, **context), "AWS::Lambda::Function", "Lineage")
    assert variables["Environment"]["Variables"] == {
        "LINEAGE_URL": "http://127.0.0.1:5000/api/v1/lineage"
    }


def test_customers_key_opens_events_and_queue_to_the_sender(tmp_path: Path) -> None:
    template = synthesised(
        tmp_path, openlineage_url="https://marquez.example", encryption="customer"
    )

    policy = properties(template, "AWS::IAM::Policy", "Lineage")["PolicyDocument"]["Statement"]
    uses: list[Any] = [one for one in policy if "kms:Decrypt" in one["Action"]]
    services = [text(via) for one in uses for via in _via(one)]
    assert sorted(services) == [f"{name}.<AWS::Region>.<AWS::URLSuffix>" for name in ("s3", "sqs")]


def _via(statement: Any) -> list[Any]:
    via = statement["Condition"].get("StringEquals", {}).get("kms:ViaService", [])
    return via if isinstance(via, list) else [via]


def test_senders_asset_holds_no_dataset_and_no_stage(tmp_path: Path) -> None:
    assets = staged_assets(
        root=ROOT, build=tmp_path, target=Target.AWS, compile_datasets=one_dataset
    )

    names = {str(path.relative_to(assets["lineage"])) for path in assets["lineage"].rglob("*.py")}
    assert "functions/lineage/handler.py" in names
    assert not [name for name in names if name.startswith(("functions/write", "datasets"))]
    assert not (assets["lineage"] / "datasets").exists()
