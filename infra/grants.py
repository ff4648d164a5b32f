"""Which stage may do what with which objects: every permission on the buckets stands here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from pipeline import constants as names
from pipeline.constants import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_s3 as s3

    from infra.storage import Storage

Roles = Mapping[str, iam.Role]
"""Role of each stage's function, by stage."""

_NOTES_OF_OBJECT: Final = f"{names.PENDING_PREFIX}*/*/"
"""Prefix under which the notes about one uploaded object are listed."""


def grant_storage(roles: Roles, storage: Storage) -> None:
    """Let every stage's role do with the buckets what its work needs, prefix by prefix."""
    _grant_frames(roles, storage)
    _grant_findings(roles, storage)
    _grant_first_stage(roles, storage)
    _grant_lookups(roles, storage)
    _grant_last_stage(roles, storage)


def _grant_frames(roles: Roles, storage: Storage) -> None:
    """Let each stage read the frame of the one before it, and leave its own.

    In a merge, the first one leaves the rows that must not be repeated, for the second to see.
    """
    bucket = storage.staging
    read = {stage: [_staged(previous)] for previous, stage in pairwise(STAGES)}
    written = {stage: [_staged(stage)] for stage in STAGES[:-1]}
    written[STAGES[0]].append(_staged(names.SETTLED_FRAME))
    read[STAGES[1]].append(_staged(names.SETTLED_FRAME))
    for stage, patterns in read.items():
        allow(roles[stage], reading(bucket, *patterns), listing(bucket, *patterns))
    for stage, patterns in written.items():
        allow(roles[stage], writing(bucket, *patterns))


def _grant_findings(roles: Roles, storage: Storage) -> None:
    """Let the stages leave beside their frames what they have to say about the rows.

    These are rows set aside, of some stages repairs, of some a profile of the values.
    """
    for stage in STAGES[:-1]:
        rejected = f"{names.QUARANTINE_PREFIX}*/{stage}"
        patterns = [f"{rejected}.jsonl", f"{rejected}{names.ROW_NUMBERS_SUFFIX}"]
        if stage in names.REPAIRING_STAGES:
            patterns.append(f"{names.REPAIRS_PREFIX}*/{stage}.jsonl")
        allow(roles[stage], writing(storage.output, *patterns))
    for stage in names.PROFILING_STAGES:
        profile = f"{names.PROFILES_PREFIX}*/{stage}.json"
        allow(roles[stage], writing(storage.output, profile))


def _grant_first_stage(roles: Roles, storage: Storage) -> None:
    """Let the first stage read the input, and all that tells what became of it before.

    That is the manifest, the names of notes of unfinished commits and of staged frames, and the
    numbers of rejected rows: the rows themselves no stage reads.
    """
    role = roles[STAGES[0]]
    uploaded = f"{names.INPUT_PREFIX}*"
    allow(role, reading_versions(storage.input, uploaded), listing(storage.input, uploaded))
    told = (
        f"{names.MANIFEST_PREFIX}*.json",
        f"{names.QUARANTINE_PREFIX}*{names.ROW_NUMBERS_SUFFIX}",
    )
    allow(role, reading(storage.output, *told), listing(storage.output, *told, _NOTES_OF_OBJECT))
    allow(role, listing(storage.staging, f"{names.STAGING_PREFIX}*/"))


def _grant_lookups(roles: Roles, storage: Storage) -> None:
    """Let enrich find and read the tables that lie in the input bucket."""
    bucket, pattern = storage.input, f"{names.LOOKUPS_PREFIX}*"
    allow(roles[names.LOOKUP_STAGE], reading_versions(bucket, pattern), listing(bucket, pattern))


def _grant_last_stage(roles: Roles, storage: Storage) -> None:
    """Let the last stage publish data, report and manifest, and remove what it replaced."""
    role, bucket = roles[STAGES[-1]], storage.output
    data, report = f"{names.PROCESSED_PREFIX}*", f"{names.REPORT_PREFIX}*.json"
    manifest, note = f"{names.MANIFEST_PREFIX}*.json", f"{names.PENDING_PREFIX}*.json"
    allow(role, reading(bucket, manifest, note), listing(bucket, manifest, note, _NOTES_OF_OBJECT))
    lineage = f"{names.LINEAGE_PREFIX}*.json"
    allow(role, writing(bucket, data, manifest, note, report, lineage))
    allow(role, hiding(bucket, note, data), undoing(bucket, data))


def _staged(stage: str) -> str:
    """Pattern of the keys under which `stage` hands its rows on."""
    return f"{names.STAGING_PREFIX}*/{stage}.arrows"


def service(name: str, *, source: str | None = None) -> iam.ServicePrincipal:
    """AWS service that may assume a role on behalf of this account, and of no other.

    Parameters
    ----------
    source
        Pattern of those of the account's resources that it may act for, after the partition: for
        EventBridge the rules
        (https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html).
        Without it the account alone is asked for, as for Lambda, which must be able to assume the
        role before its function is there
        (https://docs.aws.amazon.com/lambda/latest/dg/permissions-managed-policies.html).
    """
    conditions: dict[str, dict[str, str]] = {
        "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
    }
    if source:
        place = f"arn:{Aws.PARTITION}:{source}"
        conditions["ArnLike"] = {"aws:SourceArn": place}
    return iam.ServicePrincipal(name, conditions=conditions)


def allow(role: iam.Role, *permissions: iam.PolicyStatement) -> None:
    """Add permissions to a role's own policy."""
    for permission in permissions:
        role.add_to_policy(permission)


def reading(bucket: s3.Bucket, *patterns: str) -> iam.PolicyStatement:
    """Permission to read the objects whose keys match a pattern, as they are now."""
    return _objects(bucket, patterns, "s3:GetObject")


def reading_versions(bucket: s3.Bucket, *patterns: str) -> iam.PolicyStatement:
    """Permission to read the objects whose keys match a pattern, and every version of them."""
    return _objects(bucket, patterns, "s3:GetObject", "s3:GetObjectVersion")


def writing(bucket: s3.Bucket, *patterns: str) -> iam.PolicyStatement:
    """Permission to write objects whose keys match a pattern, in parts too."""
    return _objects(bucket, patterns, "s3:PutObject", "s3:AbortMultipartUpload")


def hiding(bucket: s3.Bucket, *patterns: str) -> iam.PolicyStatement:
    """Permission to hide objects whose keys match a pattern: in versioned buckets they stay."""
    return _objects(bucket, patterns, "s3:DeleteObject")


def undoing(bucket: s3.Bucket, *patterns: str) -> iam.PolicyStatement:
    """Permission to delete single versions, which brings those before them back."""
    return _objects(bucket, patterns, "s3:DeleteObjectVersion")


def listing(bucket: s3.Bucket, *prefixes: str) -> iam.PolicyStatement:
    """Permission to list keys by a prefix that matches a pattern.

    Whoever may read a key may also list it by its full name. S3 answers the read of a missing key
    with 403 where the role may not list the bucket, and only a listing then tells the two apart
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, section Permissions).
    """
    return iam.PolicyStatement(
        actions=["s3:ListBucket"],
        resources=[bucket.bucket_arn],
        conditions={"StringLike": {"s3:prefix": list(prefixes)}},
    )


def _objects(bucket: s3.Bucket, patterns: Sequence[str], *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=list(actions), resources=[bucket.arn_for_objects(each) for each in patterns]
    )
