"""What the report's document tells of a run, over what real buckets would answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.cli.moto_target import OUTPUT, commit, put_json, source
from tests.unit.cli.report_samples import (
    RUN,
    column,
    document,
    profile,
    put_execution,
    put_run,
    run_summary,
)

if TYPE_CHECKING:
    from cli.target import Target
    from tests.unit.cli.fakes import FakeStepFunctions

NOBODY = "0" * 32


pytestmark = pytest.mark.usefixtures("home")


def test_rejected_rows_stand_with_their_rules(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    rejects = document(said, "last")["rejects"]

    assert [(rule["column"], rule["rule"], rule["rows"]) for rule in rejects["rules"]] == [
        ("month", "maximum", 2)
    ]
    assert [row["row_number"] for row in rejects["rules"][0]["samples"]] == [3, 7]


def test_what_to_do_about_rejects_depends_on_what_became_of_them(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)
    still_open = document(said, "last")["outcome"]["next"]
    commit(target, source(), run={"run_id": NOBODY})

    superseded = document(said, "last")

    assert [command.split(" ", 1)[1] for command in still_open["commands"]] == [
        f"quarantine show {RUN}",
        f"quarantine replay {RUN}",
    ]
    assert superseded["outcome"]["next"]["commands"] == []
    assert superseded["versions"]["replaced_by"] == NOBODY


def test_the_steps_say_what_left_where(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    steps = document(said, "last")["steps"]

    assert [(step["rows_in"], step["left"]["rejected"], step["rows_out"]) for step in steps] == [
        (10, 2, 8),
        *[(8, 0, 8)] * 4,
    ]


def test_a_stage_is_billed_by_the_millisecond(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    stages = document(said, "last")["stages"]

    # 70.1 ms of work and 400 ms of initialisation, rounded up.
    assert {stage["billed_seconds"] for stage in stages} == {0.471}
    assert [stage["stage"] for stage in stages][-1] == "write"


def test_a_lookup_tells_its_missing_keys(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)
    missing = {
        "name": "planes",
        "on": ["tailnum"],
        "masked": False,
        "exact": True,
        "distinct_missing": 2,
        "top_missing": [[["N725MQ"], 1], [["N1"], 1]],
    }
    key = f"profiles/flights/{RUN}/enrich.json"
    put_json(target, key, {"stage": "enrich", "rows": 8, "lookups": [missing]})

    planes = document(said, "last")["lookups"][0]

    assert planes["top_missing"] == missing["top_missing"]
    assert (planes["matched"], planes["unmatched"], planes["missing_key"]) == (5, 2, 1)


def test_profiles_become_columns(target: Target, service: FakeStepFunctions, said: Any) -> None:
    put_run(target, service)
    for stage, names in {"validate": "ab", "write": "bc"}.items():
        key = f"profiles/flights/{RUN}/{stage}.json"
        put_json(target, key, profile(stage, *map(column, names)))

    columns = document(said, "last")["columns"]

    assert {one["name"]: one["became"] for one in columns["columns"]} == {
        "b": "kept",
        "c": "added",
        "a": "dropped",
    }


def test_a_run_without_profiles_says_so(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    columns = document(said, "last")["columns"]

    assert columns["columns"] == []
    assert "left no profiles" in columns["notice"]


def test_a_damaged_profile_is_named(target: Target, service: FakeStepFunctions, said: Any) -> None:
    put_run(target, service)
    key = f"profiles/flights/{RUN}/write.json"
    target.cloud.s3().put_object(Bucket=OUTPUT, Key=key, Body=b'{"rows"')

    assert document(said, "last")["missing"] == [key]


def test_a_deleted_quarantine_is_named(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)
    key = f"quarantine/flights/{RUN}/validate.jsonl"
    target.cloud.s3().delete_object(Bucket=OUTPUT, Key=key)

    found = document(said, "last")

    assert found["missing"] == [f"s3://{OUTPUT}/{key}"]
    assert found["rejects"]["rules"][0]["rows"] == 2


def test_who_may_not_read_values_sees_the_numbers(
    target: Target, service: FakeStepFunctions, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_run(target, service)
    s3, read = target.cloud.s3(), target.cloud.s3().get_object

    def guarded(**asked: Any) -> Any:
        if asked["Key"].startswith(("profiles/", "quarantine/")):
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
        return read(**asked)

    monkeypatch.setattr(s3, "get_object", guarded)

    found = document(said, "last")

    assert found["rows"]["rejected"] == 2
    assert len(found["missing"]) == 4  # three profiles and the quarantine


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (
            {"outcome": "ALREADY_PROCESSED", "rejects": {}},
            (
                "idle",
                "This version of the file was committed before; nothing was done again.",
                "Look at the rejected rows below.",
            ),
        ),
        (
            {"outcome": "IGNORED", "rows": {}, "rejects": {}},
            (
                "idle",
                "The object is no file, so that there was nothing to do.",
                "Nothing needs to be done.",
            ),
        ),
        (
            {
                "outcome": "SUCCEEDED",
                "rows": {"read": 2, "written": 2},
                "rejects": {},
                "merges": {"run_id": NOBODY, "rows": 2},
            },
            (
                "good",
                f"2 quarantined rows of the run {NOBODY} were processed again: "
                "2 rows read, 2 written.",
                "Nothing needs to be done.",
            ),
        ),
        (
            {
                "outcome": "SUCCEEDED",
                "rows": {"read": 2, "written": 2},
                "rejects": {},
                "checks": [{"rule": "nullValues", "outcome": "failed"}],
            },
            (
                "notice",
                "2 rows read, 2 written. 1 quality check missed.",
                "Look at the quality checks below; no row is missing because of them.",
            ),
        ),
    ],
    ids=["already processed", "no file", "merge", "checks missed"],
)
def test_the_outcome_in_a_sentence(
    target: Target,
    service: FakeStepFunctions,
    said: Any,
    told: dict[str, Any],
    outcome: tuple[str, str, str],
) -> None:
    put_execution(service, run_summary(**told))

    found = document(said, "last")["outcome"]

    assert (found["kind"], found["sentence"], found["next"]["words"]) == outcome
