"""What the stages write down of the values that they have seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pipeline.errors import PipelineError
from pipeline.profile_columns import ColumnProfiles
from tests.handlers.cloud import OUTPUT
from tests.handlers.orders import KEY, Deployments, Orders, csv, order, replay_of_quarantine

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

STAGES = ("validate", "enrich", "write")
ROWS = (
    order(1),
    order(2, day=40, item=""),
    order(3, quantity="many"),
    order(4, item="gold", code=""),
    order(5, item="gold", day=2),
)
KEEPING = Orders(when_missing="keep")
SECRET = "coffee"


def profiles(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    """The run's profiles by stage."""
    found = {}
    for stage in STAGES:
        key = f"profiles/orders/{run['run_id']}/{stage}.json"
        if key in cloud.keys(key):
            found[stage] = json.loads(cloud.read(f"s3://{OUTPUT}/{key}"))
    return found


def by_name(profile: dict[str, Any]) -> dict[str, Any]:
    return {column["name"]: column for column in profile["columns"]}


def test_each_stage_tells_of_the_run_it_is_about(cloud: Cloud, deploy: Deployments) -> None:
    deploy(KEEPING)

    run = cloud.run_pipeline(KEY, csv(*ROWS))

    for stage, profile in profiles(cloud, run).items():
        about = {"profile_version": 1, "run_id": run["run_id"], "dataset": "orders", "stage": stage}
        assert about.items() <= profile.items()
    assert {stage: one["rows"] for stage, one in profiles(cloud, run).items()} == {
        "validate": 5,
        "enrich": 3,
        "write": 3,
    }


def test_validate_counts_all_rows_that_could_be_taken_apart(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN two rejected rows of five, and one of too few cells
    deploy(KEEPING)

    # WHEN
    run = cloud.run_pipeline(KEY, csv(*ROWS, "6,c6"))

    # THEN
    profile = profiles(cloud, run)["validate"]
    columns = by_name(profile)
    assert (profile["rows"], profile["sampled_rows"]) == (5, 5)
    assert {name: (one["nulls"], one["unreadable"]) for name, one in columns.items()} == {
        "id": (0, 0),
        "code": (1, 0),
        "day": (0, 0),
        "quantity": (0, 1),
        "item": (1, 0),
    }
    assert columns["day"]["type"] == "integer"
    assert columns["day"]["sample"]["max"] == 40
    assert columns["quantity"]["sample"]["values"] == 4
    assert columns["item"]["sample"]["top"] == [["tea", 2], ["gold", 2]]


def test_write_tells_of_the_output_with_its_partitions(cloud: Cloud, deploy: Deployments) -> None:
    deploy(KEEPING)

    run = cloud.run_pipeline(KEY, csv(*ROWS))

    columns = by_name(profiles(cloud, run)["write"])
    assert columns["day"]["sample"]["max"] == 2
    assert (columns["price"]["nulls"], columns["price"]["type"]) == (2, "integer")
    assert columns["processed_date"]["type"] == "timestamp"
    assert "unreadable" not in columns["price"]


@pytest.mark.parametrize(("missing", "written"), [("keep", 3), ("reject", 1)])
def test_enrich_tells_the_keys_that_it_has_missed(
    cloud: Cloud, deploy: Deployments, missing: str, written: int
) -> None:
    deploy(Orders(when_missing=missing))

    run = cloud.run_pipeline(KEY, csv(*ROWS))

    assert run["rows"]["written"] == written
    (lookup,) = profiles(cloud, run)["enrich"]["lookups"]
    assert lookup == {
        "name": "items",
        "on": ["item"],
        "masked": False,
        "matched": 1,
        "unmatched": 2,
        "missing_key": 0,
        "exact": True,
        "distinct_missing": 1,
        "top_missing": [[["gold"], 2]],
    }


def test_of_masked_columns_and_their_lookups_numbers_are_told(
    cloud: Cloud, deploy: Deployments
) -> None:
    masked = {"item": {"classification": "confidential"}}
    deploy(Orders(columns=masked, when_missing="keep", items={"tea": 4_711}))

    run = cloud.run_pipeline(KEY, csv(order(1), order(2, item=SECRET), order(3, item=SECRET)))

    found = profiles(cloud, run)
    assert SECRET not in json.dumps(found)
    assert "4711" not in json.dumps(found)
    assert by_name(found["validate"])["item"] == {
        "name": "item",
        "type": "string",
        "masked": True,
        "nulls": 0,
        "unreadable": 0,
        "sample": {"values": 3, "distinct": 2},
    }
    (lookup,) = found["enrich"]["lookups"]
    assert (lookup["masked"], lookup["distinct_missing"]) == (True, 1)
    assert "top_missing" not in lookup


def test_a_merge_has_profiles_of_its_own_rows(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN
    deploy(Orders())
    event = cloud.upload(KEY, csv(order(1), order(2, day=40), order(3, day=35)))
    first = cloud.run(event)
    before = profiles(cloud, first)

    # WHEN
    deploy(Orders(last_day=40))
    merge = cloud.run(replay_of_quarantine(event, first))

    # THEN those of the file's run stay
    days = by_name(profiles(cloud, merge)["validate"])["day"]["sample"]
    assert (merge["rows"]["written"], days["values"], days["min"], days["max"]) == (2, 2, 35, 40)
    assert profiles(cloud, first) == before


def test_a_file_with_too_many_rejects_has_the_profile_that_shows_why(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(Orders(options={"rejects": {"max_share": 0}}))
    event = cloud.upload(KEY, csv(order(1), order(2, quantity="many")))

    with pytest.raises(PipelineError) as refused:
        cloud.run(event)

    run = json.loads(str(refused.value))["run"]
    found = profiles(cloud, run)
    assert found.keys() == {"validate"}
    assert by_name(found["validate"])["quantity"]["unreadable"] == 1


def test_a_file_that_cannot_be_read_to_its_end_leaves_none(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(KEEPING)
    event = cloud.upload(KEY, csv(order(1)) + b"\xff\n")

    with pytest.raises(PipelineError):
        cloud.run(event)

    assert cloud.keys("profiles/") == []


def test_enrich_tells_nothing_where_no_key_is_missing(cloud: Cloud, deploy: Deployments) -> None:
    deploy(KEEPING)

    run = cloud.run_pipeline(KEY, csv(order(1)))

    assert profiles(cloud, run).keys() == {"validate", "write"}


def test_a_stage_that_runs_again_overwrites_its_own(cloud: Cloud, deploy: Deployments) -> None:
    deploy(KEEPING)
    event = cloud.upload(KEY, csv(*ROWS))
    run = cloud.run_stage("validate", event, None)
    before = profiles(cloud, run)

    assert profiles(cloud, cloud.run_stage("validate", event, None, attempt=1)) == before


def test_files_without_good_rows_have_profiles(cloud: Cloud, deploy: Deployments) -> None:
    deploy(KEEPING)

    run = cloud.run_pipeline(KEY, csv(order(1, day=40)))

    found = profiles(cloud, run)
    assert (found["validate"]["rows"], found["write"]["rows"]) == (1, 0)
    assert by_name(found["write"])["price"]["sample"] == {"values": 0, "distinct": 0}


@pytest.mark.parametrize("stage", STAGES)
def test_no_run_fails_for_a_profile_that_cannot_be_written(
    cloud: Cloud,
    deploy: Deployments,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stage: str,
) -> None:
    # GIVEN a role that may not write this one
    deploy(KEEPING)
    from pipeline import profile
    from pipeline.errors import PermissionDeniedError

    put = profile.put_object

    def refused(bucket: str, key: str, body: bytes) -> object:
        if key.endswith(f"/{stage}.json"):
            raise PermissionDeniedError(f"S3 answered AccessDenied (403) while writing {key}.")
        return put(bucket, key, body)

    monkeypatch.setattr(profile, "put_object", refused)

    # WHEN
    run = cloud.run_pipeline(KEY, csv(order(1), order(4, item="gold")))

    # THEN
    assert run["rows"]["written"] > 0
    assert profiles(cloud, run).keys() == set(STAGES) - {stage}
    logged = capsys.readouterr().out
    assert "profile not written" in logged
    assert "AccessDenied" in logged


@pytest.mark.parametrize("columns", [{}, {"item": {"classification": "pii"}}])
def test_no_run_fails_for_values_that_cannot_be_counted(
    cloud: Cloud,
    deploy: Deployments,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    columns: dict[str, dict[str, Any]],
) -> None:
    # GIVEN a defect whose message has a value in it
    def defect(*_: object) -> NoReturn:
        raise ValueError(f"cannot count {SECRET!r}")

    deploy(Orders(columns=columns))
    monkeypatch.setattr("pipeline.profile_sample.Sample.add", defect)

    # WHEN
    run = cloud.run_pipeline(KEY, csv(order(1, item=SECRET)))

    # THEN it is told where nothing is masked
    assert run["outcome"] == "SUCCEEDED"
    logged = capsys.readouterr().out
    assert "profile not written" in logged
    assert (SECRET in logged) is (not columns)


def test_nothing_is_counted_after_an_error() -> None:
    broken: Any = {"a": None}
    columns = ColumnProfiles()
    columns.add_typed(broken, 1)
    columns.add_typed({}, 1)

    assert columns.rows == 1
