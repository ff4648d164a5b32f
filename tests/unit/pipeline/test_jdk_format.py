from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidPlanError
from pipeline.jdk_format import compiled_format
from pipeline.lexical import parsed
from pipeline.plan_contract import Column, Spelling


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
    ("date", "yy-MM-dd", "13-01-31", dt.date(2013, 1, 31)),
    ("date", "dd/MM/yy", "31/12/99", dt.date(2099, 12, 31)),
    ("date", "yy-MM-dd", "2013-01-31", None),
    ("date", "d.M.yyyy", "3.2.2013", dt.date(2013, 2, 3)),
    ("date", "d.M.yyyy", "03.12.2013", dt.date(2013, 12, 3)),
    ("date", "d.M.yyyy", "32.1.2013", None),
    ("date", "yyyy/M", "2013/9", dt.date(2013, 9, 1)),
    ("date", "dMMyyyy", "1122013", dt.date(2013, 12, 1)),
    ("date", "dd-MMM-yyyy", "31-Jan-2013", dt.date(2013, 1, 31)),
    ("date", "dd-MMM-yyyy", "31-JAN-2013", dt.date(2013, 1, 31)),
    ("date", "dd-MMM-yyyy", "31-January-2013", None),
    ("date", "MMMM d, yyyy", "February 3, 2013", dt.date(2013, 2, 3)),
    ("date", "MMMM d, yyyy", "May 30, 2013", dt.date(2013, 5, 30)),
    ("date", "MMMM d, yyyy", "Febuary 3, 2013", None),
    ("date", "MMMM d, yyyy", "February 30, 2013", None),
    ("date", "EEE dd MMM yyyy", "Thu 31 Jan 2013", dt.date(2013, 1, 31)),
    ("date", "EEE dd MMM yyyy", "Fri 31 Jan 2013", None),
    ("date", "EEEE, d.M.yyyy", "thursday, 31.1.2013", dt.date(2013, 1, 31)),
    ("date", "yyyy-MM-dd[ EEE]", "2013-01-31", dt.date(2013, 1, 31)),
    ("time", "h:mm a", "12:05 AM", dt.time(0, 5)),
    ("time", "h:mm a", "12:05 pm", dt.time(12, 5)),
    ("time", "h:mm a", "1:05 pm", dt.time(13, 5)),
    ("time", "hh:mm a", "11:59 PM", dt.time(23, 59)),
    ("time", "h:mm a", "13:05 PM", None),
    ("time", "h:mm a", "0:05 AM", None),
    ("time", "h:mm[ a]", "7:05", None),
    ("time", "ha", "7pm", dt.time(19)),
    ("time", "H:m:s", "7:5:9", dt.time(7, 5, 9)),
    ("time", "H:m:s", "23:59:59", dt.time(23, 59, 59)),
    ("time", "H'h'm", "7h05", dt.time(7, 5)),
    ("timestamp", "M/d/yyyy h:mm:ss a", "1/31/2013 1:02:03 PM", utc(2013, 1, 31, 13, 2, 3)),
    ("timestamp", "M/d/yyyy[ h:mm a]", "1/31/2013", utc(2013, 1, 31)),
    (
        "timestamp",
        "EEE, d MMM yyyy HH:mm:ss Z",
        "Thu, 31 Jan 2013 23:00:00 -0500",
        utc(2013, 2, 1, 4),
    ),
    ("timestamp", "dd/MMM/yyyy:HH:mm:ss Z", "31/Jan/2013:12:00:00 +0100", utc(2013, 1, 31, 11)),
    ("timestamp", "yyyy-MM-dd HH:mm:ss[X]", "2013-01-31 12:00:00", utc(2013, 1, 31, 12)),
    ("timestamp", "yyyy-MM-dd HH:mm:ss[X]", "2013-01-31 12:00:00+01", utc(2013, 1, 31, 11)),
]


@pytest.mark.parametrize(("kind", "pattern", "text", "value"), CASES)
def test_text_under_a_pattern(kind: str, pattern: str, text: str, value: Any) -> None:
    made = parsed(pa.array([text]), Column("c", kind, spelling=Spelling(format=pattern)))

    assert made.values.to_pylist() == [value]
    assert made.refused.to_pylist() == [value is None]


@pytest.mark.parametrize(
    "pattern", ["yyyy-MM-ddTHH:mm", "VV", "yyyyy-MM-dd", "yyyy-DDD", "y-MM-dd"]
)
def test_letters_that_are_not_supported_are_named(pattern: str) -> None:
    with pytest.raises(InvalidPlanError, match=re.escape(repr(pattern))) as raised:
        compiled_format(pattern)

    assert "which is not supported" in str(raised.value)
    assert "Use yyyy" in str(raised.value)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("dMyyyy", "does not say where d ends and M begins"),
        ("HH:mm:sSSS", "does not say where s ends and SSS begins"),
        ("[yyyy-MM-dd][dd/MM/yyyy]", "a part twice"),
        ("HH:mm h a", "a part twice"),
        ("hh:mm", "only one of h and a"),
        ("HH:mm a", "only one of h and a"),
        ("dd/MM", "names no year"),
        ("EEE yyyy", "a weekday of no day"),
    ],
)
def test_patterns_under_which_a_text_has_no_sure_meaning_are_refused(
    pattern: str, said: str
) -> None:
    with pytest.raises(InvalidPlanError, match=said):
        compiled_format(pattern)


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


PYTHONS = {
    "yyyy-MM-dd": "%Y-%m-%d",
    "d.M.yyyy": "%-d.%-m.%Y",
    "EEEE, MMMM d, yyyy": "%A, %B %-d, %Y",
    "EEE dd MMM yyyy": "%a %d %b %Y",
}


@given(day=st.dates(dt.date(1000, 1, 1)), pattern=st.sampled_from(sorted(PYTHONS)))
def test_a_date_written_under_a_pattern_is_read_back(day: dt.date, pattern: str) -> None:
    text = day.strftime(PYTHONS[pattern])

    made = parsed(pa.array([text]), Column("c", "date", spelling=Spelling(format=pattern)))

    assert made.values.to_pylist() == [day]


@given(st.times().map(lambda clock: clock.replace(microsecond=0)))
def test_a_time_written_with_am_or_pm_is_read_back(clock: dt.time) -> None:
    text = clock.strftime("%-I:%M:%S %p")

    made = parsed(pa.array([text]), Column("c", "time", spelling=Spelling(format="h:mm:ss a")))

    assert made.values.to_pylist() == [clock]
