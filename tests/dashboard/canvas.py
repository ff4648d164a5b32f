"""A page that is drawn on in pixels from the top left corner, as screens are laid out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, Rectangle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

DPI = 100
INK = "#16191f"
SOFT = "#545b64"
LINE = "#d5dbdb"
PAPER = "#ffffff"
GROUND = "#f2f3f3"


class Page:
    """A figure of a size in pixels, with text that can be measured before it is drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=GROUND)
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()

    def text(self, x: float, y: float, words: str, *, size: float = 9, **style: Any) -> float:
        """Write a line whose baseline is at `y`, and return its width.

        `style` is matplotlib's, with `mono=True` for commands.
        """
        mono, weight = style.pop("mono", False), style.pop("weight", "normal")
        self.figure.text(
            x / self.width,
            1 - y / self.height,
            words,
            fontproperties=font(size, mono=mono, weight=weight),
            parse_math=False,
            **{"color": INK, "va": "baseline", **style},
        )
        return self.measured(words, size=size, mono=mono, weight=weight)

    def measured(
        self, words: str, *, size: float = 9, mono: bool = False, weight: str = "normal"
    ) -> float:
        """Width of a line."""
        kind = font(size, mono=mono, weight=weight)
        width, _, _ = self._renderer.get_text_width_height_descent(words, kind, ismath=False)
        return float(width)

    def fitted(self, words: str, width: float, *, size: float = 9, weight: str = "normal") -> str:
        """Words, cut with an ellipsis where they are too long."""
        if self.measured(words, size=size, weight=weight) <= width:
            return words
        while self.measured(f"{words}…", size=size, weight=weight) > width:
            words = words[:-1]
        return f"{words}…"

    def box(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Fill a rectangle."""
        corner = (x, self.height - y - height)
        self._add(Rectangle(corner, width, height, color=color, lw=0, zorder=-1))

    def card(self, x: float, y: float, width: float, height: float) -> None:
        """Ground of a widget."""
        corner = (x, self.height - y - height)
        style = "round,pad=0,rounding_size=5"
        self._add(
            FancyBboxPatch(
                corner,
                width,
                height,
                boxstyle=style,
                facecolor=PAPER,
                edgecolor=LINE,
                lw=0.8,
                zorder=-2,
            )
        )

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Coordinate system in a rectangle."""
        left, below = x / self.width, 1 - (y + height) / self.height
        axes = self.figure.add_axes((left, below, width / self.width, height / self.height))
        axes.patch.set_visible(False)  # the card shines through
        return axes

    def _add(self, patch: Patch) -> None:
        # Pixels of the figure from its lower left corner; the DPI makes points of them.
        patch.set_transform(_pixels(self.figure))
        self.figure.add_artist(patch, clip=False)


@cache
def font(size: float, *, mono: bool = False, weight: str = "normal") -> FontProperties:
    """Font that matplotlib brings, so that every machine draws the same."""
    family = "DejaVu Sans Mono" if mono else "DejaVu Sans"
    return FontProperties(family=family, size=size, weight=weight)


def _pixels(figure: Figure) -> Any:
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(1 / DPI) + figure.dpi_scale_trans
