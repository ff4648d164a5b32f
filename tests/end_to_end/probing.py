"""Tries lines of the matrix in a deployed stack, and clears away what they leave."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from tests.end_to_end.requests import REQUESTS, STREAM, Target

if TYPE_CHECKING:
    from tests.end_to_end.roles import Account, Caller
    from tests.permissions.matrix import Probe

REFUSALS: Final = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
"""Error codes of what the caller's policies do not allow."""
OTHERS: Final = {"other": "probe-elsewhere", "other.logs": "/probe", "bus": "default"}
"""What the stack has not made."""


class Probing:
    """Tries lines of the matrix; `clear` takes away what they have left."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._names = account.ids | OTHERS
        self._versions: dict[tuple[str, str], str | None] = {}
        self._s3, self._logs = account.cloud.client("s3"), account.cloud.client("logs")
        self._groups = [name for each, name in account.ids.items() if each.endswith(".logs")]
        self._s3.create_bucket(Bucket=OTHERS["other"])
        for group in self._groups:
            self._logs.create_log_stream(logGroupName=group, logStreamName=STREAM)

    def is_refused(self, caller: Caller, probe: Probe) -> bool:
        """Whether the caller is refused for want of a permission.

        Raises
        ------
        ClientError
            If the request fails for another reason, so that nothing is known of permissions.
        """
        try:
            REQUESTS[probe.action](caller, self._target(caller, probe))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in REFUSALS:
                return True
            if (probe.action, code) != ("s3:DeleteBucket", "BucketNotEmpty"):
                raise
        return False

    def clear(self) -> None:
        """Remove every object, upload, log stream and log group of the probing."""
        for bucket in {bucket for bucket, _ in self._versions}:
            self._empty(bucket)
        self._s3.delete_bucket(Bucket=OTHERS["other"])
        with suppress(self._logs.exceptions.ResourceNotFoundException):
            self._logs.delete_log_group(logGroupName=OTHERS["other.logs"])
        for group in self._groups:
            asked = {"logGroupName": group, "logStreamNamePrefix": STREAM}
            for stream in self._logs.describe_log_streams(**asked)["logStreams"]:
                self._logs.delete_log_stream(
                    logGroupName=group, logStreamName=stream["logStreamName"]
                )

    def _empty(self, bucket: str) -> None:
        """Remove the probing's objects from a bucket, every version, and uploads of theirs."""
        for key in (key for where, key in self._versions if where == bucket):
            asked = {"Bucket": bucket, "Prefix": key}
            for upload in self._s3.list_multipart_uploads(**asked).get("Uploads", []):
                self._s3.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
            found = self._s3.list_object_versions(**asked)
            for each in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
                self._s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])

    def _target(self, caller: Caller, probe: Probe) -> Target:
        """What a line's target is called here; if it is an object, it is there afterwards."""
        names = self._names | {"own.role": caller.role}
        named = re.sub(r"<([a-z_.]+)>", lambda found: names[found[1]], probe.resource)
        if ">/" not in probe.resource:
            return Target(named, probe.prefix or "")
        bucket, _, key = named.partition("/")
        return Target(bucket, key, self._put(bucket, key, probe.action))

    def _put(self, bucket: str, key: str, action: str) -> str | None:
        """Version of the object, put there anew for whoever is about to delete it.

        One upload to the input bucket is enough, for each starts an execution.
        """
        deleting = "Delete" in action and bucket != self._names["input"]
        if deleting or (bucket, key) not in self._versions:
            answer = self._s3.put_object(Bucket=bucket, Key=key, Body=b"probe")
            self._versions[bucket, key] = answer.get("VersionId")
        return self._versions[bucket, key]
