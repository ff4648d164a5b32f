"""What the stages take, in figures that do not depend on how busy the machine is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import stable_figures

if TYPE_CHECKING:
    from benchmarks.stable_figures import Figures

RECORDED = Path(__file__).with_name("stable_figures.json")
TOLERANCE = {"requests": 0.0, "bytes_out": 0.05, "allocations": 0.1, "allocated": 0.1, "calls": 0.1}
"""By how much of it a figure may differ from the one recorded."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return stable_figures.figures(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def recorded() -> Figures:
    """The figures as they were recorded, with the calls of this version of Python, if they were."""
    document = json.loads(RECORDED.read_text("utf-8"))
    figures: Figures = document["figures"]
    for rows, calls in document["calls"].get(stable_figures.python_version(), {}).items():
        for stage, value in calls.items():
            figures[rows][stage]["calls"] = value
    return figures


def differences(found: Figures, recorded: Figures) -> list[str]:
    """Figures that are not what was recorded, in words."""
    return [
        f"{stage}, {rows} rows: {figure} {found[rows][stage][figure]:,} instead of {value:,}"
        for rows, stages in recorded.items()
        for stage, figures in stages.items()
        for figure, value in figures.items()
        if abs(found[rows][stage][figure] - value) > TOLERANCE[figure] * value
    ]


def test_stages_take_what_they_took(found: Figures, recorded: Figures) -> None:
    wrong = differences(found, recorded)
    assert not wrong, (
        "The work takes more or less than was recorded:\n  "
        + "\n  ".join(wrong)
        + "\nIf that is what the change is meant to do, run `make figures`, and commit its file."
    )


def test_requests_of_a_run_do_not_grow_with_its_rows(found: Figures) -> None:
    """A GET, a PUT, and one for a profile; a larger file's output has more months, a file each."""
    for stage in ("validate", "clean", "transform", "enrich"):
        requests = {stages[stage]["requests"] for stages in found.values()}
        assert len(requests) == 1, stage


def test_calls_grow_with_batches_and_never_with_rows(found: Figures) -> None:
    """A hundred times the rows, of which two in a hundred are bad."""
    small, large = (found[str(rows)] for rows in stable_figures.ROWS)
    for stage, figures in large.items():
        assert figures["calls"] - small[stage]["calls"] < 20_000, stage


@pytest.mark.parametrize(("value", "differs"), [(109, False), (111, True), (89, True)])
def test_difference_beyond_the_tolerance_is_told(value: int, differs: bool) -> None:
    told = differences({"1000": {"clean": {"calls": value}}}, {"1000": {"clean": {"calls": 100}}})
    assert told == ([f"clean, 1000 rows: calls {value} instead of 100"] if differs else [])
