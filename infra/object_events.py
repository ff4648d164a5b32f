"""S3's events about new objects: which a rule takes, and how long EventBridge tries to deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration
from aws_cdk import aws_events as events

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sqs as sqs


def new_objects(bucket: s3.Bucket, prefix: str) -> events.EventPattern:
    """Return the pattern of the events about new objects below a prefix."""
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={
            "bucket": {"name": [bucket.bucket_name]},
            "object": {"key": [{"prefix": prefix}]},
        },
    )


def delivery(undelivered: sqs.Queue) -> dict[str, Any]:
    """Return a target's options: tried as long as EventBridge does, then kept in a queue."""
    return {
        "dead_letter_queue": undelivered,
        "max_event_age": Duration.hours(24),
        "retry_attempts": 185,
    }
