"""What the product is to reach, and whether it did: ratios within one run, and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Result = Mapping[str, Any]

MB: Final = 1024 * 1024
MILLION: Final = 1_000_000
FLAT_FROM: Final = 100_000
SLOPE_FROM: Final = 5 * MILLION


@dataclass(frozen=True)
class Target:
    """Something to reach: what was measured is to be at most the limit."""

    what: str
    measured: float
    limit: float
    unit: str = "x"

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.measured <= self.limit

    @property
    def verdict(self) -> str:
        """Whether, and by how much of the limit."""
        share = abs(1 - self.measured / self.limit)
        return f"met, {share:.0%} below" if self.met else f"**missed**, {share:.0%} above"


_RATIOS: Final = (
    ("table", "cold", "cpu", "seed", 0.55),
    ("table", "cold", "wall", "seed", 0.45),
    ("table", "cold", "cpu", "polars", 1.0),
    ("table", "cold", "cpu", "duckdb", 1.0),
    ("table", "warm", "cpu", "seed", 0.30),
    ("table", "warm", "cpu", "polars", 0.45),
    ("table", "warm", "cpu", "limit", 2.0),
    ("jsonl", "cold", "cpu", "polars", 1.0),
    ("jsonl", "cold", "cpu", "duckdb", 1.0),
    ("jsonl", "warm", "cpu", "polars", 1.0),
    ("jsonl", "warm", "cpu", "duckdb", 1.0),
)
"""Experiment, the product's way to run, what is compared, the peer, and the most it may be."""
_SPOKEN: Final = {"cpu": "CPU", "wall": "wall", "table": "CSV", "jsonl": "JSON Lines"}
_MEMORY: Final = ((MILLION, 300), (10 * MILLION, 512))
SLOPE_BYTES: Final = 10
FLAT: Final = 1.15
START_S: Final = 0.6
PANDAS_START_S: Final = 1.4
SMALL_MS: Final = 10
UPLOAD_S: Final = 1.0
MILLISECONDS: Final = 1_000


def targets(results: Result) -> list[Target]:
    """Return the targets that these results say something about."""
    each = (_ratios, _memory, _large, _growth, _start, _small_files, _local_cloud)
    return [target for of_one_kind in each for target in of_one_kind(results)]


def middle(results: Result, system: str, what: str) -> float | None:
    """Return the median of a system's runs; None if it has no figure."""
    found = results["systems"].get(system)
    if found is None or "error" in found or not found["runs"]:
        return None
    return float(median(run[what] for run in found["runs"]))


def _ratios(results: Result) -> Iterator[Target]:
    for experiment, way, what, peer, limit in _RATIOS:
        if experiment in results:
            ours = middle(results[experiment], way, what)
            theirs = middle(results[experiment], peer, what)
            if ours is not None and theirs is not None:
                said = f"{_SPOKEN[experiment]}, {way}: {_SPOKEN[what]} against {peer}"
                yield Target(said, ours / theirs, limit)


def _memory(results: Result) -> Iterator[Target]:
    peaks = scale(results, "cold", "peak_mb")
    for rows, limit in _MEMORY:
        if rows in peaks:
            yield Target(f"peak memory, {rows // MILLION} M rows", peaks[rows], limit, "MB")
    most = max(peaks, default=0)
    if SLOPE_FROM in peaks and most > SLOPE_FROM:
        slope = (peaks[most] - peaks[SLOPE_FROM]) * MB / (most - SLOPE_FROM)
        yield Target("memory by row beyond 5 M rows", slope, SLOPE_BYTES, "bytes")


def _large(results: Result) -> Iterator[Target]:
    if "large" in results:
        result = results["large"]
        times = result["bytes"] / (result["memory_mb"] * MB)
        peak = middle(result, "cold", "peak_mb")
        what = f"a file {times:.0f} times the functions' memory goes through: peak memory"
        yield Target(what, inf if peak is None else peak, result["memory_mb"], "MB")


def _growth(results: Result) -> Iterator[Target]:
    cpu = scale(results, "warm", "cpu")
    by_row = [seconds / rows for rows, seconds in cpu.items() if rows >= FLAT_FROM]
    if len(by_row) > 1:
        yield Target("CPU by row, the most against the least", max(by_row) / min(by_row), FLAT)


def _start(results: Result) -> Iterator[Target]:
    for function in results.get("start", {}).get("functions", ()):
        limit = PANDAS_START_S if "pandas" in function["name"] else START_S
        yield Target(f"start of {function['name']}: wall", function["wall"], limit, "s")


def _small_files(results: Result) -> Iterator[Target]:
    if "small_files" in results:
        small = results["small_files"]
        what = f"{small['rows']:,} rows, five warm stages: computing, without the SDK"
        yield Target(what, small["cpu"]["ours"] * MILLISECONDS, SMALL_MS, "ms")


def _local_cloud(results: Result) -> Iterator[Target]:
    if "local_cloud" in results:
        cloud = results["local_cloud"]
        what = f"{cloud['rows']:,} rows, upload to the end of the run on the warm local cloud"
        yield Target(what, cloud["seconds"]["total"], UPLOAD_S, "s")


def scale(results: Result, system: str, what: str) -> dict[int, float]:
    """Return a system's medians by number of rows, where it has figures."""
    sizes = results.get("scale", {}).get("sizes", ())
    found = {size["rows"]: middle(size, system, what) for size in sizes}
    return {rows: value for rows, value in found.items() if value is not None}
