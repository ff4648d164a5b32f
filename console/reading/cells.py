"""Values as tables show them: short, on one line, and telling no value from an empty one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

WIDTH: Final = 160
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Cell:
    """A value as it is shown; `cut` characters of it are not.

    `kind` is `null`, `masked`, `number`, `text`, `quoted` (text whose beginning, end or characters
    would not be seen) or `json`.
    """

    text: str
    kind: str = "text"
    cut: int = 0


def cell(value: Any, width: int = WIDTH) -> Cell:
    """Return a value of JSON or of Arrow as it is shown."""
    from pipeline.masking import MASK  # noqa: PLC0415 - it loads Arrow, which a start has no use for

    if value is None or value == MASK:
        return Cell("null", "null") if value is None else Cell(MASK, "masked")
    if isinstance(value, str):
        return _text(value, width)
    if isinstance(value, bytes):
        return _cut(value[:width].hex(), "json", width, 2 * max(0, len(value) - width))
    if isinstance(value, bool | list | dict):
        return _cut(json.dumps(value, ensure_ascii=False, default=str), "json", width)
    # Moments are written as ISO 8601 has them, with a blank in the middle.
    return _cut(str(value), "text" if isinstance(value, date | time) else "number", width)


def _text(value: str, width: int) -> Cell:
    shown = value[:width]
    if shown and shown == shown.strip() and shown.isprintable():
        return _cut(value, "text", width)
    visible = "".join(_visible(character) for character in shown)
    end = "" if len(value) > width else '"'
    return Cell(f'"{visible}{end}', "quoted", len(value) - len(shown))


def _visible(character: str) -> str:
    """A character, or how JSON would escape it if it could not be seen."""
    if character.isprintable():
        return character
    return json.dumps(character)[1:-1] if ord(character) < 128 else f"\\u{ord(character):04x}"  # noqa: PLR2004


def _cut(text: str, kind: str, width: int, more: int = 0) -> Cell:
    return Cell(text[:width], kind, max(0, len(text) - width) + more)
