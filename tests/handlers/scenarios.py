"""Last stages that are about to begin, each again and again: for faults at every request of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline import uploads
from pipeline.constants import RETRY_MAX_ATTEMPTS
from pipeline.errors import TransientError
from tests.handlers.cloud import OUTPUT
from tests.handlers.orders import (
    KEY,
    Deployments,
    Orders,
    Shelf,
    before_write,
    csv,
    order,
    replay_of_quarantine,
)

if TYPE_CHECKING:
    import pytest

    from tests.handlers.cloud import Cloud

LATE = 40
RELAXED = Orders(last_day=LATE)
OLD = csv(order(1), order(2, day=2), order(3, day=LATE), order(4, day=LATE + 1))
NEW = csv(order(5, day=2), order(6, day=3))
NEWER = csv(order(7), order(8, day=9))


class Scenario:
    """A last stage that is about to begin: `old` are the ids before its commit, `new` after.

    What comes before it is done once; `begin` brings the output bucket back to that moment.
    """

    def __init__(self, cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloud = cloud
        self.deploy = deploy
        self.monkeypatch = monkeypatch
        self.old: list[int] = []
        self.new: list[int] = []
        self.event: dict[str, Any] = {}
        self.enriched: dict[str, Any] = {}
        self._before: tuple[dict[str, Any], dict[str, Any]] | None = None
        self._newer: tuple[dict[str, Any], dict[str, Any]] | None = None

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.cloud, self.enriched["source_id"])

    def committed_before(self, event: dict[str, Any]) -> dict[str, Any]:
        """Let the output be that of an event's run."""
        self._before = event, before_write(self.cloud, event)
        self.old = [1, 2]
        return self.cloud.run_stage("write", *self._before)

    def about_to_write(self, event: dict[str, Any], new: list[int]) -> None:
        """Let the last stage be that of an event's run."""
        self.event, self.enriched, self.new = event, before_write(self.cloud, event), new

    def begin(self) -> None:
        """Have what is committed before, and nothing else."""
        self.cloud.empty(OUTPUT, keep="quarantine/")
        if self._before is None:
            return
        self.deploy()
        written = self.cloud.run_stage("write", *self._before)
        if self.enriched["merges"]:
            self.deploy(RELAXED)
            etag = self.cloud.head(written["manifest"])["ETag"].strip('"')
            self.enriched["merges"]["manifest_etag"] = etag

    def write(self) -> dict[str, Any]:
        """The last stage's result."""
        return self.cloud.run_stage("write", self.event, self.enriched)

    def write_with_retries(self) -> dict[str, Any]:
        """The last stage's result after at most two retries, as the state machine makes them."""
        for _ in range(RETRY_MAX_ATTEMPTS):
            with suppress(TransientError):
                return self.write()
        return self.write()

    @property
    def merged_into(self) -> int:
        """Rows of the file that the run leaves alone."""
        return len(self.old) if self.enriched["merges"] else 0

    def write_newer(self) -> dict[str, Any]:
        """The last stage's result for a newer version of the file."""
        if self._newer is None:
            event = self.cloud.upload(KEY, NEWER)
            self._newer = event, before_write(self.cloud, event)
        return self.cloud.run_stage("write", *self._newer)


def first_run(scenario: Scenario) -> None:
    scenario.about_to_write(scenario.cloud.upload(KEY, NEW), [5, 6])


def first_run_in_parts(scenario: Scenario) -> None:
    """Files so large that they are uploaded in parts."""
    scenario.monkeypatch.setattr(uploads, "PART_BYTES", 1_000)
    scenario.monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    first_run(scenario)


def replacing_run(scenario: Scenario) -> None:
    """The new version has a partition in common with the old one, and one that it has not."""
    scenario.committed_before(scenario.cloud.upload(KEY, OLD))
    first_run(scenario)


def merge(scenario: Scenario) -> None:
    """One of the two rejected rows gets in."""
    event = scenario.cloud.upload(KEY, OLD)
    run = scenario.committed_before(event)
    scenario.deploy(RELAXED)
    scenario.about_to_write(replay_of_quarantine(event, run), [1, 2, 3])


SCENARIOS = [first_run, first_run_in_parts, replacing_run, merge]
