from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounting import RowCounts
from pipeline.errors import InvalidEventError, UnknownDatasetError
from pipeline.run import Merge, Run, Staged, StageRecord, new_run, run_from_json, source_of_event
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

    assert uploaded(sequencer=right).is_newer_than(uploaded(sequencer=left)) is expected


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
    counts = RowCounts(read=3, rejected=1).to_json()
    run.stages = [
        StageRecord("validate", 3, 2, counts, 0.1, 10, 100, 90, cold_start=True, etag="e", code="c")
    ]
    run.merges = Merge("0" * 32, "e", 7)
    run.notice = {"subject": "s", "message": "m"}
    run.lookups = {"airports": {"matched": 1}}
    run.outcome = "SUCCEEDED"

    assert run_from_json(json.loads(json.dumps(run.to_json()))) == run
    assert run_from_json(run_of().to_json()) == run_of()


def test_a_record_of_an_earlier_version_is_read_and_what_a_later_one_adds_is_left_out() -> None:
    # GIVEN a manifest of before the figures that are billed, and one of after a rollback
    run = run_of()
    counts = RowCounts(read=3).to_json()
    run.stages = [StageRecord("validate", 3, 3, counts, 0.1, 10, 100, 90, cold_start=True)]
    document = run.to_json()
    billed = {"memory_mb", "init_seconds", "retries", "requests"}
    (record,) = document["stages"]
    before = {name: value for name, value in record.items() if name not in billed}
    later = {**record, "colour": "red"}
    more = {name: {**document[name], "colour": "red"} for name in ("source", "rows")}

    # THEN both are the run
    without_cost = {name: value for name, value in document.items() if name != "cost"}
    assert run_from_json({**without_cost, "stages": [before]}) == run
    assert run_from_json({**document, **more, "stages": [later], "colour": "red"}) == run


@pytest.mark.parametrize("document", [{}, {"run_id": "x"}, {**run_of().to_json(), "stages": ["x"]}])
def test_anything_else_is_no_run(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError, match="no run summary"):
        run_from_json(document)


def record(stage: str, rows_in: int, rows_out: int, **counts: int) -> StageRecord:
    """What a stage did."""
    taken_out = RowCounts(**counts).to_json()
    return StageRecord(stage, rows_in, rows_out, taken_out, 0.1, 1, 9, 90, cold_start=True)


def far_run() -> Run:
    """A run that three stages have worked on."""
    run = run_of()
    run.stages = [
        record("validate", 9, 7, read=9, rejected=2),
        record("transform", 7, 6, filtered=1),
        record("enrich", 6, 3, dropped_by_lookup=3),
    ]
    run.rejects = {
        "top_rules": [{"stage": stage, "rule": "r"} for stage in ("validate", "enrich")],
        "quarantine": [f"s3://b/{run.quarantine_key(stage)}" for stage in ("validate", "enrich")],
    }
    run.lookups = {"airports": {"matched": 3}}
    run.outcome = "SUCCEEDED"
    return run


@pytest.mark.parametrize(
    ("stages", "rows", "lost_in"),
    [
        (1, RowCounts(read=9, rejected=2), ["validate"]),
        (2, RowCounts(read=9, rejected=2, filtered=1), ["validate"]),
        (
            3,
            RowCounts(read=9, rejected=2, filtered=1, dropped_by_lookup=3),
            ["validate", "enrich"],
        ),
    ],
)
def test_a_run_is_taken_back_to_a_stage(stages: int, rows: RowCounts, lost_in: list[str]) -> None:
    run = far_run()

    kept = run.kept(stages, staging_bucket="staging")

    last = run.stages[stages - 1]
    assert kept.rows == rows
    assert kept.stages == run.stages[:stages]
    assert kept.data == Staged("staging", run.staging_key(last.stage), last.rows_out, 9)
    assert [rule["stage"] for rule in kept.rejects["top_rules"]] == lost_in
    assert kept.rejects["quarantine"] == [f"s3://b/{run.quarantine_key(s)}" for s in lost_in]
    assert kept.lookups == (run.lookups if stages == 3 else {})
    assert kept.outcome is None
    assert run == far_run()


def test_a_failure_tells_little_of_the_run() -> None:
    run = far_run()
    rules = [{"stage": "validate", "column": "c" * 999, "rule": "r", "rows": n} for n in range(9)]
    run.rejects["top_rules"] = [{**rules[0], "column": None}, *rules]

    known = run.known_at_failure(RowCounts(read=1))

    assert set(known) == {"run_id", "dataset", "source", "rows", "rejects"}
    assert known["rows"]["read"] == 1
    columns = [rule["column"] for rule in known["rejects"]["top_rules"]]
    assert columns == [None, *["c" * 60] * 4]
    assert known["rejects"]["quarantine"] == run.rejects["quarantine"]


def test_a_merge_has_files_and_an_id_of_its_own() -> None:
    merge = new_run(uploaded(), dataset="things", plan_hash="0" * 16, part=("quarantine", "x"))
    merge.merges = Merge("0" * 32, "e", 7)

    assert merge.run_id != run_of().run_id
    assert merge.source_id == run_of().source_id
    assert merge.output_name == f"{merge.source_id}-{merge.run_id[:16]}"
    assert run_of().output_name == run_of().source_id
    assert merge.pending_prefix == f"pending/things/{merge.source_id}/"


@pytest.mark.parametrize(
    ("mine", "theirs", "newer"),
    [
        (("0B", ""), ("0A", ""), True),
        (("0b", ""), ("0A", ""), True),
        (("0A", "2026-01-02"), ("0B", "2026-01-01"), False),
        (("", "2026-01-02"), ("", "2026-01-01"), True),
        (("", "2026-01-02"), ("0B", "2026-01-01"), True),
        (("0B", "2026-01-02"), ("", "2026-01-01"), True),
        (("0A", "2026-01-01"), ("", "2026-01-02"), False),
        (("", "2026-01-01"), ("", "2026-01-01"), False),
        (("", "2026-01-01"), ("", ""), False),
        (("", ""), ("", ""), False),
    ],
)
def test_of_two_versions_one_is_newer(
    mine: tuple[str, str], theirs: tuple[str, str], newer: bool
) -> None:
    one, other = (
        uploaded(sequencer=sequencer, last_modified=time) for sequencer, time in (mine, theirs)
    )

    assert one.is_newer_than(other) is newer


def test_a_run_that_was_told_before_rows_could_be_made_of_rows_is_read() -> None:
    document = run_of().to_json()
    del document["rows"]["expanded"]

    assert run_from_json(document).rows == RowCounts()
