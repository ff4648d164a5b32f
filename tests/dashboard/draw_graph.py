"""Draws widgets of metrics: lines and areas over time, figures, a gauge."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Wedge
from matplotlib.ticker import MaxNLocator

from tests.dashboard.canvas import INK, LINE, SOFT
from tests.dashboard.day import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from tests.dashboard.canvas import Page
    from tests.dashboard.lines import Line, Widget
    from tests.dashboard.place import Place

_LEGEND_ROW = 15
_SWATCH = 9
_MIDNIGHT = datetime(2026, 6, 17, tzinfo=UTC).timestamp()


def draw_graph(page: Page, place: Place, widget: Widget, lines: Sequence[Line]) -> None:
    """Lines over time, or areas on top of each other, with their legend below."""
    properties = widget["properties"]
    rows = _legend_rows(page, lines, place.width - 24)
    below = 24 + len(rows) * _LEGEND_ROW + 6
    axes = page.axes(place.x + 56, place.y + 34, place.width - 72, place.height - 34 - below)
    times = [line.start + line.period * (np.arange(len(line.values)) + 0.5) for line in lines]
    values = [_filled(line) for line in lines]
    if properties.get("stacked"):
        _draw_areas(axes, times[0], values, lines)
    else:
        for at, value, line in zip(times, values, lines, strict=True):
            axes.plot(at, value, color=line.color, lw=1.3, solid_joinstyle="round")
            alone = _isolated(value)
            axes.plot(at[alone], value[alone], ".", color=line.color, ms=3.5)
    top = _draw_limits(axes, properties)
    _scale(axes, values, stacked=bool(properties.get("stacked")), top=top)
    _label(axes, lines[0], properties["yAxis"]["left"]["label"])
    for number, row in enumerate(rows):
        y = place.bottom - 10 - (len(rows) - 1 - number) * _LEGEND_ROW
        _draw_legend_row(page, place.x + 14, y, row)


def draw_figures(page: Page, place: Place, lines: Sequence[Line]) -> None:
    """Newest values, large, side by side."""
    width = (place.width - 24) / len(lines)
    for number, line in enumerate(lines):
        x = place.x + 14 + number * width
        page.text(
            x, place.y + 112, short(line.last), size=_fitting(page, line, width), weight="bold"
        )
        page.box(x, place.y + 132, _SWATCH, _SWATCH, line.color)
        page.text(x + 14, place.y + 141, page.fitted(line.label, width - 20, size=8.5), size=8.5)


def _fitting(page: Page, line: Line, width: float) -> float:
    """Largest size that a figure has room for."""
    sizes = (26, 24, 22, 20, 18, 16, 14)
    words = short(line.last)
    return next(
        (size for size in sizes if page.measured(words, size=size, weight="bold") < width - 22), 12
    )


def draw_gauge(page: Page, place: Place, widget: Widget, line: Line) -> None:
    """Half a ring from the least to the greatest value, coloured as its annotations say."""
    properties = widget["properties"]
    low, high = (properties["yAxis"]["left"][end] for end in ("min", "max"))
    size = min(place.width - 40, 2 * (place.height - 70))
    axes = page.axes(place.x + (place.width - size) / 2, place.y + 42, size, size / 2)
    axes.set(xlim=(-1, 1), ylim=(0, 1))
    axes.axis("off")

    def angle(value: float) -> float:
        return 180 - 180 * (value - low) / (high - low)

    zones = [
        (low, limit["value"], limit["color"])
        if limit["fill"] == "below"
        else (limit["value"], high, limit["color"])
        for limit in properties["annotations"]["horizontal"]
    ]
    axes.add_patch(Wedge((0, 0), 0.88, 0, 180, width=0.22, color="#eaeded", lw=0))
    for start, end, color in zones:
        axes.add_patch(Wedge((0, 0), 1, angle(end), angle(start), width=0.08, color=color, lw=0))
    value = line.last
    if value is not None:
        color = next(color for start, end, color in zones if start <= value <= end)
        axes.add_patch(Wedge((0, 0), 0.88, angle(value), 180, width=0.22, color=color, lw=0))
    axes.text(0, 0.12, f"{short(value)} %", ha="center", fontsize=17, fontweight="bold", color=INK)
    page.text(
        place.x + place.width / 2 - size / 2 + 2, place.y + 42 + size / 2 + 15, f"{low}", size=8
    )
    page.text(
        place.x + place.width / 2 + size / 2 - 2,
        place.y + 42 + size / 2 + 15,
        f"{high}",
        size=8,
        ha="right",
    )


def short(value: float | None) -> str:
    """Number as CloudWatch shortens it: 12.3k, 4.56M."""
    if value is None:
        return "--"
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return (
                f"{value / size:.3g}{letter}"
                if value / size < 100
                else f"{value / size:.0f}{letter}"
            )
    return f"{value:.3g}" if value != int(value) else f"{int(value)}"


def _filled(line: Line) -> Any:
    return np.array([np.nan if value is None else value for value in line.values], dtype=float)


def _isolated(values: Any) -> Any:
    """Points without neighbours, which no line shows."""
    known = np.concatenate([[False], ~np.isnan(values), [False]])
    return known[1:-1] & ~known[:-2] & ~known[2:]


def _draw_areas(axes: Axes, times: Any, values: Sequence[Any], lines: Sequence[Line]) -> None:
    base = np.zeros_like(times)
    for value, line in zip(values, lines, strict=True):
        top = base + np.nan_to_num(value)
        axes.fill_between(times, base, top, color=line.color, alpha=0.55, lw=0)
        axes.plot(times, np.where(top > base, top, np.nan), color=line.color, lw=1.1)
        base = top


def _draw_limits(axes: Axes, properties: dict[str, Any]) -> float:
    """Lines across, each with its words; returns the highest one."""
    limits = properties.get("annotations", {}).get("horizontal", [])
    for limit in limits:
        axes.axhline(limit["value"], color=limit["color"], lw=1, ls=(0, (5, 3)))
        axes.annotate(
            limit["label"],
            (1, limit["value"]),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 3),
            textcoords="offset points",
            ha="right",
            fontsize=7.5,
            color=limit["color"],
        )
    return max((limit["value"] for limit in limits), default=0.0)


def _scale(axes: Axes, values: Sequence[Any], *, stacked: bool, top: float) -> None:
    """Axis from zero to a little above what is highest."""
    whole = np.array([np.nan_to_num(value) for value in values])
    highest = float((whole.sum(axis=0) if stacked else whole).max())
    if highest or top:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    else:
        axes.set_yticks([0, 1])
    axes.set_ylim(0, max(highest * 1.1, top * 1.15) or 1)


def _label(axes: Axes, line: Line, unit: str) -> None:
    end = line.start + line.period * len(line.values)
    axes.set_xlim(line.start, end)
    step = 6 * HOUR if end - line.start <= DAY else 4 * DAY
    ticks = np.arange(line.start, end + 1, step)
    words = "%H:%M" if step < DAY else "%d %b"
    axes.set_xticks(
        ticks, [datetime.fromtimestamp(_MIDNIGHT + at, UTC).strftime(words) for at in ticks]
    )
    axes.yaxis.set_major_formatter(lambda value, _: short(value))
    axes.set_ylabel(unit, fontsize=7.5, color=SOFT, labelpad=3)
    axes.tick_params(labelsize=7.5, length=0, colors=SOFT, pad=3)
    axes.grid(axis="y", color="#eaeded", lw=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(LINE)


def _legend_rows(page: Page, lines: Sequence[Line], width: float) -> list[list[tuple[Line, float]]]:
    """Lines of the legend, each entry with its width."""
    rows: list[list[tuple[Line, float]]] = [[]]
    used = 0.0
    for line in lines:
        wide = 14 + page.measured(line.label, size=8) + 14
        if used + wide > width and rows[-1]:
            rows.append([])
            used = 0
        rows[-1].append((line, wide))
        used += wide
    return rows


def _draw_legend_row(page: Page, x: float, y: float, row: Sequence[tuple[Line, float]]) -> None:
    for line, width in row:
        page.box(x, y - _SWATCH + 1, _SWATCH, _SWATCH, line.color)
        page.text(x + 14, y, line.label, size=8)
        x += width
