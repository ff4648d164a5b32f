"""Plots as SVG: charts of Vega-Altair, drawn by vl-convert; no network, no fonts of their own.

Each kind of chart is compiled once, to a specification of Vega into which the values of each plot
are put: compiling takes fifty times as long as drawing. The colours are those of a light page;
report.css gives each one its counterpart on a dark page, by its attribute.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import vl_convert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Values = Sequence[Mapping[str, Any]]

BAR: Final = "#3b6fb6"
SECOND: Final = "#e09f3e"
INK: Final = "#565f6b"
LINE: Final = "#cfd4da"
FONT: Final = "system-ui, sans-serif"

DISTRIBUTION: Final = "distribution"
MOMENTS: Final = "moments"
FREQUENT: Final = "frequent"
BARS: Final = "bars"
STACKED: Final = "stacked"
PARTS: Final = ("work", "cold start")
"""What a stacked bar is made of."""

SMALL_WIDTH, SMALL_HEIGHT = 190, 40
WIDTH: Final = 210
LABEL_WIDTH: Final = 120

_DATA: Final = "values"
_LABELS: Final = alt.Axis(
    # One extent for all, so that the bars of several plots begin below each other.
    ticks=False,
    domain=False,
    minExtent=LABEL_WIDTH,
    maxExtent=LABEL_WIDTH,
    # Narrower than its place: the reader's font may be wider than the one that is measured here.
    labelLimit=0.8 * LABEL_WIDTH,
)
_THEME: Final[dict[str, Any]] = {
    "aria": False,
    "font": FONT,
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 10,
        "domainColor": LINE,
        "tickColor": LINE,
        "tickSize": 3,
        "grid": False,
        "title": None,
    },
    "legend": {"labelColor": INK, "labelFontSize": 10, "symbolType": "square"},
    "text": {"color": INK, "fontSize": 10},
}
_SIZE: Final = re.compile(r'<svg [^>]*?(width="[\d.]+" height="[\d.]+" viewBox="[^"]*")>')
_TAG: Final = re.compile(r"<[^>]*>")
_NO_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not have: vl-convert ends the whole process at the first one."""
_BEYOND_16_BITS: Final = re.compile("[\U00010000-\U0010ffff]")
_NEVER_CUT: Final = 6
"""Characters of a label that has place for sure."""
_NEEDLESS: Final = re.compile(
    r' (?:class|role|aria-roledescription|aria-hidden|pointer-events|opacity)="[^"]*"'
)
_LONG_NUMBER: Final = re.compile(r"(\d+\.\d{2})\d+")
_NOTHING: Final = re.compile(r'<path d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>')


def plot(
    kind: str,
    values: Values,
    *,
    title: str,
    told: str,
    key: str,
    span: tuple[float, float] | None = None,
) -> str:
    """Return a plot as an SVG element; an empty text where Vega cannot draw it.

    Its numbers may lie too close together; the page has them in words, too.

    Parameters
    ----------
    kind
        One of this module's.
    values
        Of a histogram `low`, `high` (moments: ISO 8601) and `rows`; of bars `name`, `number`, and
        `words` behind the bar; of stacked bars `part` instead, one of `PARTS`.
    title, told
        What it shows, and the same in words, for those who cannot see it.
    key
        Distinguishes the plot from the others of the page.
    span
        Ends of the horizontal axis, so that two plots can be compared; by the values, if None.
    """
    specification = {**_compiled(kind)}
    specification["data"] = [
        {**data, "values": [*map(_drawable, values)]} if data["name"] == _DATA else data
        for data in specification["data"]
    ]
    if span:
        specification["scales"] = [
            {**scale, "domain": list(span), "nice": False} if scale["name"] == "x" else scale
            for scale in specification["scales"]
        ]
    try:
        drawn = vl_convert.vega_to_svg(specification, allowed_base_urls=[])
    except ValueError:
        return ""
    return _trimmed(drawn, title, told, key)


def _drawable(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return one bar with texts that can be drawn."""
    return {
        name: _drawable_text(part) if isinstance(part, str) else part
        for name, part in value.items()
    }


def _drawable_text(text: str) -> str:
    """Return a text with a mark in the place of each character that cannot be drawn."""
    drawable = _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(drawable) <= _NEVER_CUT:
        return drawable
    # Vega cuts labels that have no place, be it amid the two halves of such a character, and fails.
    return _BEYOND_16_BITS.sub("\N{REPLACEMENT CHARACTER}", drawable)


def _trimmed(drawn: str, title: str, told: str, key: str) -> str:
    """Return a drawing without what a page has no use for, and with its words."""
    size = _SIZE.search(drawn)
    assert size is not None, "a drawing has a size"
    body = _TAG.sub(_trimmed_tag, drawn[size.end() :])
    return (
        f'<svg {size[1]} role="img" aria-labelledby="{key}-title {key}-told">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-told">{escape(told)}</desc>{body}'
    )


def _trimmed_tag(tag: re.Match[str]) -> str:
    """Return a tag with the attributes that count, its numbers as exact as a screen."""
    shorter = _LONG_NUMBER.sub(r"\1", _NEEDLESS.sub("", tag[0]))
    return "" if _NOTHING.fullmatch(shorter) else shorter


@cache
def _compiled(kind: str) -> dict[str, Any]:
    """Return a kind of chart as Vega's specification, without values."""
    chart = _CHARTS[kind]().to_dict() | {"config": _THEME}
    compiled: dict[str, Any] = vl_convert.vegalite_to_vega(chart)
    compiled.pop("background", None)
    return compiled


def _data() -> alt.NamedData:
    return alt.NamedData(name=_DATA)


def _histogram(axis: alt.Axis, scale: alt.Scale, kind: str) -> Any:
    """Bars between the edges of their ranges."""
    return (
        alt.Chart(_data(), width=SMALL_WIDTH, height=SMALL_HEIGHT)
        .mark_bar(color=BAR, binSpacing=0.5)
        .encode(
            x=alt.X(f"low:{kind}", axis=axis, scale=scale),
            x2=f"high:{kind}",
            y=alt.Y("rows:Q", axis=None, stack=None),
            y2=alt.Y2Datum(0),
        )
    )


def _distribution() -> Any:
    shortly = "abs(datum.value) < 10000 ? format(datum.value, '.5~g') : format(datum.value, '.3~s')"
    axis = alt.Axis(tickCount=3, labelFlush=True, labelExpr=shortly)
    return _histogram(axis, alt.Scale(zero=False, nice=False), "Q")


def _moments() -> Any:
    axis = alt.Axis(tickCount=3, labelFlush=True, labelOverlap=True)
    return _histogram(axis, alt.Scale(type="utc", nice=False), "T")


def _frequent() -> Any:
    return _named_bars(width=SMALL_WIDTH - 110, step=13)


def _bars() -> Any:
    return _named_bars(width=WIDTH - 40, step=20)


def _named_bars(*, width: int, step: int) -> Any:
    """One bar for each name, its number in words behind it."""
    base = alt.Chart(_data()).encode(
        y=alt.Y("name:N", sort=None, axis=_LABELS),
        x=alt.X("number:Q", axis=None, stack=None),
    )
    words = base.mark_text(align="left", dx=4, color=INK, fontSize=10).encode(text="words:N")
    layers: Any = alt.layer(base.mark_bar(color=BAR), words)
    return layers.properties(width=width, height=alt.Step(step))


def _stacked() -> Any:
    """One bar for each name, of two parts, in the order of `PARTS`."""
    colours = alt.Scale(domain=list(PARTS), range=[BAR, SECOND])
    return (
        alt.Chart(_data(), width=WIDTH, height=alt.Step(20))
        .mark_bar()
        .encode(
            y=alt.Y("name:N", sort=None, axis=_LABELS),
            x=alt.X("number:Q", axis=alt.Axis(tickCount=4)),
            color=alt.Color(
                "part:N", scale=colours, legend=alt.Legend(orient="bottom", title=None)
            ),
        )
    )


_CHARTS: Final[dict[str, Callable[[], Any]]] = {
    DISTRIBUTION: _distribution,
    MOMENTS: _moments,
    FREQUENT: _frequent,
    BARS: _bars,
    STACKED: _stacked,
}
