"""Where a widget lies on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.dashboard.lines import Widget

COLUMN, ROW, GAP = 66, 54, 8
"""Pixels of a cell of the grid, and between two widgets."""


@dataclass(frozen=True)
class Place:
    """Rectangle in pixels from the top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


def place_of(widget: Widget, *, top: float) -> Place:
    """Place of a widget on a page whose grid begins at `top`."""
    return Place(
        x=GAP + widget["x"] * COLUMN,
        y=top + widget["y"] * ROW,
        width=widget["width"] * COLUMN - GAP,
        height=widget["height"] * ROW - GAP,
    )
