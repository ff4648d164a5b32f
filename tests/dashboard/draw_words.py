"""Draws widgets of words: Markdown, and the states of alarms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.dashboard.canvas import GROUND, INK, SOFT
from tests.infra.alarm_states import ALARM, OK, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.dashboard.canvas import Page
    from tests.dashboard.place import Place

STATE_COLORS = {ALARM: "#d13212", UNKNOWN: "#9ba7b6", OK: "#2e8540"}
HEADING_SIZES = {1: 15.0, 2: 12.5, 3: 10.5}
_LINK = "#0073bb"
_INLINE = re.compile(r"`([^`]+)`|\[([^\]]+)\]\([^)]*\)|([^`\[]+)")
_SIZE = 9.0


def draw_markdown(page: Page, place: Place, markdown: str) -> None:
    """Headings, bullets, commands and links; the last two do not end a line within."""
    y = place.y + 8
    for line in markdown.splitlines():
        if heading := re.match(r"(#+) (.*)", line):
            size = HEADING_SIZES[len(heading[1])]
            y += size * 1.9
            page.text(place.x + 12, y, heading[2], size=size, weight="bold")
            continue
        y += _SIZE * 2.35
        indent = 26 if line.startswith("- ") else 12
        if line.startswith("- "):
            page.text(place.x + 13, y, "•", size=_SIZE)
        y = _draw_paragraph(page, place, line.removeprefix("- "), indent=indent, y=y)
    if y > place.bottom:
        raise ValueError(f"the widget is too low for its text by {y - place.bottom:.0f} pixels")


def _draw_paragraph(page: Page, place: Place, line: str, *, indent: float, y: float) -> float:
    """Words one after another, on as many lines as they need; returns the last one's baseline."""
    left, right = place.x + indent, place.x + place.width - 10
    x = left
    for words, mono, color in _pieces(line):
        width = page.measured(words, size=_SIZE - 0.5 * mono, mono=mono)
        if x + width > right and x > left:
            x, y = left, y + _SIZE * 1.9
        if mono:
            page.box(x - 2, y - 11, width + 4, 15, GROUND)
        page.text(x, y, words, size=_SIZE - 0.5 * mono, mono=mono, color=color)
        x += width
    return y


def _pieces(line: str) -> Iterator[tuple[str, bool, str]]:
    """Pieces of a line that stay together: words, whether they are a command, and the colour."""
    for command, link, plain in _INLINE.findall(line):
        if command:
            yield command, True, INK
        elif link:
            yield link, False, _LINK
        else:
            for word in re.findall(r"\S+\s*|\s+", plain):
                yield word, False, INK


def draw_alarms(page: Page, place: Place, states: Sequence[tuple[str, str]]) -> None:
    """A box for each alarm with its state's colour, raised ones first."""
    order = list(STATE_COLORS)
    ranked = sorted(states, key=lambda one: order.index(one[1]))
    columns = 2 if len(ranked) > 6 else 1
    rows = -(-len(ranked) // columns)
    width, height = (place.width - 24) / columns, (place.height - 62) / rows
    counts = ", ".join(
        f"{sum(state == one for _, state in states)} {one}"
        for one in order
        if any(state == one for _, state in states)
    )
    page.text(place.x + 14, place.y + 44, counts, size=8.5, color=SOFT)
    longest = max((name for name, _ in states), key=len)
    size = next(
        (one for one in (8.0, 7.75, 7.5, 7.25) if page.measured(longest, size=one) < width - 20),
        7.0,
    )
    for number, (name, state) in enumerate(ranked):
        x = place.x + 12 + (number // rows) * width
        y = place.y + 54 + (number % rows) * height
        page.box(x, y, width - 6, height - 2.5, "#fdf0ed" if state == ALARM else "#f6f7f7")
        page.box(x, y, 4, height - 2.5, STATE_COLORS[state])
        weight = "bold" if state == ALARM else "normal"
        words = page.fitted(name, width - 20, size=size, weight=weight)
        page.text(x + 10, y + height * 0.62, words, size=size, weight=weight)
