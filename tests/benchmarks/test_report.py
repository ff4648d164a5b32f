"""Results become targets, tables and a page; a system without the same rows has no figure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.__main__ import RESULTS
from benchmarks.reasons import reasons
from benchmarks.report import page
from benchmarks.stages import STAGES
from benchmarks.systems import ROOT
from benchmarks.tables import spread, table_of_systems
from benchmarks.targets import Target, middle, scale, targets

MB = 1024 * 1024


def system(*cpu: float, title: str = "a system", peak_mb: float = 100, **more: Any) -> Any:
    runs = [{"wall": value / 2, "cpu": value, "peak_mb": peak_mb} for value in cpu]
    return {"title": title, "runs": runs, **more}


def compared(**systems: Any) -> Any:
    return {"rows": 1_000_000, "bytes": 92_000_000, "systems": systems}


def measured(results: Any) -> dict[str, Target]:
    return {target.what: target for target in targets(results)}


def test_ratios_are_of_medians() -> None:
    # GIVEN medians of 3 and 8 seconds
    results = {"table": compared(cold=system(2, 3, 90), seed=system(7, 8, 80))}

    # WHEN
    found = measured(results)["CSV, cold: CPU against seed"]

    # THEN
    assert found.measured == pytest.approx(3 / 8)
    assert found.met
    assert found.verdict == "met, 32% below"  # 0.375 of at most 0.55


def test_a_missed_target_says_by_how_much() -> None:
    assert Target("memory", 600, 400, "MB").verdict == "**missed**, 50% above"


def test_a_system_that_made_other_rows_has_no_ratio_and_no_figure() -> None:
    result = compared(cold=system(3), seed=system(8, error="accepted: month differs"))

    assert "CSV, cold: CPU against seed" not in measured({"table": result})
    assert "| a system | no figure" in table_of_systems(result, "seed")


def test_memory_is_held_to_bounds_and_to_a_slope() -> None:
    # GIVEN 5 M rows more that take 100 MiB more: 20.97 bytes a row
    sizes = [
        {"rows": rows, "systems": {"cold": system(1, peak_mb=peak)}}
        for rows, peak in ((1_000_000, 250), (5_000_000, 300), (10_000_000, 400))
    ]

    # WHEN
    found = measured({"scale": {"sizes": sizes}})

    # THEN
    assert found["peak memory, 1 M rows"].met
    assert found["peak memory, 10 M rows"].met
    slope = found["memory by row beyond 5 M rows"]
    assert slope.measured == pytest.approx(100 * MB / 5_000_000)
    assert not slope.met


def test_growth_leaves_out_files_whose_time_is_fixed_work() -> None:
    # GIVEN 20, 2 and 2.2 microseconds a row
    sizes = [
        {"rows": rows, "systems": {"warm": system(seconds)}}
        for rows, seconds in ((1_000, 0.02), (100_000, 0.2), (1_000_000, 2.2))
    ]

    # WHEN
    found = measured({"scale": {"sizes": sizes}})["CPU by row, the most against the least"]

    # THEN
    assert found.measured == pytest.approx(1.1)


def test_a_large_file_that_failed_is_missed() -> None:
    result = {**compared(cold=system(error="MemoryLimitError")), "memory_mb": 512}

    (target,) = targets({"large": result})

    assert not target.met


def test_spread_has_the_least_and_the_most() -> None:
    assert spread(system(3, 1, 2)["runs"], "cpu") == "2.00 (1.00-3.00)"
    assert spread(system(3)["runs"], "cpu") == "3.00"


def test_systems_are_ordered_by_their_cpu_seconds() -> None:
    result = compared(slow=system(9, title="slow"), seed=system(3, title="quick"))

    lines = table_of_systems(result, "seed").splitlines()

    assert lines[2] == "| quick | 1.50 | 3.00 | 100 | 1.00 |"
    assert lines[3] == "| slow | 4.50 | 9.00 | 100 | 3.00 |"


def test_the_page_has_a_section_for_each_experiment_and_the_versions() -> None:
    # GIVEN
    of_stages = {stage: {"wall": 1, "cpu": 1, "peak_mb": 100} for stage in STAGES}
    cold = system(3, title="the product")
    cold["runs"][0]["stages"] = of_stages
    about = {
        "date": "2026-01-31",
        "commit": "abc",
        "python": "3.11",
        "system": "Linux",
        "processor": "P",
        "processors": 2,
        "memory_gb": 24,
        "packages": {"pyarrow": "26.0.1"},
        "peers_packages": {"polars": "2.1.0"},
    }

    small = {"rows": 1_000, "cpu": dict.fromkeys((*STAGES, "ours", "sdk", "store"), 0.02)}
    seconds = {"total": 0.5, "stages": 0.1, "s3": 0.15, "orchestration": 0.25}
    cloud = {"rows": 1_000, "rounds": 30, "seconds": seconds}
    results = {"about": about, "table": compared(cold=cold, seed=system(8))}

    # WHEN
    text = page({**results, "small_files": small, "local_cloud": cloud})

    # THEN
    assert "## 1,000,000 rows of CSV" in text
    assert "JSON Lines" not in text
    assert "| validate | 1.00 | 1.00 | 100 |" in text
    assert "polars 2.1.0" in text
    assert "| of all: ours | 20.0 |" in text
    assert "| orchestration | 250 | 50% |" in text


def test_small_files_are_held_to_their_computing_and_to_their_whole_way() -> None:
    # GIVEN 12 ms of our own beside the SDK's, and 500 ms on the local cloud
    small = {"rows": 1_000, "cpu": {"ours": 0.012, "sdk": 0.009}}
    cloud = {"rows": 1_000, "seconds": {"total": 0.5}}

    # WHEN
    computing, whole_way = targets({"small_files": small, "local_cloud": cloud})

    # THEN
    assert (computing.measured, computing.met) == (pytest.approx(12), False)
    assert whole_way.met


def test_missed_targets_are_explained_by_the_same_figures() -> None:
    # GIVEN a cold run that misses DuckDB's seconds by its five starts, and one that does not
    functions = [{"name": name, "modules": 1, "wall": 0.4, "cpu": 0.4} for name in STAGES]
    results = {
        "table": compared(cold=system(5.0), warm=system(2.5), duckdb=system(4.0)),
        "start": {"functions": functions},
    }
    good = {**results, "table": compared(cold=system(2.0), warm=system(1.5), duckdb=system(4.0))}

    # THEN
    said = " ".join(reasons(results).split())
    assert "takes 2.0 CPU seconds together" in said
    assert "the work 2.5" in said
    assert reasons(good) == ""


def test_growth_is_explained_by_the_fixed_work() -> None:
    sizes = [
        {"rows": rows, "systems": {"warm": system(seconds)}}
        for rows, seconds in ((1_000, 0.05), (100_000, 0.4), (1_000_000, 2.9))
    ]

    assert "50 ms of 400" in reasons({"scale": {"sizes": sizes}})


def test_the_readme_has_the_figures_of_the_last_results() -> None:
    results = json.loads(RESULTS.read_text("utf-8"))
    seconds = {
        name: f"{middle(results['table'], name, 'cpu'):.1f} s"
        for name in ("warm", "cold", "duckdb", "polars")
    }
    peaks = scale(results, "cold", "peak_mb")
    one, ten = (f"{peaks[rows]:.0f} MB" for rows in (1_000_000, 10_000_000))

    said = (ROOT / "README.md").read_text("utf-8").split("## How fast")[1].split("##")[0]

    for figure in (*seconds.values(), ten):
        assert figure in said
    most = max(float(one.split()[0]), middle(results["table"], "cold", "peak_mb") or 0)
    assert f"more than {most:.0f} MB for it" in said
