"""How numbers and moments are written on pages. A dash stands for what is unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

UNKNOWN: Final = "–"
MINUTE: Final = 60
HOUR: Final = 3600


def count(number: float | None) -> str:
    """`1,234`."""
    return UNKNOWN if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """`0.35 s`, `12.1 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds is None:
        return UNKNOWN
    if seconds < MINUTE:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004
    minutes, rest = divmod(round(seconds), MINUTE)
    if seconds < HOUR:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours} h {minutes:02} min"


def size(number: float | None) -> str:
    """Bytes in the unit that fits: `812 B`, `31.1 MB`."""
    if number is None:
        return UNKNOWN
    for unit in ("B", "kB", "MB"):
        if number < 1000:  # noqa: PLR2004
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def local_time(moment: datetime) -> str:
    """Date and time of day, to the second, in the zone of this machine."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def iso_time(moment: datetime) -> str:
    """The moment in UTC, as machines read it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
