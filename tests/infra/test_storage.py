from __future__ import annotations

import pytest

from tests.infra.synthesis import Template, properties, resources

TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}
BUCKETS = ("StorageInput", "StorageOutput", "StorageStaging")


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_is_encrypted_and_private(aws_template: Template, name: str) -> None:
    bucket = properties(aws_template, "AWS::S3::Bucket", name)
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_refuses_plain_http(aws_template: Template, name: str) -> None:
    policy = properties(aws_template, "AWS::S3::BucketPolicy", f"{name}Policy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Action"] == "s3:*"
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Condition"] == TLS_ONLY


@pytest.mark.parametrize("name", ["StorageInput", "StorageOutput"])
def test_lasting_bucket_is_versioned_and_tells_eventbridge(
    aws_template: Template, name: str
) -> None:
    bucket = properties(aws_template, "AWS::S3::Bucket", name)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }


def test_staging_expires_with_what_was_never_finished(aws_template: Template) -> None:
    bucket = properties(aws_template, "AWS::S3::Bucket", "StorageStaging")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == 14
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_data_outlives_the_stack_in_aws_and_not_on_a_laptop(
    aws_template: Template, local_template: Template
) -> None:
    for kind in ("AWS::S3::Bucket", "AWS::SQS::Queue"):
        kept = {found["DeletionPolicy"] for found in resources(aws_template, kind).values()}
        gone = {found["DeletionPolicy"] for found in resources(local_template, kind).values()}
        assert (kept, gone) == ({"Retain"}, {"Delete"})


def test_nothing_is_done_by_custom_resources(aws_template: Template) -> None:
    kinds = {resource["Type"] for resource in aws_template["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::"))}
    assert len(resources(aws_template, "AWS::Lambda::Function")) == 5


@pytest.mark.parametrize("name", ["MessagingDeadLetters", "MessagingUndeliveredEvents"])
def test_queue_is_encrypted_keeps_two_weeks_and_refuses_plain_http(
    aws_template: Template, name: str
) -> None:
    queue = properties(aws_template, "AWS::SQS::Queue", name)
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    policy = properties(aws_template, "AWS::SQS::QueuePolicy", f"{name}Policy")
    denials = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert [denial["Condition"] for denial in denials] == [TLS_ONLY]


def test_topic_refuses_plain_http_and_has_no_key_that_could_silence_it(
    aws_template: Template,
) -> None:
    topic = properties(aws_template, "AWS::SNS::Topic", "MessagingAlerts")
    assert "KmsMasterKeyId" not in topic
    policy = properties(aws_template, "AWS::SNS::TopicPolicy", "MessagingAlertsPolicy")
    denials = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert [denial["Condition"] for denial in denials] == [TLS_ONLY]
