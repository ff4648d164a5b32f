from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidPlanError
from pipeline.formats.moment_text import in_pattern, letters
from pipeline.lexical import parsed
from pipeline.plan_contract import Column, Spelling

UTC = pa.timestamp("us", tz="UTC")
AT = dt.datetime(2013, 1, 9, 15, 4, 7, 120_000, tzinfo=dt.UTC)


# What java.time.format.DateTimeFormatter writes (its documentation), names in English.
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd", "2013-01-09"),
        ("d.M.yy", "9.1.13"),
        ("uuuuMMdd", "20130109"),
        ("EEE, d MMM yyyy", "Wed, 9 Jan 2013"),
        ("EEEE d MMMM", "Wednesday 9 January"),
        ("HH:mm:ss.SSS", "15:04:07.120"),
        ("H:m:s.S", "15:4:7.1"),
        ("hh:mm a", "03:04 PM"),
        ("h 'o''clock' a", "3 o'clock PM"),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2013-01-09T15:04:07Z"),
        ("HH:mm xxx", "15:04 +00:00"),
        ("HH:mm xx x Z", "15:04 +0000 +00 +0000"),
        ("yyyy[ HH]", "2013 15"),
        ("SSSSSSSSS", "120000000"),
        ("yyyy''MM", "2013'01"),
    ],
)
def test_pattern_is_written_as_the_jdk_does(pattern: str, text: str) -> None:
    assert in_pattern(pa.array([AT, None], UTC), pattern).to_pylist() == [text, None]


@pytest.mark.parametrize(
    ("hour", "text"), [(0, "12 AM"), (1, "1 AM"), (11, "11 AM"), (12, "12 PM"), (23, "11 PM")]
)
def test_hours_of_the_half_day_begin_with_twelve(hour: int, text: str) -> None:
    assert in_pattern(pa.array([AT.replace(hour=hour)], UTC), "h a").to_pylist() == [text]


@given(st.dates())
def test_dates_are_those_of_the_calendar(day: dt.date) -> None:
    values = pa.array([day])

    assert in_pattern(values, "yyyy-MM-dd").to_pylist() == [day.isoformat()]
    weekday = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day.weekday()]
    assert in_pattern(values, "EEE").to_pylist() == [weekday]


@given(
    st.lists(st.datetimes(min_value=dt.datetime(1, 1, 2), timezones=st.just(dt.UTC)) | st.none()),
    st.sampled_from(
        [
            "yyyy-MM-dd'T'HH:mm:ss.SSSSSSX",
            "dd.MM.yyyy HH:mm:ss.SSSSSS",
            "yyyyMMdd hhmmss.SSSSSS a",
            "d MMMM yyyy H:m:s.SSSSSS xxx",
        ]
    ),
)
def test_what_is_written_is_read_back_by_the_contract_s_rules(
    moments: list[dt.datetime | None], pattern: str
) -> None:
    values = pa.array(moments, UTC)
    column = Column("at", "timestamp", spelling=Spelling(format=pattern))

    found = parsed(in_pattern(values, pattern), column)

    assert found.values.to_pylist() == moments
    assert not any(found.refused.to_pylist())


@pytest.mark.parametrize("pattern", ["yyyy-QQ", "MMMMM", "ddd", "hhh", "aa", "'open", "VV"])
def test_what_cannot_be_written_is_told(pattern: str) -> None:
    with pytest.raises(InvalidPlanError, match="date pattern"):
        letters(pattern)


def test_letters_are_those_outside_of_quotes() -> None:
    assert letters("yyyy 'at' HH:mm") == {"y", "H", "m"}
