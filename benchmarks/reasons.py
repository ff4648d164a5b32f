"""Why targets are missed: where the time goes that they would not have."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.targets import MILLISECONDS, middle, scale, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Result = Mapping[str, Any]

_SMALL: Final = 1_000
_MEDIUM: Final = 100_000
_PEERS: Final = """\
- The ratios were set by a prototype written by hand for one dataset, which kept no books, and by
  peers as they were then. The peers have been made faster since, as far as we could (their modules
  in `benchmarks/peers/` say how)."""
_COLD: Final = """\
- **Cold**: five functions are five processes. Starting Python, importing Arrow and the SDK, and
  making the S3 client takes {starts:.1f} CPU seconds together (see the start of a function), the
  work {warm:.1f}. A peer starts once."""
_WARM: Final = """\
- **Warm**: the limit reads the CSV and writes the Parquet and does nothing else, in {limit:.2f} s;
  0.45 of polars would be {polars:.2f} s. Of the product's, {validate:.1f} s are validate's, which
  reads, checks and says what is wrong with rejected rows, {write:.1f} s write's, which partitions
  and encodes, and {between:.1f} s those of the stages between, which open what the stage before has
  staged, and stage it for the next."""
_GROWTH: Final = """\
- **Growth**: from a million rows on the time by row is the same. At {medium:,} rows a run's fixed
  work shows: {fixed:.0f} ms of {whole:.0f}."""
_SMALL_FILES: Final = """\
- **Small files**: hardly anything of the {ours:.0f} ms depends on the rows. Each column, rule and
  step of each stage is a call of Arrow or several, and every run leaves a report, a manifest, a
  lineage event, metrics and logs."""


def reasons(results: Result) -> str:
    """Return what there is to say of the targets that these results miss; empty if nothing."""
    missed = [target.what for target in targets(results) if not target.met]
    found = [
        find(results) for mark, find in _REASONS.items() if any(mark in what for what in missed)
    ]
    return "\n".join(reason for reason in found if reason)


def _of_ratios(_results: Result) -> str:
    return _PEERS


def _of_cold(results: Result) -> str:
    functions = results.get("start", {}).get("functions", ())
    starts = sum(each["cpu"] for each in functions if "pandas" not in each["name"])
    warm = middle(results.get("table", {"systems": {}}), "warm", "cpu")
    return _COLD.format(starts=starts, warm=warm) if starts and warm else ""


def _of_warm(results: Result) -> str:
    table = results.get("table", {"systems": {}})
    limit, polars = middle(table, "limit", "cpu"), middle(table, "polars", "cpu")
    stages = _stages(table)
    if limit is None or polars is None or not stages:
        return ""
    between = stages["clean"] + stages["transform"] + stages["enrich"]
    return _WARM.format(
        limit=limit,
        polars=0.45 * polars,
        validate=stages["validate"],
        write=stages["write"],
        between=between,
    )


def _stages(table: Result) -> dict[str, float]:
    """CPU seconds of each warm stage, medians."""
    every = table["systems"].get("warm", {}).get("runs", ())
    runs = [run["stages"] for run in every if "stages" in run]
    return {name: median(run[name]["cpu"] for run in runs) for name in (runs[0] if runs else ())}


def _of_growth(results: Result) -> str:
    cpu = scale(results, "warm", "cpu")
    if not {_SMALL, _MEDIUM} <= cpu.keys():
        return ""
    fixed, whole = (cpu[rows] * MILLISECONDS for rows in (_SMALL, _MEDIUM))
    return _GROWTH.format(medium=_MEDIUM, fixed=fixed, whole=whole)


def _of_small_files(results: Result) -> str:
    return _SMALL_FILES.format(ours=results["small_files"]["cpu"]["ours"] * MILLISECONDS)


_REASONS: Final[dict[str, Callable[[Result], str]]] = {
    "against": _of_ratios,
    "cold: ": _of_cold,
    "CSV, warm: ": _of_warm,
    "CPU by row": _of_growth,
    "computing, without the SDK": _of_small_files,
}
"""What says why, by a part of the missed target's name."""
