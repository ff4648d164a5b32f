"""The three buckets: what comes in, what goes out, and what travels between the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

if TYPE_CHECKING:
    from infra.settings import Settings

ABORT_UPLOADS_AFTER = Duration.days(7)


class Storage(Construct):
    """Input, output and staging bucket: encrypted, private, reachable over TLS only."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self.input = self._lasting_bucket("Input", settings)
        self.output = self._lasting_bucket("Output", settings)
        self.staging = self._bucket(
            "Staging",
            settings,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(settings.staging_expiry_days),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )

    def _lasting_bucket(self, name: str, settings: Settings) -> s3.Bucket:
        """Versioned bucket that tells EventBridge about its objects."""
        bucket = self._bucket(
            name,
            settings,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=ABORT_UPLOADS_AFTER)
            ],
        )
        # The L2 option of the same purpose brings a function with a role over all buckets.
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
        return bucket

    def _bucket(
        self,
        name: str,
        settings: Settings,
        *,
        lifecycle_rules: list[s3.LifecycleRule],
        versioned: bool = False,
    ) -> s3.Bucket:
        """Bucket with what all three have in common."""
        return s3.Bucket(
            self,
            name,
            versioned=versioned,
            lifecycle_rules=lifecycle_rules,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=settings.tls_only,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=settings.removal_policy,
        )


def reading(bucket: s3.Bucket, pattern: str) -> iam.PolicyStatement:
    """Permission to read the objects (and their versions) whose keys match `pattern`."""
    return iam.PolicyStatement(
        actions=["s3:GetObject", "s3:GetObjectVersion"],
        resources=[bucket.arn_for_objects(pattern)],
    )


def writing(bucket: s3.Bucket, pattern: str) -> iam.PolicyStatement:
    """Permission to write objects whose keys match `pattern`, in parts too."""
    return iam.PolicyStatement(
        actions=["s3:PutObject", "s3:AbortMultipartUpload"],
        resources=[bucket.arn_for_objects(pattern)],
    )


def hiding(bucket: s3.Bucket, pattern: str) -> iam.PolicyStatement:
    """Permission to hide objects whose keys match `pattern`: in versioned buckets they stay."""
    return iam.PolicyStatement(
        actions=["s3:DeleteObject"], resources=[bucket.arn_for_objects(pattern)]
    )


def deleting(bucket: s3.Bucket, pattern: str) -> iam.PolicyStatement:
    """Permission to hide objects whose keys match `pattern`, and to undo single versions."""
    return iam.PolicyStatement(
        actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
        resources=[bucket.arn_for_objects(pattern)],
    )


def listing(bucket: s3.Bucket, *prefixes: str) -> iam.PolicyStatement:
    """Permission to list keys below `prefixes`, to tell a missing key from a forbidden one."""
    return iam.PolicyStatement(
        actions=["s3:ListBucket"],
        resources=[bucket.bucket_arn],
        conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
    )
