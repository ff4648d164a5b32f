"""The three buckets: what comes in, what goes out, and what travels between the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.keys import data_key

if TYPE_CHECKING:
    from infra.settings import Settings

ABORT_UPLOADS_AFTER = Duration.days(7)


class Storage(Construct):
    """Input, output and staging bucket: encrypted, private, reachable over TLS only."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self.access_logs = self._access_logs(settings) if settings.access_logs else None
        self.input = self._lasting_bucket("Input", settings)
        self.output = self._lasting_bucket("Output", settings)
        self.staging = self._data_bucket(
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
        bucket = self._data_bucket(
            name, settings, versioned=True, lifecycle_rules=[_lasting_rule(settings)]
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

    def _data_bucket(
        self,
        name: str,
        settings: Settings,
        *,
        lifecycle_rules: list[s3.LifecycleRule],
        versioned: bool = False,
    ) -> s3.Bucket:
        """Bucket with what the three that hold data have in common."""
        key = data_key(self, settings)
        return self._bucket(
            name,
            settings,
            lifecycle_rules,
            versioned=versioned,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix=f"{name.lower()}/" if self.access_logs else None,
        )

    def _access_logs(self, settings: Settings) -> s3.Bucket:
        """Bucket of the others' access logs, which live as long as the functions'.

        S3 delivers them to no bucket that is encrypted with a key of KMS.
        """
        life = Duration.days(settings.log_retention_days)
        return self._bucket(
            "AccessLogs",
            settings,
            [s3.LifecycleRule(expiration=life)],
            encryption=s3.BucketEncryption.S3_MANAGED,
        )

    def _bucket(
        self,
        name: str,
        settings: Settings,
        lifecycle_rules: list[s3.LifecycleRule],
        **more: Any,
    ) -> s3.Bucket:
        """Bucket with what all have in common."""
        return s3.Bucket(
            self,
            name,
            lifecycle_rules=lifecycle_rules,
            enforce_ssl=settings.tls_only,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=settings.data_removal_policy,
            **more,
        )


def _lasting_rule(settings: Settings) -> s3.LifecycleRule:
    """What becomes of uploads that nobody finished, and of versions that nobody reads.

    A replay reads the version that its run began with, which may have been replaced since: they
    live as long as dead letters at least (`infra.context` sees to it).
    """
    days = settings.old_version_days
    return s3.LifecycleRule(
        abort_incomplete_multipart_upload_after=ABORT_UPLOADS_AFTER,
        noncurrent_version_expiration=None if days is None else Duration.days(days),
        expired_object_delete_marker=None if days is None else True,
    )
