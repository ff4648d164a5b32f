"""Tables in Markdown of what was measured."""

from __future__ import annotations

from math import inf
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.stages import STAGES
from benchmarks.targets import MILLISECONDS, middle, scale, targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Result = Mapping[str, Any]

_MICROSECONDS: Final = 1e6


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; columns after the first are set to the right."""
    rule = ["---", *("---:" for _ in header[1:])]
    lines = [header, rule, *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def table_of_targets(results: Result) -> str:
    """Return what was to be reached, and whether it was."""
    rows = [
        (one.what, f"{one.measured:.3g} {one.unit}", f"{one.limit:.3g} {one.unit}", one.verdict)
        for one in targets(results)
    ]
    return table(("target", "measured", "at most", "verdict"), rows)


def table_of_systems(result: Result, base: str) -> str:
    """Return what each system took, beside the one named `base`, in an order of CPU seconds."""
    header = ("system", "wall s", "CPU s", "peak MB", f"CPU, {base} = 1")
    unit = middle(result, base, "cpu")
    found = result["systems"].items()
    ordered = sorted(found, key=lambda item: middle(result, item[0], "cpu") or inf)
    rows = [(system["title"], *_figures(result, name, unit)) for name, system in ordered]
    return table(header, rows)


def _figures(result: Result, name: str, unit: float | None) -> list[str]:
    system = result["systems"][name]
    if "error" in system:
        return ["no figure: not the same rows, or failed", "", "", ""]
    cpu = middle(result, name, "cpu")
    ratio = f"{cpu / unit:.2f}" if cpu and unit else ""
    return [*(spread(system["runs"], what) for what in ("wall", "cpu")), _peak(system), ratio]


def _peak(system: Result) -> str:
    return f"{median(run['peak_mb'] for run in system['runs']):.0f}"


def spread(runs: Sequence[Result], what: str) -> str:
    """Return the median, and the least and the most where there is more than one run."""
    values = [run[what] for run in runs]
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def table_of_stages(result: Result) -> str:
    """Return what each of the product's stages took, cold and warm."""
    every = {
        ("cold", "cpu"): "cold CPU s",
        ("cold", "wall"): "cold wall s",
        ("cold", "peak_mb"): "peak MB",
        ("warm", "cpu"): "warm CPU s",
        ("warm", "wall"): "warm wall s",
    }
    wanted = {name: title for name, title in every.items() if name[0] in result["systems"]}
    header = ("stage", *wanted.values())
    rows = [
        (stage, *(_of_stage(result, way, stage, what) for way, what in wanted)) for stage in STAGES
    ]
    return table(header, rows)


def _of_stage(result: Result, way: str, stage: str, what: str) -> str:
    runs = result["systems"].get(way, {}).get("runs")
    if not runs:
        return ""
    value = median(run["stages"][stage][what] for run in runs)
    return f"{value:.0f}" if what == "peak_mb" else f"{value:.2f}"


def table_of_growth(results: Result) -> str:
    """Return time and memory by number of rows."""
    warm, cold = scale(results, "warm", "cpu"), scale(results, "cold", "cpu")
    peaks = {
        name: scale(results, name, "peak_mb") for name in ("cold", "polars_streaming", "duckdb")
    }
    header = (
        *("rows", "MB", "warm CPU s", "warm CPU us a row", "cold CPU s", "peak MB"),
        *("peak MB, polars streaming", "peak MB, DuckDB"),
    )
    rows = []
    for size in results["scale"]["sizes"]:
        count = size["rows"]
        by_row = warm[count] / count * _MICROSECONDS if count in warm else None
        figures = (
            *((warm.get(count), ".2f"), (by_row, ".2f"), (cold.get(count), ".2f")),
            *((peak.get(count), ".0f") for peak in peaks.values()),
        )
        cells = ["" if value is None else format(value, form) for value, form in figures]
        rows.append((f"{count:,}", f"{size['bytes'] / 1e6:,.1f}", *cells))
    return table(header, rows)


def table_of_special(results: Result, names: Mapping[str, str]) -> str:
    """Return what files of an unusual shape took, a line for each and each system."""
    header = ("file", "MB", "system", "wall s", "CPU s", "peak MB")
    rows = []
    for name, title in names.items():
        result = results["special"][name]
        for system, found in result["systems"].items():
            figures = _figures(result, system, None)[:-1]
            megabytes = f"{result['bytes'] / 1e6:,.0f}"
            rows.append((f"{result['rows']:,} {title}", megabytes, found["title"], *figures))
    return table(header, rows)


def table_of_starts(result: Result) -> str:
    """Return what the start of each function takes."""
    wanted = {"wall": "wall s", "cpu": "CPU s", "least_cpu": "least CPU s"}
    rows = [
        (line["name"], *(f"{line[name]:.2f}" for name in wanted), line["modules"])
        for line in result["functions"]
    ]
    return table(("function", *wanted.values(), "modules"), rows)


def table_of_small_files(result: Result) -> str:
    """Return CPU milliseconds by stage, and whose they are."""
    spoken = {
        **{stage: stage for stage in STAGES},
        "ours": "of all: ours",
        "sdk": "of all: the SDK's",
        "store": "of all: the store's, which AWS does not have",
    }
    rows = [(title, f"{result['cpu'][name] * MILLISECONDS:.1f}") for name, title in spoken.items()]
    return table(("stage, or whose it is", "CPU ms"), rows)


def table_of_shares(result: Result) -> str:
    """Return wall milliseconds of a run on the local cloud, and their shares."""
    spoken = {
        "stages": "the five stages, without S3",
        "s3": "S3's requests",
        "orchestration": "orchestration",
        "total": "**from upload to the end of the run**",
    }
    seconds = result["seconds"]
    rows = [
        (
            title,
            f"{seconds[name] * MILLISECONDS:.0f}",
            f"{seconds[name] / seconds['total']:.0%}",
        )
        for name, title in spoken.items()
    ]
    return table(("where it goes", "wall ms", "share"), rows)
