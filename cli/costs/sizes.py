"""Sizes as people write them: `30MB`, `2 GiB`, `500kB`, `1048576`."""

from __future__ import annotations

import re
from typing import Final

from cli.errors import CliError

PREFIXES: Final = ("", "k", "m", "g", "t")
SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)


def bytes_of(text: str) -> int:
    """Return the bytes that a size means: kB, MB, GB, TB by 1,000; KiB, MiB, GiB, TiB by 1,024.

    Raises
    ------
    CliError
        If the text is no size, or one of nothing.
    """
    matched = SIZE.fullmatch(text)
    if matched is None or (matched[3] and not matched[2]):
        raise CliError(f"{text!r} is no size", "Write a number and a unit: 500kB, 30MB, 2GiB")
    step = 1024 if matched[3] else 1000
    size = round(float(matched[1]) * float(step ** PREFIXES.index(matched[2].lower())))
    if size == 0:
        raise CliError(f"{text!r} is the size of an empty file", "Name the size of a usual one")
    return size


def spoken(size: float) -> str:
    """Return a size in the largest unit that leaves a number above 1: `29.3 MB` (by 1,000)."""
    for prefix in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004  # a unit is left when the next one is reached
            return f"{size:,.0f} B" if prefix == "B" else f"{size:,.1f} {prefix}"
        size /= 1000
    return f"{size:,.1f} TB"
