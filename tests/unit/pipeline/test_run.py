from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounting import RowCounts
from pipeline.errors import InvalidEventError, UnknownDatasetError
from pipeline.run import Staged, StageRecord, run_from_json, source_of_event
from tests.unit.pipeline.support import event_of, run_of, uploaded


def test_an_event_becomes_its_object() -> None:
    assert source_of_event(event_of()) == uploaded()


@pytest.mark.parametrize(
    ("etag", "version", "expected"),
    [('"e1"', "", ("e1", None)), ("e1", None, ("e1", None)), ("e1", "v9", ("e1", "v9"))],
)
def test_quotes_around_etags_and_empty_versions_are_left_out(
    etag: str, version: str | None, expected: tuple[str, str | None]
) -> None:
    source = source_of_event(event_of(etag=etag, version_id=version))

    assert (source.etag, source.version_id) == expected


def test_an_event_may_lack_all_but_bucket_and_key() -> None:
    event = {"detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}

    source = source_of_event(event)

    assert (source.bucket, source.key, source.size, source.sequencer) == ("b", "k", 0, "")


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        {"detail": {}},
        {"detail": None},
        {"detail": {"bucket": {"name": "b"}, "object": {}}},
        {"detail": {"bucket": "b", "object": {"key": "k"}}},
        {"detail": {"bucket": {"name": "b"}, "object": {"key": "k", "size": "large"}}},
    ],
)
def test_anything_else_is_an_invalid_event(event: Any) -> None:
    with pytest.raises(InvalidEventError, match="Upload a file"):
        source_of_event(event)


@pytest.mark.parametrize(
    ("key", "dataset"),
    [("input/things/a.csv", "things"), ("input/things/2013/01/a.csv", "things")],
)
def test_the_first_folder_names_the_dataset(key: str, dataset: str) -> None:
    assert uploaded(key=key).dataset == dataset


@pytest.mark.parametrize(
    "key", ["input/a.csv", "input/things/", "input//a.csv", "other/things/a.csv", "a.csv", ""]
)
def test_a_key_without_dataset_is_refused(key: str) -> None:
    with pytest.raises(UnknownDatasetError, match="input/<dataset>/<name>"):
        _ = uploaded(key=key).dataset


def test_the_same_event_is_the_same_run() -> None:
    assert run_of().run_id == run_of(sequencer="FF", size=99).run_id
    assert len(run_of().run_id) == 32
    assert int(run_of().run_id, 16) >= 0


@pytest.mark.parametrize(
    "changes",
    [{"version_id": "v2"}, {"key": "input/things/two.csv"}, {"bucket": "b2"}, {"plan_hash": "1"}],
)
def test_another_version_key_bucket_or_plan_is_another_run(changes: dict[str, str]) -> None:
    assert run_of(**changes).run_id != run_of().run_id


def test_without_versions_the_etag_tells_runs_apart() -> None:
    first, again = run_of(version_id=None, etag="e1"), run_of(version_id=None, etag="e1")
    second = run_of(version_id=None, etag="e2")

    assert first.run_id == again.run_id != second.run_id


def test_the_source_id_stands_for_bucket_and_key_alone() -> None:
    same = run_of(version_id="v2", etag="e2", plan_hash="1")

    assert run_of().source_id == same.source_id
    assert len(same.source_id) == 16
    assert run_of(bucket="landin", key="ginput/things/one.csv").source_id != same.source_id


@given(st.integers(0, 2**72), st.integers(0, 2**72))
def test_sequencers_are_ordered_as_right_padded_hexadecimals(one: int, two: int) -> None:
    left, right = f"{one:X}", f"{two:X}"
    width = max(len(left), len(right))
    expected = int(left.ljust(width, "0"), 16) < int(right.ljust(width, "0"), 16)

    assert (uploaded(sequencer=left).order < uploaded(sequencer=right).order) is expected


def test_keys_of_a_run() -> None:
    run = run_of()

    assert run.staging_key("clean") == f"runs/{run.run_id}/clean.arrows"
    assert run.quarantine_key("enrich") == f"quarantine/things/{run.run_id}/enrich.jsonl"
    assert run.manifest_key == f"manifests/things/{run.source_id}.json"
    assert run.report_key == f"reports/things/{run.run_id}.json"


def test_a_run_survives_the_state_machine() -> None:
    run = run_of()
    run.rows = RowCounts(read=3, rejected=1)
    run.data = Staged("staging", "k", 2, 100)
    run.stages = [StageRecord("validate", 3, 2, 0.1, 10, 100, 90, cold_start=True)]
    run.lookups = {"airports": {"matched": 1}}
    run.outcome = "SUCCEEDED"

    assert run_from_json(json.loads(json.dumps(run.to_json()))) == run
    assert run_from_json(run_of().to_json()) == run_of()


@pytest.mark.parametrize("document", [{}, {"run_id": "x"}, {**run_of().to_json(), "colour": "red"}])
def test_anything_else_is_no_run(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError, match="no run summary"):
        run_from_json(document)
