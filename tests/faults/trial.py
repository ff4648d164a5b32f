"""A scenario under way: its files, its rules, and what it waits for."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.constants import PROCESSED_PREFIX
from tests.end_to_end.cloud import waited_for
from tests.faults.actions import Gate
from tests.faults.orders import DATASET, Row, csv
from tests.faults.outputs import Upload, key_of, listing_of, outputs_of, torn
from tests.faults.proxy import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.lab import Execution, Lab
    from tests.faults.proxy import Exchange


@dataclass
class Trial:
    """A scenario under way: its files, its rules, and what is seen of both."""

    name: str
    lab: Lab
    uploads: list[Upload] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    def key(self, name: str = "file.csv", dataset: str = DATASET) -> str:
        """Key of a file of this scenario."""
        return f"input/{dataset}/{self.name}/{name}"

    def put(self, rows: list[Row], name: str = "file.csv") -> Upload:
        """Upload a file."""
        with self.held(rows, name) as upload:
            return upload

    def put_bytes(self, body: bytes, name: str, dataset: str) -> Upload:
        """Upload a file that no row is expected of."""
        return self._stored(self.key(name, dataset), body, None, dataset)

    @contextmanager
    def held(self, rows: list[Row], name: str = "file.csv") -> Iterator[Upload]:
        """Upload a file whose executions wait at their first read until the block ends.

        So rules about keys that only the upload makes known are there in time.
        """
        gate, key = Gate(), self.key(name)
        rule = self.inject("GET", "input_bucket", key, gate)
        try:
            body = gzip.compress(csv(rows)) if key.endswith(".gz") else csv(rows)
            yield self._stored(key, body, rows, DATASET)
        finally:
            rule.active = False
            gate.open()

    def inject(
        self,
        method: str,
        bucket: str,
        key: str,
        action: Callable[[Exchange], None],
        **which: Any,
    ) -> Rule:
        """Add a rule for the rest of the scenario; see `Rule`."""
        rule = Rule(action, method, self.lab.cloud.status[bucket], key, **which)
        self.rules.append(rule)
        return self.lab.proxy.add(rule)

    def ended(self, count: int = 1, name: str = "file.csv") -> list[Execution]:
        """Wait until so many executions about a file have ended."""
        return self.lab.ended(self.key(name), count)

    def letter(self, count: int = 1) -> dict[str, Any]:
        """Wait for the dead letter of this scenario; the latest of `count`."""

        def look() -> dict[str, Any] | None:
            found = [item for item in self.lab.letters() if key_of(item) in self.keys()]
            return found[-1] if len(found) >= count else None

        return waited_for(look, f"{count} letters of {self.name}")

    def keys(self) -> set[str]:
        """Keys of all files so far."""
        return {upload.key for upload in self.uploads}

    def replay(self, *, status: int = 0) -> str:
        """Replay this scenario's dead letters by the command; return what it says."""
        done = self.lab.replay(self.letter()["execution"]["name"])
        assert done.returncode == status, done.stderr + done.stdout
        return done.stdout + done.stderr

    def resumed(self) -> list[str]:
        """Return the stages that the latest execution took over from the one before."""
        output = self.lab.executions(*self.keys())[-1].output
        return [record["stage"] for record in output["stages"] if record["resumed"]]

    def visible(self, upload: Upload) -> dict[str, str]:
        """Return the version of each of an object's output files that a listing shows now."""
        return outputs_of(upload, self.lab.objects(PROCESSED_PREFIX))

    def torn(self, upload: Upload) -> list[str]:
        """Return what is visible now of an object without its manifest naming it, and so on."""
        return torn(upload, self.lab.manifest(upload.run), listing_of(self.lab))

    def close(self) -> None:
        """Take all rules away."""
        for rule in self.rules:
            rule.active = False

    def _stored(self, key: str, body: bytes, rows: list[Row] | None, dataset: str) -> Upload:
        s3, bucket = self.lab.client("s3"), self.lab.cloud.status["input_bucket"]
        version = s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        upload = Upload(key, self.lab.run_of(key, version, dataset), rows)
        self.uploads.append(upload)
        return upload
