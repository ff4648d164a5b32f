from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.costs.forecast import Plan, forecast
from cli.costs.forecast_texts import assumptions, forecast_lines, forecast_record
from cli.costs.profiles import (
    Growth,
    built_in_profile,
    growth,
    measured_profile,
    profile_of,
    starts_cold,
    stored_runs,
)
from cli.costs.standing import NO_STACK, Standing, metric_series, metrics_of_alarm
from cli.costs.texts import heading
from cli.errors import CliError
from cli.output import stdout
from pipeline.cost import COMPUTE, cost_of, run_usage
from pipeline.metrics import MetricsDetail
from pipeline.prices import prices_for
from tests.unit.cli.fakes import FakeCloud, FakeStepFunctions, FakeTarget

if TYPE_CHECKING:
    from pathlib import Path

PRICES = prices_for("eu-central-1")
MB = 1_000_000


# --- Lines through points -----------------------------------------------------------------------
def test_two_sizes_give_the_line_through_them() -> None:
    assert growth([(100, 3.0), (300, 7.0)]) == Growth(pytest.approx(1.0), pytest.approx(0.02))


def test_one_size_grows_in_proportion_or_above_a_known_fixed_part() -> None:
    assert growth([(100, 3.0), (110, 3.3)]) == Growth(0.0, pytest.approx(0.03))
    assert growth([(100, 3.0)], Growth(1.0, 9.9)) == Growth(1.0, pytest.approx(0.02))
    assert growth([(100, 3.0)], Growth(5.0, 0.0)) == Growth(3.0, 0.0)


@given(st.lists(st.tuples(st.integers(1, 10**9), st.floats(0, 1e6)), min_size=1, max_size=8))
def test_no_part_is_negative(points: list[tuple[float, float]]) -> None:
    line = growth(points)
    assert line.fixed >= 0
    assert line.by_byte >= 0


# --- Profiles -----------------------------------------------------------------------------------
def test_the_built_in_profile_gives_back_the_runs_that_it_is_from() -> None:
    _, runs = stored_runs()
    profile = built_in_profile()
    for run in runs:
        if not starts_cold(run):
            for item, quantity in run_usage(run, run.stages).items():
                assert profile.usage[item].at(run.source.size) == pytest.approx(quantity), item


def test_the_built_in_cold_start_is_what_the_cold_run_used_more() -> None:
    _, runs = stored_runs()
    (cold,) = [run for run in runs if starts_cold(run)]
    profile = built_in_profile()
    warm = profile.usage[COMPUTE].at(cold.source.size)
    assert profile.cold[COMPUTE] == pytest.approx(run_usage(cold, cold.stages)[COMPUTE] - warm)
    assert profile.cold[COMPUTE] > 0


def executed(**changes: Any) -> FakeStepFunctions:
    """Return a Step Functions with an execution of each stored run, and of others."""
    machine = FakeStepFunctions()
    for number, run in enumerate(stored_runs()[1]):
        machine.starts(f"run-{number}", "input/flights/f.csv", "e")
        machine.executions[0]["output"] = json.dumps(run.to_json() | changes)
    return machine


@dataclass
class StackTarget(FakeTarget):
    stack: str = "LambdaPipelines"


def target(machine: FakeStepFunctions) -> Any:
    return StackTarget(FakeCloud(machine))


def test_a_dataset_s_warm_runs_are_the_profile_if_there_are_some() -> None:
    profile = measured_profile(target(executed()), "flights")

    assert profile.source == "2 runs of flights, files of 90.9 kB to 31.1 MB"
    assert profile.usage == built_in_profile().usage
    assert profile.cold == built_in_profile().cold


def test_cold_runs_alone_are_not_made_colder() -> None:
    _, runs = stored_runs()
    machine = FakeStepFunctions()
    machine.starts("cold", "input/flights/f.csv", "e")
    machine.executions[0]["output"] = json.dumps(
        next(run for run in runs if starts_cold(run)).to_json()
    )

    profile = measured_profile(target(machine), "flights")

    assert profile.cold == {}
    assert "which started cold" in profile.source


@pytest.mark.parametrize(
    "changes",
    [{"dataset": "weather"}, {"outcome": "ALREADY_PROCESSED"}, {"stages": []}],
    ids=str,
)
def test_runs_of_others_and_without_work_are_no_measure(changes: dict[str, Any]) -> None:
    with pytest.raises(CliError, match="no run of flights") as raised:
        measured_profile(target(executed(**changes)), "flights")
    assert "run FILE --dataset flights" in str(raised.value)


# --- Forecasts ----------------------------------------------------------------------------------
def flat_profile() -> Any:
    """Return the profile of a run that uses 2 GB-seconds and 1 of them for 10 MB."""
    _, runs = stored_runs()
    known = profile_of([run for run in runs if not starts_cold(run)], "a test")
    usage = {COMPUTE: Growth(2.0, 1 / (10 * MB)), "state_transition": Growth(9, 0)}
    lines = {"usage": usage, "seconds": {"validate": Growth(1.0, 1 / MB)}}
    sizes = {"staged": Growth(0, 0.5), "written": Growth(0, 0.25), "row_bytes": 100.0}
    return replace(known, cold={COMPUTE: 4.0}, **lines, **sizes)  # type: ignore[arg-type]


def test_forecast_by_hand() -> None:
    # GIVEN 1,460 files of 20 MB a month: two an hour, so that each starts cold
    plan = Plan(files_per_month=1_460, bytes=20 * MB)
    stack = Standing(alarm_metrics=30, dashboards=1, keys=1)
    # WHEN
    made = forecast(plan, flat_profile(), stack, PRICES)
    # THEN a file takes 2 + 2 + 4 GB-seconds and nine transitions
    one = 8 * 0.0000133334 + 9 * 0.000025
    assert made.cold
    assert made.one_file.usd == pytest.approx(one)
    assert made.files.usd == pytest.approx(1_460 * one)
    # AND every hour has a file, so every metric is billed for the whole month
    series = metric_series(MetricsDetail.STAGES, datasets=1)
    assert made.standing.usd == pytest.approx(30 * 0.10 + 3.00 + 1.00 + series * 0.30)
    # AND 1.25 times the bytes stay, and 0.5 times for 14 of 30.42 days
    gb = 1_460 * 20 * MB * (1.25 + 0.5 * 14 / (730 / 24)) / 1024**3
    assert made.storage.usd == pytest.approx(gb * 0.0245)
    assert made.usd == pytest.approx(made.files.usd + made.standing.usd + made.storage.usd)
    assert made.rows == 200_000
    assert made.slowest == ("validate", pytest.approx(21.0))


def test_metrics_are_billed_in_the_hours_in_which_files_come() -> None:
    # GIVEN one file a day (30.42 a month): each metric is told in 30.42 of 730 hours
    plan = Plan(files_per_month=730 / 24, bytes=MB)

    made = forecast(plan, flat_profile(), NO_STACK, PRICES)

    series = metric_series(MetricsDetail.STAGES, datasets=1)
    assert made.standing.usd == pytest.approx(series * 0.30 / 24)


def test_metrics_of_runs_alone_cost_less_and_are_told() -> None:
    # GIVEN a file an hour, to each of two datasets
    plan = Plan(files_per_month=2 * 730, bytes=MB, datasets=2)
    stack = replace(NO_STACK, metrics=MetricsDetail.RUNS)

    made = forecast(plan, flat_profile(), stack, PRICES)

    # THEN eleven figures of a run are told by dataset and by stack, two of each function
    assert made.standing.usd == pytest.approx((2 * 11 + 11 + 2 * 5) * 0.30)
    record = forecast_record(made)
    assert record["metrics"] == "runs"
    assert any(
        "metrics=runs: 11 a dataset and 21 a stack" in each for each in record["assumptions"]
    )


def test_files_that_come_often_find_functions_warm() -> None:
    often = forecast(Plan(730 * 60, MB), flat_profile(), NO_STACK, PRICES)
    seldom = forecast(Plan(730, MB), flat_profile(), NO_STACK, PRICES)

    assert not often.cold
    assert seldom.cold
    assert seldom.one_file.usd - often.one_file.usd == pytest.approx(4 * 0.0000133334)


def test_a_file_that_takes_too_long_is_told() -> None:
    made = forecast(Plan(1, 500 * MB), flat_profile(), NO_STACK, PRICES)

    assert made.is_too_slow
    assert "validate would take 501 s, more than the 300 s" in forecast_record(made)["warnings"][0]


@given(st.integers(1, 10**6), st.integers(1, 10**10), st.integers(1, 50))
def test_more_files_and_larger_ones_never_cost_less(files: int, size: int, more: int) -> None:
    profile = built_in_profile()
    base = forecast(Plan(files, size), profile, NO_STACK, PRICES)
    larger = forecast(Plan(files, size * (1 + more)), profile, NO_STACK, PRICES)
    assert larger.usd >= base.usd
    # Warm functions are cheaper, so that only plans that start alike can be compared.
    several = forecast(Plan(files * (1 + more), size), profile, NO_STACK, PRICES)
    assert several.cold != base.cold or several.usd >= base.usd


def test_the_record_has_what_people_read(capsys: pytest.CaptureFixture[str]) -> None:
    made = forecast(Plan(200, 30 * MB), built_in_profile(), NO_STACK, PRICES)

    record = forecast_record(made)
    for line in forecast_lines(made):
        stdout().print(line)

    said = capsys.readouterr().out
    assert json.loads(json.dumps(record)) == record
    assert record["usd_per_month"] == pytest.approx(
        sum(record[part]["usd"] for part in ("files", "standing", "storage")), abs=1e-5
    )
    assert "200 files of 30.0 MB a month" in said
    assert "What the files use" in said
    assert "no stack was looked at" in said
    assert all(words in said for words in record["assumptions"])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (1, "one in 30.4 days, so every function starts cold"),
        (200, "one in 3.6 hours, so every"),
        (6_000, "one in 7.3 minutes, so every"),
        (43_800, "one in 60 seconds, so no function starts cold"),
    ],
)
def test_the_time_between_files_is_said_in_its_unit(files: int, said: str) -> None:
    made = forecast(Plan(files, MB), built_in_profile(), NO_STACK, PRICES)
    assert any(said in words for words in assumptions(made))


def test_prices_of_one_s_own_are_no_list_prices(tmp_path: Path, capsys: Any) -> None:
    own = tmp_path / "ours.json"
    own.write_text('{"everywhere": {"log_gb": 0.4}}')
    prices = prices_for("eu-central-1", own=own)

    stdout().print(heading("It", cost_of({"log_gb": 1}, prices)), soft_wrap=True)

    said = capsys.readouterr().out
    assert said.startswith(f"It - $0.4 in eu-central-1, prices of {own}, else list prices as of")


def test_the_built_in_forecast_of_the_measured_file_is_its_run() -> None:
    """One file of the flights file's size costs what the measured warm run costs."""
    _, runs = stored_runs()
    largest = max(runs, key=lambda run: run.source.size)
    often = Plan(730 * 60, largest.source.size)

    made = forecast(often, built_in_profile(), NO_STACK, PRICES)

    run = cost_of(run_usage(largest, largest.stages), PRICES)
    assert made.one_file.usd == pytest.approx(run.usd)


# --- What stands there --------------------------------------------------------------------------
def test_an_alarm_is_billed_for_each_metric_that_it_looks_at() -> None:
    assert metrics_of_alarm({"MetricName": "Errors"}) == 1
    queries = [{"Id": "a", "MetricStat": {}}, {"Id": "b", "MetricStat": {}}, {"Id": "r"}]
    assert metrics_of_alarm({"Metrics": queries}) == 2


def test_each_dataset_has_the_same_metrics_more() -> None:
    for detail in MetricsDetail:
        none, one, two = (metric_series(detail, datasets=number) for number in range(3))
        assert two - one == one - none > 0
