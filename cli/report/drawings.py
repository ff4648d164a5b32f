"""What the report's plots show, and the same in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from cli.render import shortened
from cli.report.plots import (
    BARS,
    DISTRIBUTION,
    FREQUENT,
    MOMENTS,
    PARTS,
    STACKED,
    plot,
)
from cli.report.words import LOSSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Span = tuple[float, float]

SHOWN_RULES: Final = 12
LABEL, TITLE = 40, 120
"""Characters of a bar's name, and of a column's name in a plot's title."""
SHOWN_VALUES: Final = 5
DRAWN_COLUMNS: Final = 60
"""Columns with plots of their values; of more the page would take minutes, and megabytes."""
MOMENT_TYPES: Final = ("date", "timestamp", "time")


def drawings(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the plots of a report's document as SVG elements, by their names in the template."""
    found = {
        "rows": _rows(report["rows"], report["steps"]),
        "rules": _rules(report["rejects"]["rules"]),
        "stages": _stages(report["stages"]),
    }
    for number, column in enumerate(report["columns"]["columns"][:DRAWN_COLUMNS]):
        for side, svg in _column(number, column).items():
            found[f"{side}-{number}"] = svg
    return {name: svg for name, svg in found.items() if svg}


def _rows(rows: Mapping[str, int], steps: Sequence[Mapping[str, Any]]) -> str:
    """Rows that are left after each stage, and what left there."""
    if not rows.get("read") or not steps:
        return ""
    bars = [_bar("read", rows["read"], f"{rows['read']:,}")]
    for step in steps:
        lost = [f"−{step['left'][name]:,} {name}" for name in LOSSES if step["left"][name]]
        came = [f"+{step['came']:,} expanded"] if step["came"] else []
        words = ", ".join([f"{step['rows_out'] or 0:,}", *came, *lost])
        bars.append(_bar(str(step["stage"]), step["rows_out"] or 0, words.replace("_", " ")))
    return plot(BARS, bars, title="Rows after each stage", told=_told(bars), key="plot-rows")


def _rules(rules: Sequence[Mapping[str, Any]]) -> str:
    counted = [rule for rule in rules if rule["rows"]][:SHOWN_RULES]
    if not counted:
        return ""
    bars = [_bar(rule_name(rule), rule["rows"], f"{rule['rows']:,}") for rule in counted]
    return plot(BARS, bars, title="Rejected rows by rule", told=_told(bars), key="plot-rules")


def rule_name(rule: Mapping[str, Any]) -> str:
    """`month: maximum`."""
    return f"{rule['column'] or 'row'}: {rule['rule']}"


def _stages(stages: Sequence[Mapping[str, Any]]) -> str:
    """Seconds of work and of cold starts."""
    if not stages:
        return ""
    bars = [
        {"name": stage["stage"], "number": seconds, "part": part}
        for stage in stages
        for part, seconds in zip(PARTS, (stage["seconds"], stage["init_seconds"]), strict=True)
        if seconds or part == PARTS[0]
    ]
    told = ", ".join(f"{bar['name']} {bar['number']:.2f} s {bar['part']}" for bar in bars)
    return plot(STACKED, bars, title="Seconds by stage", told=told, key="plot-stages")


def _column(number: int, column: Mapping[str, Any]) -> dict[str, str]:
    """Return the plots of a column before and after; both on one axis, if they are numbers."""
    sides = {side: column[side] for side in ("before", "after") if column[side]}
    histograms = {side: _histogram(profile) for side, profile in sides.items()}
    span = _common_span([bars for bars in histograms.values() if bars])
    found = {}
    for side, profile in sides.items():
        said = "as read" if side == "before" else "as written"
        title = f"Values of {shortened(column['name'], TITLE)}, {said}"
        key = f"plot-{side}-{number}"
        if bars := histograms[side]:
            is_moment = profile["type"] in MOMENT_TYPES
            kind = MOMENTS if is_moment else DISTRIBUTION
            found[side] = plot(kind, bars, title=title, told=_peak(profile), key=key, span=span)
        elif bars := _frequent_values(profile):
            found[side] = plot(FREQUENT, bars, title=title, told=_told(bars), key=key)
    return found


def _histogram(profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the bars of a profile's histogram; none where they would tell nothing."""
    histogram = profile["histogram"] or {}
    edges = [_position(edge) for edge in histogram.get("edges") or []]
    counts = histogram.get("counts") or []
    known = [edge for edge in edges if edge is not None]
    if len(known) != len(edges) or len(edges) != len(counts) + 1 or profile["distinct"] == 1:
        return []
    return [
        {"low": low, "high": high, "rows": rows}
        for low, high, rows in zip(known, known[1:], counts, strict=False)
    ]


def _position(edge: Any) -> float | None:
    """Return an edge as a number; that of a moment in milliseconds since 1970, as Vega counts."""
    if isinstance(edge, int | float):
        return float(edge) if isfinite(edge) else None
    try:
        text = str(edge)
        at = datetime.fromisoformat(text if "-" in text[1:] else f"1970-01-01T{text}")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000
    except (ValueError, OverflowError):
        return None


def _common_span(histograms: Sequence[Sequence[Mapping[str, Any]]]) -> Span | None:
    if not histograms:
        return None
    return (
        min(bars[0]["low"] for bars in histograms),
        max(bars[-1]["high"] for bars in histograms),
    )


def _peak(profile: Mapping[str, Any]) -> str:
    """Say in words what a histogram shows."""
    edges, counts = profile["histogram"]["edges"], profile["histogram"]["counts"]
    most = max(range(len(counts)), key=counts.__getitem__)
    return (
        f"{sum(counts):,} values from {edges[0]} to {edges[-1]}; "
        f"most of them, {counts[most]:,}, from {edges[most]} to {edges[most + 1]}"
    )


def _frequent_values(profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    top = (profile["top"] or [])[:SHOWN_VALUES]
    if all(rows == 1 for _, rows in top):  # any others are as frequent as these
        return []
    return [_bar(value_words(value), rows, f"{rows:,}") for value, rows in top]


def value_words(value: Any) -> str:
    """Return a value as it is shown: an empty text would be invisible."""
    if isinstance(value, str):
        return value or "(empty text)"
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "(none)" if value is None else str(value)


def _bar(name: str, number: float, words: str) -> dict[str, Any]:
    # Vega measures a long text again and again until it fits.
    return {"name": shortened(name, LABEL), "number": number, "words": words}


def _told(bars: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{bar['name']}: {bar['words']}" for bar in bars)
