"""OpenLineage events of commits: what they hold, and when they are written."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from openlineage.client.naming.dataset import S3

from cli.samples import write_samples
from pipeline.constants import ENV_STACK_NAME, STAGES
from pipeline.lineage_template import BOOKS
from tests.handlers.cloud import INPUT, OTHER_EXECUTION, OUTPUT
from tests.handlers.orders import (
    ITEMS_IN_BUCKET,
    KEY,
    Deployments,
    Orders,
    before_write,
    csv,
    order,
    replay_of_quarantine,
)
from tests.handlers.samples import flight, flights
from tests.lineage.standard import assert_standard, validator

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

REJECTED = Orders(when_missing="reject", options={"rejects": {"max_share": 1}})


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The example files by name; of the large ones the first lines."""
    folder = tmp_path_factory.mktemp("samples")
    files = {file.name: file.read_bytes() for file in write_samples(folder)}
    return {
        name: body
        if name.startswith(("countries", "timezones", "penguins"))
        else b"".join(body.splitlines(keepends=True)[:500])
        for name, body in files.items()
    }


def event_of(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    """The event that a run names, which must be as the standard wants it."""
    assert run["lineage"] == f"s3://{OUTPUT}/lineage/{run['dataset']}/{run['run_id']}.json"
    event: dict[str, Any] = cloud.document(run["lineage"])
    assert_standard(event)
    return event


def facet(dataset: dict[str, Any], name: str) -> Any:
    kinds = ("facets", "inputFacets", "outputFacets")
    return next(dataset[kind][name] for kind in kinds if name in dataset.get(kind, {}))


@pytest.mark.parametrize(
    "file", ["countries.json", "flights.csv", "penguins.csv", "timezones.tsv", "weather.jsonl"]
)
def test_event_of_every_example_is_as_the_standard_wants_it(
    cloud: Cloud, samples: dict[str, bytes], file: str
) -> None:
    # WHEN
    dataset = file.partition(".")[0]
    run = cloud.run_pipeline(f"input/{dataset}/{file}", samples[file])

    # THEN
    event = event_of(cloud, run)
    assert (event["eventType"], event["job"]["name"]) == ("COMPLETE", dataset)
    assert event["run"]["facets"][BOOKS]["rows"] == run["rows"]
    (output,) = event["outputs"]
    shown = [field["name"] for field in facet(output, "schema")["fields"]]
    assert set(facet(output, "columnLineage")["fields"]) <= set(shown)
    named = {(one["namespace"], one["name"]): facet(one, "schema") for one in event["inputs"]}
    for column in facet(output, "columnLineage")["fields"].values():
        for source in column["inputFields"]:  # of a dataset, and a column, that the event tells of
            schema = named[source["namespace"], source["name"]]
            assert source["field"] in {field["name"] for field in schema["fields"]}


def test_event_tells_what_was_read_and_written(cloud: Cloud) -> None:
    # GIVEN a key that would be another one if it were encoded, and one bad row
    key = "input/flights/a b+ü.csv"
    body = flights(flight(1), flight(2), flight(3, month=13))

    # WHEN
    run = cloud.run_pipeline(key, body)

    # THEN the input is the object, by the standard's own naming
    event = event_of(cloud, run)
    uploaded, *lookups = event["inputs"]
    expected = S3(INPUT, key)
    assert (uploaded["namespace"], uploaded["name"]) == (
        expected.get_namespace(),
        expected.get_name(),
    )
    stored = cloud.s3.head_object(Bucket=INPUT, Key=key)
    assert facet(uploaded, "datasetVersion")["datasetVersion"] == stored["VersionId"]
    read = facet(uploaded, "inputStatistics")
    assert (read["rowCount"], read["size"], read["fileCount"]) == (3, len(body), 1)
    assert facet(uploaded, "dataQualityMetrics")["bytes"] == len(body)

    # AND the lookups are those of the dataset's folder
    assert [(one["namespace"], one["name"]) for one in lookups] == [
        ("file", "datasets/flights/lookups/airlines.csv"),
        ("file", "datasets/flights/lookups/airports.csv"),
        ("file", "datasets/flights/lookups/planes.csv"),
        ("file", "datasets/flights/lookups/weather.parquet"),
    ]
    assert facet(lookups[0], "inputStatistics")["rowCount"] == 16

    # AND the output is the dataset's folder
    (output,) = event["outputs"]
    assert (output["namespace"], output["name"]) == (f"s3://{OUTPUT}", "processed/flights")
    size = sum(cloud.head(address)["ContentLength"] for address in run["outputs"])
    written = facet(output, "outputStatistics")
    assert (written["rowCount"], written["size"], written["fileCount"]) == (2, size, 1)
    assert facet(output, "storage")["fileFormat"] == "parquet"


def test_event_tells_what_became_of_the_contracts_rules(cloud: Cloud) -> None:
    run = cloud.run_pipeline(
        "input/flights/a.csv",
        flights(*map(flight, range(1, 5)), flight(1), flight(5, month=13), "2013,1"),
    )

    asserted = facet(event_of(cloud, run)["inputs"][0], "dataQualityAssertions")["assertions"]
    failed = {(one.get("column"), one["name"]): one for one in asserted if not one["success"]}
    assert set(failed) == {(None, "primaryKey"), ("month", "maximum"), (None, "cells")}
    assert failed["month", "maximum"]["expected"] == "must be at most 12"
    assert {one["actual"] for one in failed.values()} == {"1"}
    assert failed[None, "primaryKey"]["assertion"] == "unique"
    assert len(failed[None, "primaryKey"]["params"]["columns"]) == 7
    passed = {(one.get("column"), one["assertion"]) for one in asserted if one["success"]}
    assert {("month", "minimum"), ("year", "not_null"), ("origin", "validValues")} <= passed


def test_counted_rules_are_told_with_their_figures(cloud: Cloud, samples: dict[str, bytes]) -> None:
    # 11 of the 344 birds could not be sexed; that is below the contract's ten percent
    run = cloud.run_pipeline("input/penguins/p.csv", samples["penguins.csv"])

    uploaded = event_of(cloud, run)["inputs"][0]
    assert facet(uploaded, "dataQualityMetrics")["columnMetrics"] == {"Sex": {"nullCount": 11}}
    asserted = facet(uploaded, "dataQualityAssertions")["assertions"]
    (sexed,) = (one for one in asserted if one["name"] == "nullValues")
    assert (sexed["success"], sexed["severity"], sexed["column"]) == (True, "warn", "Sex")
    assert sexed["actual"] == "11"


def test_run_id_is_the_same_for_each_attempt_and_another_for_each_execution(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN
    monkeypatch.setenv(ENV_STACK_NAME, "Ours")
    deploy()
    event = cloud.upload(KEY, csv(order(1)))
    enriched = before_write(cloud, event)

    # WHEN the last stage is tried again although it has done all
    first = event_of(cloud, cloud.run_stage("write", event, enriched))
    again = event_of(cloud, cloud.run_stage("write", event, enriched))

    # THEN
    assert UUID(first["run"]["runId"]).version == 5
    assert again["run"] == first["run"]
    assert first["job"]["namespace"] == "Ours"

    # AND another execution that commits the same file is another run
    cloud.empty(OUTPUT, keep="quarantine/")
    other = event_of(cloud, cloud.run_stage("write", event, enriched, execution=OTHER_EXECUTION))
    assert other["run"]["runId"] != first["run"]["runId"]


def test_table_of_the_bucket_is_an_input_in_the_version_that_was_read(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN
    deploy(Orders(options={"enrich": [ITEMS_IN_BUCKET]}))
    put = cloud.s3.put_object(Bucket=INPUT, Key="lookups/items/1.csv", Body=b"item,price\ntea,3\n")

    # WHEN
    event = event_of(cloud, cloud.run_pipeline(KEY, csv(order(1))))

    # THEN
    _, table = event["inputs"]
    assert (table["namespace"], table["name"]) == (f"s3://{INPUT}", "lookups/items/1.csv")
    assert facet(table, "datasetVersion")["datasetVersion"] == put["VersionId"]
    assert facet(table, "inputStatistics")["rowCount"] == 1
    price = facet(event["outputs"][0], "columnLineage")["fields"]["price"]["inputFields"]
    assert {(one["name"], one["field"]) for one in price} == {
        ("lookups/items/1.csv", "price"),
        ("lookups/items/1.csv", "item"),
        (KEY, "item"),
    }


def test_merge_writes_an_event_of_its_own(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN a file with a rejected row, which today's contract lets pass
    deploy()
    uploaded = cloud.upload(KEY, csv(order(1), order(2, day=40)))
    first = cloud.run(uploaded)
    deploy(Orders(last_day=40))

    # WHEN
    merge = cloud.run(replay_of_quarantine(uploaded, first), execution=OTHER_EXECUTION)

    # THEN
    event, before = event_of(cloud, merge), event_of(cloud, first)
    books = event["run"]["facets"][BOOKS]
    assert books["mergedInto"] == first["run_id"]
    assert (books["rows"]["read"], books["rows"]["written"]) == (1, 1)
    written = facet(event["outputs"][0], "outputStatistics")
    assert (written["rowCount"], written["fileCount"]) == (1, 1)
    assert event["run"]["runId"] != before["run"]["runId"]
    assert cloud.document(merge["manifest"])["run"]["lineage"] == first["lineage"]


def test_runs_without_work_write_none(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN an object of which a newer version is committed already
    deploy()
    old = cloud.upload(KEY, csv(order(1)))
    new = cloud.upload(KEY, csv(order(2)))
    committed = cloud.run(new)

    # WHEN
    runs = [cloud.run(old), cloud.run(new, execution=OTHER_EXECUTION)]

    # THEN
    assert [run["outcome"] for run in runs] == ["SUPERSEDED", "ALREADY_PROCESSED"]
    assert [run["lineage"] for run in runs] == [None, committed["lineage"]]
    assert cloud.keys("lineage/") == [committed["lineage"].removeprefix(f"s3://{OUTPUT}/")]


def test_event_that_cannot_be_written_fails_no_run_and_is_made_good(
    cloud: Cloud,
    deploy: Deployments,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a bucket that takes everything but the event
    deploy()
    event = cloud.upload(KEY, csv(order(1)))
    enriched = before_write(cloud, event)

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("no event today")

    with monkeypatch.context() as patch:
        patch.setattr("functions.write.lineage.put_object", refuse)
        run = cloud.run_stage("write", event, enriched)

    # THEN the rows are published, and the log says what is missing
    assert run["outcome"] == "SUCCEEDED"
    assert cloud.keys("lineage/") == []
    assert "lineage event not written" in capsys.readouterr().out

    # WHEN the upload's event is delivered once more
    again = cloud.run(event, execution=OTHER_EXECUTION)

    # THEN the lineage is that of the execution that has committed, and nothing is left to do
    assert again["outcome"] == "ALREADY_PROCESSED"
    told = event_of(cloud, again)
    books = told["run"]["facets"][BOOKS]
    assert (books["outcome"], books["rows"]) == ("SUCCEEDED", run["rows"])
    assert books["executionArn"] == cloud.document(run["manifest"])["execution_arn"]
    assert cloud.keys("pending/") == []


def test_crash_before_the_event_is_made_good_by_the_retry(
    cloud: Cloud, deploy: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a last stage that dies between the commit and the event
    deploy()
    event = cloud.upload(KEY, csv(order(1), order(2, day=40)))
    enriched = before_write(cloud, event)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("functions.write.commit.publish_lineage", die)
        with pytest.raises(KeyboardInterrupt):
            cloud.run_stage("write", event, enriched)
    assert cloud.keys("lineage/") == []

    # WHEN
    run = cloud.run_stage("write", event, enriched)

    # THEN
    assert run["outcome"] == "SUCCEEDED_WITH_REJECTS"
    told = event_of(cloud, run)
    assert told["run"]["facets"][BOOKS]["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert facet(told["outputs"][0], "outputStatistics")["rowCount"] == 1


def test_event_holds_no_value_of_any_row(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN secrets in a masked column: in a good row, in rejected ones, and in a lookup's key
    secret, key = "Zanzibar", "coffee"
    deploy(
        Orders(
            columns={
                "item": {"classification": "pii"},
                "code": {"classification": "secret", "logicalTypeOptions": {"maxLength": 20}},
            },
            options={"transform": [{"derive": {"short": "left(code, 3)", "hidden": "md5(code)"}}]},
        )
    )
    rows = [order(1, code=secret), order(2, code=secret * 4), order(3, item=secret, code=key)]
    run = cloud.run_pipeline(KEY, csv(*rows, order(4, code=key, day=secret)) + b"9," + key.encode())
    assert run["rows"]["written"] == 1
    assert run["rows"]["rejected"] + run["rows"]["dropped_by_lookup"] == 4

    # THEN none of it, nor any other cell, is in the event
    event = event_of(cloud, run)
    text = json.dumps(event)
    assert secret not in text
    assert key not in text
    assert secret[:3] not in text

    # AND the columns are marked, in the output with what is made of them
    tags = [
        {(tag["field"], tag["key"], tag["value"]) for tag in facet(dataset, "tags")["tags"]}
        for dataset in (event["inputs"][0], event["outputs"][0])
    ]
    assert tags[0] == {
        ("item", "classification", "pii"),
        ("item", "masked", "true"),
        ("code", "classification", "secret"),
        ("code", "masked", "true"),
    }
    assert tags[1] == tags[0] | {("short", "masked", "true"), ("hidden", "masked", "true")}

    # AND a hash is told from what can be read
    fields = facet(event["outputs"][0], "columnLineage")["fields"]
    masking = {
        name: fields[name]["inputFields"][0]["transformations"][0]["masking"]
        for name in ("short", "hidden")
    }
    assert masking == {"short": False, "hidden": True}


def test_schema_of_the_tests_can_refuse(cloud: Cloud) -> None:
    # GIVEN an event, and others with one mistake each
    event = cloud.document(cloud.run_pipeline("input/flights/a.csv", flights(flight(1)))["lineage"])
    assert validator().is_valid(event)
    mistakes: list[tuple[tuple[Any, ...], Any]] = [
        (("eventTime",), "2026-01-31 12:00"),
        (("producer",), "not a uri"),
        (("run", "runId"), "b9385ee9500eedc0fab12db57546a37"),
        (("inputs", 0, "namespace"), "landing"),
        (("inputs", 0, "facets", "schema", "_schemaURL"), "https://example.org"),
        (("outputs", 0, "outputFacets", "outputStatistics", "rowCount"), "2"),
        (("run", "facets", BOOKS, "outcome"), "FINE"),
        (("job", "name"), ""),
    ]
    for path, wrong in mistakes:
        changed = copy.deepcopy(event)
        *parents, last = path
        place = changed
        for step in parents:
            place = place[step]
        place[last] = wrong

        # THEN
        assert not validator().is_valid(changed), path


def test_last_stage_alone_writes_events(cloud: Cloud, deploy: Deployments) -> None:
    deploy()
    event = cloud.upload(KEY, csv(order(1)))

    *_, enriched = cloud.states(event, STAGES[:-1])

    assert enriched["lineage"] is None
    assert cloud.keys("lineage/") == []
