"""Small files of the real datasets."""

from __future__ import annotations

import json
from typing import Any

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
ROW = "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z"


def flight(number: int = 1545, **changes: object) -> str:
    """A good line of the flights dataset, with some cells changed."""
    cells = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
    cells |= {"flight": str(number)} | {name: str(value) for name, value in changes.items()}
    return ",".join(cells.values())


def flights(*lines: str) -> bytes:
    """A file of the flights dataset."""
    return "\n".join([HEADER, *lines, ""]).encode()


def reading(hour: int, **changes: Any) -> dict[str, Any]:
    """A good object of the weather dataset, at `hour` UTC in summer."""
    return {
        "origin": "EWR",
        "year": 2013,
        "month": 7,
        "day": 1,
        "hour": hour - 4,
        "temp": 71.06,
        "time_hour": f"2013-07-01T{hour:02}:00:00Z",
    } | changes


def json_lines(*readings: Any) -> bytes:
    """A file of the weather dataset, one object a line."""
    return "".join(f"{json.dumps(each)}\n" for each in readings).encode()
