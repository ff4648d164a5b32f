"""Three buckets in this process, and the state machine's way through the five handlers."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.constants import OUTCOMES_WITHOUT_WORK, STAGES
from pipeline.storage import s3_client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from types_boto3_s3 import S3Client

INPUT, OUTPUT, STAGING = "landing", "results", "staging"
EXECUTION = {
    "arn": "arn:aws:states:eu-west-1:123456789012:execution:pipeline:example",
    "name": "example",
    "started_at": "2026-01-31T12:00:00.250Z",
}
OTHER_EXECUTION = EXECUTION | {"arn": f"{EXECUTION['arn']}-again", "name": "example-again"}


@dataclass(frozen=True)
class Call:
    """A request to S3 that a stage's handler made; the key of a listing is its prefix."""

    stage: str
    operation: str
    bucket: str
    key: str
    version: bool


class Cloud:
    """Buckets, uploads and executions; `calls` are the handlers' requests to S3."""

    def __init__(self) -> None:
        self.s3: S3Client = s3_client()
        for bucket in (INPUT, OUTPUT, STAGING):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
        for bucket in (INPUT, OUTPUT):
            self.s3.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        self.calls: list[Call] = []
        self.stage = ""
        self._sequence = itertools.count(1)
        self.s3.meta.events.register("before-parameter-build.s3", self._record)

    def close(self) -> None:
        """Stop recording; the client is used again."""
        self.s3.meta.events.unregister("before-parameter-build.s3", self._record)

    def _record(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self.stage:
            version = "VersionId" in params
            self.calls.append(
                Call(
                    self.stage,
                    model.name,
                    params["Bucket"],
                    params.get("Key") or params.get("Prefix", ""),
                    version,
                )
            )

    def upload(self, key: str, body: bytes) -> dict[str, Any]:
        """Put an object into the input bucket; return the event that EventBridge makes of it."""
        answer = self.s3.put_object(Bucket=INPUT, Key=key, Body=body)
        return object_created(
            key,
            size=len(body),
            etag=answer["ETag"].strip('"'),
            version_id=answer["VersionId"],
            sequencer=f"{next(self._sequence):016X}",
        )

    def run_stage(
        self,
        stage: str,
        event: dict[str, Any],
        run: dict[str, Any] | None,
        context: object = None,
        *,
        execution: dict[str, str] = EXECUTION,
        attempt: int = 0,
    ) -> dict[str, Any]:
        """Invoke a stage's handler; all goes through JSON, as between two states."""
        handler = import_module(f"functions.{stage}.handler").lambda_handler
        state = {"event": event, "execution": execution, "run": run, "attempt": attempt}
        given = json.loads(json.dumps(state))
        self.stage = stage
        try:
            result = handler(given, context)
        finally:
            self.stage = ""
        passed_on: dict[str, Any] = json.loads(json.dumps(result, allow_nan=False))
        return passed_on

    def states(
        self,
        event: dict[str, Any],
        stages: Iterable[str] = STAGES,
        *,
        execution: dict[str, str] = EXECUTION,
    ) -> Iterator[dict[str, Any]]:
        """The run summary after each stage, until there is nothing to do."""
        run: dict[str, Any] | None = None
        for stage in stages:
            run = self.run_stage(stage, event, run, execution=execution)
            yield run
            if run["outcome"] in OUTCOMES_WITHOUT_WORK:
                return

    def run(
        self, event: dict[str, Any], *, execution: dict[str, str] = EXECUTION
    ) -> dict[str, Any]:
        """The execution's output for an event."""
        return list(self.states(event, execution=execution))[-1]

    def run_pipeline(self, key: str, body: bytes) -> dict[str, Any]:
        """The execution's output for an upload."""
        return self.run(self.upload(key, body))

    def keys(self, prefix: str, bucket: str = OUTPUT) -> list[str]:
        """Keys of the current objects below a prefix."""
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for found in listed.get("Contents", [])]

    def empty(self, bucket: str, *, keep: str) -> None:
        """Remove every version of every object but those below a prefix."""
        listed = self.s3.list_object_versions(Bucket=bucket)
        doomed = [
            {"Key": found["Key"], "VersionId": found["VersionId"]}
            for found in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
            if not found["Key"].startswith(keep)
        ]
        if doomed:
            self.s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed})  # type: ignore[typeddict-item]

    def head(self, address: str) -> Any:
        """What S3 says of the object of an address."""
        parts = urlsplit(address, allow_fragments=False)
        return self.s3.head_object(Bucket=parts.netloc, Key=parts.path[1:])

    def read(self, address: str) -> bytes:
        """The object of an `s3://bucket/key` address."""
        parts = urlsplit(address, allow_fragments=False)
        return self.s3.get_object(Bucket=parts.netloc, Key=parts.path[1:])["Body"].read()

    def records(self, address: str) -> list[Any]:
        """The documents of a JSON Lines object."""
        return [json.loads(line) for line in self.read(address).splitlines()]

    def document(self, address: str) -> Any:
        """A JSON object."""
        return json.loads(self.read(address))

    def table(self, addresses: list[str]) -> pa.Table:
        """All rows of Parquet files, with the month out of their paths."""
        tables = []
        for address in addresses:
            table = pq.read_table(io.BytesIO(self.read(address)))
            month = int(address.split("month=")[1].split("/")[0])
            tables.append(table.append_column("month", pa.array([month] * table.num_rows)))
        return pa.concat_tables(tables)


def object_created(
    key: str, *, size: int, etag: str, version_id: str | None, sequencer: str
) -> dict[str, Any]:
    """An S3 `Object Created` event in the shape that the S3 user guide shows."""
    described = {"key": key, "size": size, "etag": etag, "sequencer": sequencer}
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-01-31T11:59:59Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:s3:::{INPUT}"],
        "detail": {
            "version": "0",
            "bucket": {"name": INPUT},
            "object": described | ({"version-id": version_id} if version_id else {}),
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "192.0.2.3",
            "reason": "PutObject",
        },
    }
