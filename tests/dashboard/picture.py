"""The dashboard as a picture: its widgets at their places, with what simulated metrics come to."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.dashboard.alarm_states import state_of
from tests.dashboard.canvas import SOFT, Page
from tests.dashboard.day import DATE, DAY, simulated_day
from tests.dashboard.draw_graph import draw_figures, draw_gauge, draw_graph
from tests.dashboard.draw_words import draw_alarms, draw_markdown
from tests.dashboard.lines import lines, seconds_of
from tests.dashboard.place import COLUMN, GAP, ROW, place_of
from tests.infra.synthesis import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dashboard.definition import Definition
    from tests.dashboard.lines import Widget
    from tests.dashboard.place import Place
    from tests.dashboard.samples import Samples

PICTURE = ROOT / "docs" / "dashboard.png"
DIGEST = "Definition"
"""Key of the picture's metadata under which the hash of its definition stands."""
_HEADER = 64
_COLORS = 256


def draw(definition: Definition) -> Page:
    """Page with all widgets, at the end of the simulated day."""
    samples, files = simulated_day(definition.names)
    widgets = definition.body["widgets"]
    rows = max(widget["y"] + widget["height"] for widget in widgets)
    page = Page(24 * COLUMN + GAP, _HEADER + rows * ROW + GAP)
    page.text(GAP + 4, 30, definition.names.stack, size=16, weight="bold")
    told = f"SIMULATION with made-up metrics: {files} files of {len(definition.datasets)} datasets"
    page.text(GAP + 4, 51, f"{told}, {DATE}, 00:00 to 24:00 UTC. Not a measurement.", color=SOFT)
    for widget in widgets:
        _draw_widget(page, widget, definition, samples)
    return page


def save(page: Page, digest: str, file: Path) -> None:
    """Write the picture, with few colours, which is all that it has, and so in few bytes."""
    raw = io.BytesIO()
    page.figure.savefig(raw, format="png", dpi="figure")
    info = PngInfo()
    info.add_text(DIGEST, digest)
    picture = _with_few_colors(Image.open(raw).convert("RGB"))
    picture.save(file, pnginfo=info, optimize=True)


def _with_few_colors(picture: Image.Image) -> Image.Image:
    """Picture in its most frequent colours, which are all that was drawn, and most of the edges.

    Pillow's own choice would mix rare colours that mean something with frequent ones.
    """
    counted = sorted(picture.getcolors(picture.width * picture.height) or [], reverse=True)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, color in counted[:_COLORS] for part in color])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def digest_of(file: Path) -> str:
    """Hash of the definition that a picture was made from."""
    with Image.open(file) as picture:
        return str(picture.info.get(DIGEST, ""))


def _draw_widget(page: Page, widget: Widget, definition: Definition, samples: Samples) -> None:
    place, properties = place_of(widget, top=_HEADER), widget["properties"]
    if properties.get("background") != "transparent":
        page.card(place.x, place.y, place.width, place.height)
    if "title" in properties:
        title = page.fitted(properties["title"], place.width - 24, size=9.5, weight="bold")
        page.text(place.x + 14, place.y + 22, title, size=9.5, weight="bold")
    match widget["type"]:
        case "text":
            draw_markdown(page, place, properties["markdown"])
        case "alarm":
            alarms = [definition.alarms[arn] for arn in properties["alarms"]]
            states = [(alarm["AlarmName"], state_of(alarm, samples, end=DAY)) for alarm in alarms]
            draw_alarms(page, place, states)
        case "metric":
            _draw_metrics(page, place, widget, definition, samples)
        case kind:
            raise ValueError(f"nobody draws widgets of the type {kind!r}")


def _draw_metrics(
    page: Page, place: Place, widget: Widget, definition: Definition, samples: Samples
) -> None:
    start = DAY - seconds_of(definition.body["start"])
    drawn = lines(widget, samples, start=start, end=DAY)
    match widget["properties"]["view"]:
        case "timeSeries":
            draw_graph(page, place, widget, drawn)
        case "singleValue":
            draw_figures(page, place, drawn)
        case "gauge":
            draw_gauge(page, place, widget, drawn[0])
        case view:
            raise ValueError(f"nobody draws the view {view!r}")
