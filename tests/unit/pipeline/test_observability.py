from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.metrics import (
    BY_FUNCTION,
    BY_RUN,
    BY_STAGE,
    MEMORY_UTILIZATION,
    ROWS_IN,
    ROWS_READ,
    RUNS,
    STAGE_ERRORS,
    MetricsDetail,
)
from pipeline.observability import print_figures, print_metrics, stage_logger

if TYPE_CHECKING:
    from collections.abc import Callable

DIMENSIONS = {"stack": "Blue", "dataset": "things", "stage": "clean"}


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def printed(
        figures: Any, dimensions: dict[str, str] = DIMENSIONS, **properties: Any
    ) -> dict[str, Any]:
        sets = next(iter(figures)).sets
        print_metrics(figures, sets, dimensions, properties)
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return printed


def described(line: dict[str, Any]) -> dict[str, Any]:
    (found,) = line["_aws"]["CloudWatchMetrics"]
    return dict(found)


def test_a_line_is_counted_under_the_sets_of_its_metrics(
    line: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the name of the service, which Powertools makes a dimension by itself
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "clean")

    # THEN
    assert described(line({ROWS_IN: 1}))["Dimensions"] == [["stack", "dataset", "stage"]]
    assert described(line({MEMORY_UTILIZATION: 1}))["Dimensions"] == [["stack", "stage"]]
    of_run = line({RUNS: 1, ROWS_READ: 7})
    assert described(of_run) == {
        "Namespace": "LambdaPipelines",
        "Dimensions": [["stack", "dataset"], ["stack"]],
        "Metrics": [{"Name": "Runs", "Unit": "Count"}, {"Name": "RowsRead", "Unit": "Count"}],
    }
    values = {name: value for name, value in of_run.items() if name != "_aws"}
    assert values == {"stack": "Blue", "dataset": "things", "Runs": [1], "RowsRead": [7]}


def test_a_set_without_its_values_is_left_out(line: Callable[..., dict[str, Any]]) -> None:
    assert described(line({RUNS: 1}, {"stack": "Blue"}))["Dimensions"] == [["stack"]]


def test_zeros_are_told_unless_they_are_what_is_usual(line: Callable[..., dict[str, Any]]) -> None:
    told = line({ROWS_IN: 0, STAGE_ERRORS: 0})

    assert told["RowsIn"] == [0]
    assert "StageErrors" not in told


def test_properties_stand_beside_and_never_replace_a_dimension(
    line: Callable[..., dict[str, Any]],
) -> None:
    told = line({ROWS_IN: 1}, run_id="r", dataset="another")

    assert (told["run_id"], told["dataset"]) == ("r", "things")
    assert line({RUNS: 1}, {"stack": "Blue"}, dataset="another")["dataset"] == "another"


def test_figures_without_metrics_are_the_same_line_but_for_what_cloudwatch_reads(
    line: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {ROWS_IN: 7, STAGE_ERRORS: 0}
    counted = line(figures, run_id="r", dataset="another")

    print_figures(figures, DIMENSIONS, {"run_id": "r", "dataset": "another"})

    del counted["_aws"]
    assert json.loads(capsys.readouterr().out) == counted


@pytest.mark.parametrize("sets", [BY_STAGE, BY_FUNCTION, BY_RUN], ids=str)
def test_stages_alone_are_left_out_of_the_metrics_of_runs(sets: Any) -> None:
    assert all(map(MetricsDetail.STAGES.has, sets))
    assert {MetricsDetail.RUNS.has(dimensions) for dimensions in sets} == {sets is not BY_STAGE}


def test_lines_do_not_add_up(line: Callable[..., dict[str, Any]]) -> None:
    line({ROWS_IN: 1}, run_id="r")

    told = line({MEMORY_UTILIZATION: 2}, DIMENSIONS | {"stage": "write"})

    assert told["stage"] == "write"
    assert "RowsIn" not in told
    assert "run_id" not in told


def test_a_stage_has_one_logger() -> None:
    assert stage_logger("clean") is stage_logger("clean")
    assert stage_logger("clean").service == "clean"
