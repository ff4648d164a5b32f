from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import InvalidPlanError
from pipeline.jdk_format import compiled_format
from pipeline.lexical import parsed
from pipeline.plan import Column


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


# type, pattern, text, value (None: not accepted)
CASES: list[tuple[str, str, str, Any]] = [
    ("date", "yyyy-MM-dd", "2013-01-31", dt.date(2013, 1, 31)),
    ("date", "uuuu-MM-dd", "2013-01-31", dt.date(2013, 1, 31)),
    ("date", "dd/MM/yyyy", "31/01/2013", dt.date(2013, 1, 31)),
    ("date", "dd/MM/yyyy", "01/31/2013", None),
    ("date", "MM/dd/yyyy", "01/31/2013", dt.date(2013, 1, 31)),
    ("date", "dd.MM.yyyy", "31.01.2013", dt.date(2013, 1, 31)),
    ("date", "dd.MM.yyyy", "31x01x2013", None),
    ("date", "yyyyMMdd", "20130131", dt.date(2013, 1, 31)),
    ("date", "yyyyMMdd", "2013013", None),
    ("date", "yyyyMMdd", "20130230", None),
    ("date", "yyyy-MM", "2013-02", dt.date(2013, 2, 1)),
    ("date", "yyyy", "2013", dt.date(2013, 1, 1)),
    ("date", "yyyy[-MM[-dd]]", "2013", dt.date(2013, 1, 1)),
    ("date", "yyyy[-MM[-dd]]", "2013-02", dt.date(2013, 2, 1)),
    ("date", "yyyy[-MM[-dd]]", "2013-02-03", dt.date(2013, 2, 3)),
    ("date", "'Q'yyyyMMdd", "Q20130131", dt.date(2013, 1, 31)),
    ("date", "'Q'yyyyMMdd", "20130131", None),
    ("date", "yyyy'年'MM'月'dd", "2013年01月31", dt.date(2013, 1, 31)),
    ("date", "''yyyy-MM-dd", "'2013-01-31", dt.date(2013, 1, 31)),
    ("date", "'it''s' yyyy-MM-dd", "it's 2013-01-31", dt.date(2013, 1, 31)),
    ("date", "'['yyyy-MM-dd']'", "[2013-01-31]", dt.date(2013, 1, 31)),
    ("time", "HH:mm", "23:59", dt.time(23, 59)),
    ("time", "HH:mm", "24:00", None),
    ("time", "HHmm", "0905", dt.time(9, 5)),
    ("time", "HH'h'", "07h", dt.time(7)),
    ("time", "HH:mm[:ss[.SSS]]", "07:08", dt.time(7, 8)),
    ("time", "HH:mm[:ss[.SSS]]", "07:08:09.5", dt.time(7, 8, 9, 500_000)),
    ("timestamp", "yyyy-MM-dd'T'HH:mm:ssX", "2013-01-31T12:00:00-05", utc(2013, 1, 31, 17)),
    ("timestamp", "yyyy-MM-dd'T'HH:mm:ssX", "2013-01-31T12:00:00", None),
    ("timestamp", "yyyy-MM-dd'T'HH:mm:ssx", "2013-01-31T12:00:00Z", None),
    ("timestamp", "yyyy-MM-dd HH:mm:ss", "2013-01-31 12:00:00", utc(2013, 1, 31, 12)),
    ("timestamp", "dd.MM.yyyy HH:mm:ss XXX", "31.01.2013 12:00:00 +01:00", utc(2013, 1, 31, 11)),
    ("timestamp", "dd.MM.yyyy HH:mm[:ss]", "31.01.2013 12:30", utc(2013, 1, 31, 12, 30)),
    ("timestamp", "dd.MM.yyyy HH:mm[:ss]", "31.01.2013 12:30:15", utc(2013, 1, 31, 12, 30, 15)),
    ("timestamp", "dd.MM.yyyy HH:mm:ss[.SSS]", "31.01.2013 12:30:15", utc(2013, 1, 31, 12, 30, 15)),
    (
        "timestamp",
        "dd.MM.yyyy HH:mm:ss[.SSS]X",
        "31.01.2013 12:30:15.25-05:00",
        utc(2013, 1, 31, 17, 30, 15, 250_000),
    ),
    ("timestamp", "dd.MM.yyyy[ HH:mm]", "31.01.2013", utc(2013, 1, 31)),
    ("timestamp", "yyyyMMddHHmmss", "20130131123015", utc(2013, 1, 31, 12, 30, 15)),
]


@pytest.mark.parametrize(("kind", "pattern", "text", "value"), CASES)
def test_text_under_a_pattern(kind: str, pattern: str, text: str, value: Any) -> None:
    made = parsed(pa.array([text]), Column("c", kind, format=pattern))

    assert made.values.to_pylist() == [value]
    assert made.refused.to_pylist() == [value is None]


@pytest.mark.parametrize(
    "pattern", ["yy-MM-dd", "d.M.yyyy", "yyyy-MM-dd hh:mm a", "EEE yyyy", "yyyy-MM-ddTHH:mm", "VV"]
)
def test_letters_that_are_not_supported_are_named(pattern: str) -> None:
    with pytest.raises(InvalidPlanError, match=re.escape(repr(pattern))) as raised:
        compiled_format(pattern)

    assert "which is not supported" in str(raised.value)
    assert "Use yyyy" in str(raised.value)


@pytest.mark.parametrize("pattern", ["yyyy[-MM", "yyyy]-MM", "yyyy]-MM["])
def test_brackets_must_pair(pattern: str) -> None:
    with pytest.raises(InvalidPlanError, match="square bracket"):
        compiled_format(pattern)


@pytest.mark.parametrize(
    ("pattern", "zoned"),
    [("yyyy-MM-dd'T'HH:mm:ssX", True), ("yyyy-MM-dd'X'", False), ("HH:mm:ssxxx", True)],
)
def test_a_format_knows_whether_its_texts_carry_an_offset(pattern: str, zoned: bool) -> None:
    assert compiled_format(pattern).zoned is zoned


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]X", "HH:mm:ss"])
def test_iso_texts_are_not_rewritten(pattern: str) -> None:
    assert compiled_format(pattern).rewrite is None
