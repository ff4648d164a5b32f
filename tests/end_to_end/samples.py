"""Small files of the flights dataset, and what came out of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from tests.end_to_end.cloud import Cloud

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
ROW = "2013,{month},{day},517,515,2,830,819,11,UA,{flight},N14228,EWR,IAH,227,1400,5,15,{hour}"


def flight(number: int = 1545, **changes: str) -> str:
    """A good line of the flights dataset, with some cells changed."""
    values = {"month": "1", "day": "1", "flight": str(number), "hour": "2013-01-01T10:00:00Z"}
    cells = dict(zip(HEADER.split(","), ROW.format(**values).split(","), strict=True))
    return ",".join((cells | changes).values())


def flights(*lines: str) -> bytes:
    """A file of the flights dataset."""
    return "\n".join([HEADER, *lines, ""]).encode()


def output_table(cloud: Cloud, addresses: list[str]) -> pa.Table:
    """All rows of Parquet outputs."""
    return pa.concat_tables(pq.read_table(io.BytesIO(cloud.read(each))) for each in addresses)
