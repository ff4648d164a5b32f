"""Pictures of docs/performance.md: seconds by system, memory and time by number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.targets import FLAT_FROM, middle, scale

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

    Result = Mapping[str, Any]

OURS: Final = "#1f6f8b"
OTHERS: Final = "#b9b4ab"
LINES: Final = {
    "cold": ("Lambda Pipelines", OURS, "o"),
    "polars_streaming": ("polars, streaming", "#c1666b", "s"),
    "duckdb": ("DuckDB", "#d4a24c", "^"),
}
BOUND_MB: Final = 512
MILLION: Final = 1e6
_STYLE: Final[dict[Any, Any]] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.dpi": 120,
}


def save_systems(result: Result, file: Path) -> None:
    """Draw CPU and wall seconds of every system that has figures, the least at the top."""
    with mpl.rc_context(_STYLE):
        names = [name for name in result["systems"] if middle(result, name, "cpu") is not None]
        names.sort(key=lambda name: middle(result, name, "cpu") or 0.0, reverse=True)
        figure = Figure(figsize=(9, 0.45 * len(names) + 1.2), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, what, label in ((left, "cpu", "CPU seconds"), (right, "wall", "wall seconds")):
            _bars(axes, result, names, what)
            axes.set_xlabel(f"{label}, {result['rows']:,} rows")
        figure.savefig(file)


def _bars(axes: Axes, result: Result, names: list[str], what: str) -> None:
    values = [middle(result, name, what) or 0.0 for name in names]
    titles = [result["systems"][name]["title"].replace("**", "") for name in names]
    colours = [OURS if "Lambda" in title else OTHERS for title in titles]
    bars = axes.barh(titles, values, color=colours)
    axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=3)
    axes.margins(x=0.15)
    axes.tick_params(axis="y", length=0)


def save_growth(results: Result, file: Path) -> None:
    """Draw peak memory, and CPU time a row, by number of rows."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        memory, time = figure.subplots(1, 2)
        for name, (title, colour, mark) in LINES.items():
            peaks = scale(results, name, "peak_mb")
            rows = [count / MILLION for count in peaks]
            memory.plot(rows, list(peaks.values()), marker=mark, color=colour, label=title)
        memory.axhline(BOUND_MB, color=OURS, linestyle=":", linewidth=1)
        edge = memory.get_yaxis_transform()  # across in shares of the picture, up in MB
        memory.text(1, BOUND_MB, f"bound: {BOUND_MB} MB", transform=edge, ha="right", va="bottom")
        memory.set(xlabel="million rows", ylabel="peak memory, MB", ylim=(0, None))
        memory.legend(frameon=False)
        _time(time, results)
        figure.savefig(file)


def _time(axes: Axes, results: Result) -> None:
    """Time a row; of smaller files it is fixed work, which the table has."""
    cpu = {rows: cpu for rows, cpu in scale(results, "warm", "cpu").items() if rows >= FLAT_FROM}
    by_row = [seconds / rows * MILLION for rows, seconds in cpu.items()]
    axes.plot(list(cpu), by_row, marker="o", color=OURS)
    axes.set(
        xscale="log",
        ylim=(0, 1.2 * max(by_row, default=1)),
        xlabel="rows",
        ylabel="warm CPU, microseconds a row",
    )
