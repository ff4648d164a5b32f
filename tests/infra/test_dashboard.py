"""The dashboard's definition: it draws what exists, all of it, and CloudWatch takes it."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import typer.main
from moto import mock_aws

from cli.main import app as command
from infra.dashboard.datasets import DATASETS_SHOWN
from infra.dashboard.widgets import COLUMNS, RED
from infra.settings import AlarmSettings, StageSettings
from pipeline import metrics
from pipeline.constants import (
    DEFAULT_STACK_NAME,
    METRICS_NAMESPACE,
    OUTCOMES_WITHOUT_WORK,
    STAGES,
    SUCCEEDED,
    SUCCEEDED_WITH_REJECTS,
)
from tests.dashboard.definition import dashboard_body
from tests.dashboard.lines import Entry, entries
from tests.infra.metric_math import used_ids
from tests.infra.synthesis import Template, empty_plans, resources, synthesised

if TYPE_CHECKING:
    from pathlib import Path

Widget = dict[str, Any]

OURS = {one.name: one for one in vars(metrics).values() if isinstance(one, metrics.MetricName)} | {
    found.name: found
    for found in map(
        metrics.outcome_metric, (SUCCEEDED, SUCCEEDED_WITH_REJECTS, *OUTCOMES_WITHOUT_WORK)
    )
}
OF_AWS = {
    "AWS/Events": ("RuleName", {"TriggeredRules"}),
    "AWS/Lambda": ("FunctionName", {"Duration", "Errors", "Throttles"}),
    "AWS/SQS": (
        "QueueName",
        {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    ),
    "AWS/States": (
        "StateMachineArn",
        {"ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"},
    ),
}
"""Metrics that the services' guides name, each under its page about CloudWatch metrics."""
PROPERTIES = {
    "metric": {
        *("annotations", "metrics", "region", "setPeriodToTimeRange", "stacked", "start"),
        *("title", "view", "yAxis"),
    },
    "alarm": {"alarms", "sortBy", "title"},
    "text": {"background", "markdown"},
}
"""What is used here of "Dashboard Body Structure and Syntax" in CloudWatch's API Reference."""


@pytest.fixture(scope="module")
def body(aws_template: Template) -> dict[str, Any]:
    return dashboard_body(aws_template)


@pytest.fixture(scope="module")
def body_of_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The dashboard of a stack whose stages have no metrics by dataset."""
    return dashboard_body(synthesised(tmp_path_factory.mktemp("runs"), metrics="runs"))


@pytest.fixture(scope="module")
def widgets(body: dict[str, Any]) -> list[Widget]:
    return list(body["widgets"])


@pytest.fixture(scope="module")
def drawn(widgets: list[Widget]) -> list[Entry]:
    """Rows of all widgets that are metrics, not expressions."""
    return [entry for widget in widgets for entry in entries(widget) if entry.metric]


def titled(widgets: list[Widget], start: str) -> Widget:
    (found,) = (one for one in widgets if one["properties"].get("title", "").startswith(start))
    return found


def test_a_stack_has_one_dashboard_of_its_name(aws_template: Template) -> None:
    (dashboard,) = resources(aws_template, "AWS::CloudWatch::Dashboard").values()
    assert dashboard["Properties"]["DashboardName"] == DEFAULT_STACK_NAME


def test_metrics_of_ours_are_named_and_have_a_set_of_dimensions_that_is_told(
    drawn: list[Entry],
) -> None:
    ours = [entry for entry in drawn if entry.metric[0] == METRICS_NAMESPACE]
    assert ours
    for entry in ours:
        _, name, *dimensions = entry.metric
        assert tuple(dimensions[::2]) in {tuple(sorted(names)) for names in OURS[name].sets} | set(
            OURS[name].sets
        ), entry


def test_metrics_of_aws_are_documented(drawn: list[Entry]) -> None:
    for entry in drawn:
        namespace, name, *dimensions = entry.metric
        if namespace != METRICS_NAMESPACE:
            dimension, names = OF_AWS[namespace]
            assert name in names
            assert dimensions[::2] == [dimension]


def test_resources_in_dimensions_are_the_stacks(aws_template: Template, drawn: list[Entry]) -> None:
    for entry in drawn:
        if entry.metric[0] != METRICS_NAMESPACE:
            (logical_id,) = re.findall(r"<(\w+)", entry.metric[3])
            assert logical_id in aws_template["Resources"]


@pytest.mark.parametrize(
    "metric",
    [
        *(metrics.ROWS_READ, metrics.ROWS_WRITTEN, metrics.ROWS_REJECTED, metrics.STAGE_ERRORS),
        *(metrics.UPLOAD_TO_COMMIT, metrics.ESTIMATED_COST),
    ],
    ids=lambda metric: metric.name,
)
def test_every_dataset_is_drawn(drawn: list[Entry], metric: metrics.MetricName) -> None:
    assert any(
        entry.metric[1] == metric.name and {"dataset", "flights"} <= set(entry.metric)
        for entry in drawn
    )


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_drawn(drawn: list[Entry], stage: str) -> None:
    of_function = {
        entry.metric[1]
        for entry in drawn
        if entry.metric[0] == "AWS/Lambda" and entry.metric[3].startswith(f"<{stage.capitalize()}")
    }
    assert of_function == {"Duration", "Errors", "Throttles"}
    of_ours = {entry.metric[1] for entry in drawn if {"stage", stage} <= set(entry.metric)}
    assert of_ours == {"MemoryUtilization", "Retries", "ColdStarts", "StageErrors"}


def test_without_metrics_by_stage_none_is_drawn_and_all_others_are(
    drawn: list[Entry], body_of_runs: dict[str, Any]
) -> None:
    found = [one for widget in body_of_runs["widgets"] for one in entries(widget) if one.metric]
    assert not [one for one in found if {"dataset", "stage"} <= set(one.metric)]
    left = [one for one in drawn if not {"dataset", "stage"} <= set(one.metric)]
    assert {tuple(one.metric) for one in found} == {tuple(one.metric) for one in left}


def test_every_outcome_is_drawn(drawn: list[Entry]) -> None:
    told = {entry.metric[1] for entry in drawn if entry.metric[1].startswith("Outcome_")}
    assert told == {name for name in OURS if name.startswith("Outcome_")}


def test_expressions_use_ids_that_their_widget_defines(widgets: list[Widget]) -> None:
    for widget in widgets:
        rows = entries(widget)
        ids = [row.options["id"] for row in rows if "id" in row.options]
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]{0,254}", id_) for id_ in ids)
        used: set[str] = set()
        for row in rows:
            if expression := row.options.get("expression"):
                assert len(expression) <= 2048  # `MetricDataQuery` takes no longer one
                used |= used_ids(expression)
        assert used == set(ids)


def test_widgets_fit_the_grid_without_overlaps(
    widgets: list[Widget], body_of_runs: dict[str, Any]
) -> None:
    for drawn_together in (widgets, body_of_runs["widgets"]):
        assert_grid_is_filled(drawn_together)


def assert_grid_is_filled(widgets: list[Widget]) -> None:
    cells: set[tuple[int, int]] = set()
    for widget in widgets:
        columns = range(widget["x"], widget["x"] + widget["width"])
        rows = range(widget["y"], widget["y"] + widget["height"])
        assert columns.start >= 0
        assert columns.stop <= COLUMNS
        covered = set(itertools.product(columns, rows))
        assert not covered & cells
        cells |= covered
    height = 1 + max(row for _, row in cells)
    assert len(cells) == COLUMNS * height  # nor are there holes


def test_graphs_begin_at_zero_and_say_their_unit(widgets: list[Widget]) -> None:
    for widget in widgets:
        if widget["properties"].get("view") == "timeSeries":
            axis = widget["properties"]["yAxis"]["left"]
            assert axis["min"] == 0
            assert axis["label"]


def test_widgets_and_lines_say_what_they_are(widgets: list[Widget]) -> None:
    titles = [widget["properties"]["title"] for widget in widgets if widget["type"] != "text"]
    assert len(titles) == len(set(titles))
    for widget in widgets:
        shown = [row for row in entries(widget) if row.options.get("visible", True)]
        labels = [row.options.get("label") for row in shown]
        assert None not in labels
        assert len(labels) == len(set(labels))


def test_red_is_what_failed_and_nothing_else(widgets: list[Widget]) -> None:
    labels = {
        row.options["label"]
        for widget in widgets
        for row in entries(widget)
        if row.options.get("color") == RED
    }
    assert labels == {"failed", "dead letters"}


@pytest.mark.parametrize(
    ("title", "limit"),
    [
        ("How long from upload to commit?", AlarmSettings().latency_s),
        ("Longest invocation", AlarmSettings().duration_percent),
        ("Highest memory", AlarmSettings().memory_percent),
        ("Success rate", AlarmSettings().success_percent),
    ],
)
def test_limits_are_the_alarms(widgets: list[Widget], title: str, limit: int) -> None:
    annotations = titled(widgets, title)["properties"]["annotations"]["horizontal"]
    assert {one["value"] for one in annotations} == {limit}


def test_durations_are_shares_of_the_timeout(widgets: list[Widget]) -> None:
    rows = entries(titled(widgets, "Longest invocation"))
    milliseconds = StageSettings().timeout_s * 1000
    expressions = {row.options.get("expression") for row in rows} - {None}
    assert expressions == {f"100 * {stage} / {milliseconds}" for stage in STAGES}


def test_all_alarms_are_shown_and_raised_ones_first(
    aws_template: Template, widgets: list[Widget]
) -> None:
    shown = titled(widgets, "Is an alarm raised?")["properties"]
    alarms = resources(aws_template, "AWS::CloudWatch::Alarm")
    assert shown["alarms"] == [f"<{logical_id}.Arn>" for logical_id in alarms]
    assert shown["sortBy"] == "stateUpdatedTimestamp"


def test_the_answer_stands_on_the_first_screen(widgets: list[Widget]) -> None:
    first = [widget["properties"]["title"] for widget in widgets if widget["y"] < 11]
    assert [title.split()[0] for title in first] == [
        *("Success", "How", "What", "What"),
        *("Is", "How", "How"),
    ]


def test_commands_exist_and_are_complete(widgets: list[Widget]) -> None:
    typed = re.findall(r"`pipeline ([^`]+)`", json.dumps(widgets))
    assert len(typed) >= 5
    for words in typed:
        assert words.endswith(" --region eu-central-1 --stack LambdaPipelines")
        found: Any = typer.main.get_command(command)
        for word in words.split():
            if not hasattr(found, "commands"):
                break
            found = found.commands[word]


def test_pages_are_the_consoles(widgets: list[Widget]) -> None:
    (text,) = (
        widget["properties"]["markdown"]
        for widget in widgets
        if "Where to look" in widget["properties"].get("markdown", "")
    )
    pages = dict(re.findall(r"\[([^\]]+)\]\(([^)]+)\)", text))
    assert {"executions", "dead letters", "undelivered events", *STAGES} == set(pages)
    for page in pages.values():
        assert page.startswith("https://eu-central-1.console.aws.amazon.com/")
        assert "home?region=eu-central-1#" in page
    assert "/sqs/v3/" in pages["dead letters"]
    assert "%2F111122223333%2F<MessagingDeadLetters" in pages["dead letters"]


def test_the_laptops_dashboard_has_no_links(local_template: Template) -> None:
    assert "https://" not in json.dumps(dashboard_body(local_template))


def test_properties_are_those_of_the_api(body: dict[str, Any]) -> None:
    assert set(body) == {"periodOverride", "start", "widgets"}
    for widget in body["widgets"]:
        assert set(widget) == {"height", "properties", "type", "width", "x", "y"}
        assert set(widget["properties"]) <= PROPERTIES[widget["type"]]
        if widget["type"] == "metric":
            assert widget["properties"]["region"] == "eu-central-1"
        assert 1 <= widget["width"] <= COLUMNS
        assert 1 <= widget["height"] <= 1000


def test_cloudwatch_keeps_it(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        cloudwatch = boto3.client("cloudwatch", region_name="eu-central-1")
        answer = cloudwatch.put_dashboard(DashboardName="it", DashboardBody=json.dumps(body))
        assert answer.get("DashboardValidationMessages", []) == []
        kept = cloudwatch.get_dashboard(DashboardName="it")["DashboardBody"]
    assert json.loads(kept) == body


def test_two_hundred_datasets_stay_within_cloudwatchs_quotas(tmp_path: Path) -> None:
    names = [f"dataset_{number:03}" for number in range(200)]
    template = synthesised(tmp_path, compiler=empty_plans(*names), alarms="none")
    found = dashboard_body(template)["widgets"]
    # "CloudWatch service quotas": 500 metrics a widget (expressions count in a graph), 2,500 in all
    counts = [len(entries(widget)) for widget in found]
    assert max(counts) <= 500
    assert sum(counts) <= 2500
    assert len(found) <= 500
    words = json.dumps(found)
    assert all(name in words for name in names[:DATASETS_SHOWN])
    assert names[DATASETS_SHOWN] not in words
    assert f"({DATASETS_SHOWN} of 200)" in words
    assert "alarm" not in {widget["type"] for widget in found}  # a widget needs one at least
