"""The evaluator against the worked examples of "Using metric math" in CloudWatch's User Guide."""

from __future__ import annotations

import pytest

from tests.infra.metric_math import Series, evaluate, used_ids

COMPARED: dict[str, Series] = {"m1": [30, 20, 0, 0], "m2": [20, None, 20, None]}
CHOSEN: dict[str, Series] = {
    "m1": [1, 1, 0, 0, None],
    "m2": [30, None, 0, 0, 30],
    "m3": [0, 0, 20, None, 20],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(m1 < m2)", [0, 0, 1, 0]),
        ("(m1 >= 30)", [1, 0, 0, 0]),
        ("(m1 > 15 AND m2 > 15)", [1, 0, 0, 0]),
        ("(m1 > 15 && m2 > 15)", [1, 0, 0, 0]),
        ("m1 > 15 || m2 > 15", [1, 1, 1, 0]),
    ],
)
def test_comparisons_and_logic_of_the_guide(expression: str, expected: Series) -> None:
    assert evaluate(expression, COMPARED) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(m1, m2, m3)", [30, 0, 20, None, None]),
        ("IF(m1, 5, m3)", [5, 5, 20, None, None]),
        ("IF(m1, m2, 5)", [30, 0, 5, 5, None]),
        ("IF(m1, m2)", [30, 0, None, None, None]),
    ],
)
def test_conditions_of_the_guide(expression: str, expected: Series) -> None:
    assert evaluate(expression, CHOSEN) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", [3, 1, 2, None]),  # what one side lacks is 0; what both lack stays away
        ("100 * m1 / (m1 + m2)", [100 / 3, 100, 0, None]),
        ("m1 / m3", [None, None, None, None]),  # divided by zero: the point is dropped
        ("2 ^ m1 - 1", [1, 1, None, None]),
        ("SUM([m1, m2])", [3, 1, 2, None]),
        ("AVG([m1, m2])", [1.5, 0.5, 1, None]),
        ("MAX([m1, m2])", [2, 1, 2, None]),
        ("m1 / SUM(m1)", [0.5, 0.5, None, None]),
        ("FILL(m1, 0)", [1, 1, 0, 0]),
        ("FILL(m1, m3)", [1, 1, 0, 0]),
        ("FILL(m2, REPEAT)", [2, 2, 2, 2]),
        ("RUNNING_SUM(m2)", [2, 2, 4, 4]),
        ("TIME_SERIES(7)", [7, 7, 7, 7]),
        ("SUM(METRICS())", [3, 1, 2, 0]),
    ],
)
def test_missing_points(expression: str, expected: Series) -> None:
    series: dict[str, Series] = {
        "m1": [1, 1, None, None],
        "m2": [2, None, 2, None],
        "m3": [0, 0, 0, 0],
    }
    assert evaluate(expression, series) == expected


def test_an_id_that_is_not_defined_is_refused() -> None:
    with pytest.raises(KeyError, match="m9"):
        evaluate("m1 + m9", COMPARED)


@pytest.mark.parametrize("expression", ["ANOMALY_DETECTION_BAND(m1)", "SUM(m1)", "m1 < m2 < m1"])
def test_what_is_not_known_or_no_series_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"not known here|no single time series"):
        evaluate(expression, COMPARED)


def test_ids_of_an_expression() -> None:
    assert used_ids("IF(FILL(runs, 0) >= 10, 100 * ok / runs)") == {"runs", "ok"}
