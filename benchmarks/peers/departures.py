"""The contract of benchmarks/datasets/departures, for those that read no YAML."""

from __future__ import annotations

from typing import Final

COLUMNS: Final = (
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
)
RANGES: Final = {
    "year": (1987, 2100),
    "month": (1, 12),
    "day": (1, 31),
    "dep_time": (1, 2400),
    "sched_dep_time": (0, 2400),
    "dep_delay": (-180, 4320),
    "arr_time": (1, 2400),
    "sched_arr_time": (0, 2400),
    "arr_delay": (-180, 4320),
    "flight": (1, 9999),
    "air_time": (1, 1440),
    "distance": (1, 12500),
    "hour": (0, 24),
    "minute": (0, 59),
}
"""Smallest and largest value of the whole numbers."""
PATTERNS: Final = {
    "carrier": "^[0-9A-Z]{2}$",
    "tailnum": "^ *[0-9A-Za-z]{5,7} *$",
    "dest": "^[A-Z]{3}$",
}
ORIGINS: Final = ("EWR", "JFK", "LGA")
OPTIONAL: Final = frozenset(
    {"dep_time", "dep_delay", "arr_time", "arr_delay", "tailnum", "air_time"}
)
MISSING: Final = ("", "NA")
MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
"""How time_hour is written."""
KEY: Final = ("year", "month", "day", "carrier", "flight", "origin", "sched_dep_time")

UNKNOWN: Final = "UNKNOWN"
"""A tailnum that means no value."""
NO_PLANE: Final = "none"
"""What stands in place of a tailnum that is none."""
REPEATED: Final = ("carrier", "flight", "origin", "time_hour")
"""Rows with equal values in these are one flight."""
DELAYS: Final = ((0, "on time"), (15, "up to 15 min"), (60, "up to 60 min"))
LONGEST: Final = "over 60 min"
NO_DELAY: Final = "unknown"
"""Names of delays up to so many minutes, of longer ones, and of none."""
LOOKUPS: Final = {
    "airlines": ("carrier", {"carrier": "carrier", "name": "carrier_name"}),
    "airports": (
        "destination",
        {
            "faa": "destination",
            "name": "destination_name",
            "lat": "destination_lat",
            "lon": "destination_lon",
            "tzone": "destination_timezone",
        },
    ),
    "planes": (
        "tailnum",
        {
            "tailnum": "tailnum",
            "year": "plane_year",
            "manufacturer": "plane_manufacturer",
            "model": "plane_model",
            "seats": "plane_seats",
        },
    ),
}
"""The column that a lookup is joined by, and its columns under their new names."""
