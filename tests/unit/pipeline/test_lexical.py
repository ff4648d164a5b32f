from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lexical import parsed
from pipeline.plan import Column

UTC = dt.UTC


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)


# type, spelling, accepted, value
SPELLINGS: list[tuple[str, str, bool, Any]] = [
    ("integer", "0", True, 0),
    ("integer", "007", True, 7),
    ("integer", "+5", True, 5),
    ("integer", "-0", True, 0),
    ("integer", " 12\t", True, 12),
    ("integer", "9223372036854775807", True, 2**63 - 1),
    ("integer", "-9223372036854775808", True, -(2**63)),
    ("integer", "9223372036854775808", False, None),
    ("integer", "1.0", False, None),
    ("integer", "1e3", False, None),
    ("integer", "1,000", False, None),
    ("integer", "1_000", False, None),
    ("integer", "+-5", False, None),
    ("integer", "0x10", False, None),
    ("integer", "٣", False, None),
    ("integer", "", False, None),
    ("number", "1", True, 1.0),
    ("number", "1.", True, 1.0),
    ("number", ".5", True, 0.5),
    ("number", "+1.5e+3", True, 1500.0),
    ("number", "-2E-2", True, -0.02),
    ("number", " 0.1 ", True, 0.1),
    ("number", "1e-400", True, 0.0),
    ("number", "1e400", False, None),
    ("number", "NaN", False, None),
    ("number", "nan", False, None),
    ("number", "inf", False, None),
    ("number", "-Infinity", False, None),
    ("number", ".", False, None),
    ("number", "1,5", False, None),
    ("number", "1 000", False, None),
    ("boolean", "true", True, True),
    ("boolean", "True", True, True),
    ("boolean", "TRUE", True, True),
    ("boolean", "1", True, True),
    ("boolean", "false", True, False),
    ("boolean", "False", True, False),
    ("boolean", "FALSE", True, False),
    ("boolean", "0", True, False),
    ("boolean", "tRUE", False, None),
    ("boolean", "yes", False, None),
    ("boolean", "2", False, None),
    ("date", "2013-01-31", True, dt.date(2013, 1, 31)),
    ("date", "2012-02-29", True, dt.date(2012, 2, 29)),
    ("date", "2013-02-29", False, None),
    ("date", "2013-02-31", False, None),
    ("date", "2013-13-01", False, None),
    ("date", "2013-1-31", False, None),
    ("date", "31/01/2013", False, None),
    ("date", "2013-01-31T00:00:00", False, None),
    ("timestamp", "2013-01-31T12:00:00Z", True, utc(2013, 1, 31, 12)),
    ("timestamp", "2013-01-31T12:00:00.5Z", True, utc(2013, 1, 31, 12, 0, 0, 500_000)),
    ("timestamp", "2013-01-31T12:00:00+05:30", True, utc(2013, 1, 31, 6, 30)),
    ("timestamp", "2013-01-31T12:00:00-0500", True, utc(2013, 1, 31, 17)),
    ("timestamp", "2013-01-31T12:00:00+05", True, utc(2013, 1, 31, 7)),
    ("timestamp", "2013-01-31T12:00:00", False, None),
    ("timestamp", "2013-01-31 12:00:00Z", False, None),
    ("timestamp", "2013-02-31T12:00:00Z", False, None),
    ("timestamp", "2013-01-31T24:00:00Z", False, None),
    ("timestamp", "2013-01-31T23:59:60Z", False, None),
    ("timestamp", "2013-01-31T12:00:00+99:00", False, None),
    ("time", "12:00:00", True, dt.time(12)),
    ("time", "23:59:59.25", True, dt.time(23, 59, 59, 250_000)),
    ("time", "24:00:00", False, None),
    ("time", "12:00", False, None),
    ("time", "1:00:00", False, None),
    ("string", " anything, really ", True, " anything, really "),
    ("string", "", True, ""),
]


def read(text: list[str | None], kind: str, **options: Any) -> tuple[list[Any], list[bool]]:
    made = parsed(pa.array(text, pa.string()), Column("c", kind, **options))
    return made.values.to_pylist(), made.refused.to_pylist()


@pytest.mark.parametrize(("kind", "spelling", "accepted", "value"), SPELLINGS)
def test_spelling(kind: str, spelling: str, accepted: bool, value: Any) -> None:
    values, refused = read([spelling, None], kind)

    assert refused == [not accepted, False]
    assert values == [value, None]


@pytest.mark.parametrize("kind", sorted({case[0] for case in SPELLINGS}))
def test_spellings_of_one_column_do_not_disturb_each_other(kind: str) -> None:
    cases = [case for case in SPELLINGS if case[0] == kind]

    values, refused = read([case[1] for case in cases], kind)

    assert values == [case[3] for case in cases]
    assert refused == [not case[2] for case in cases]


def test_timestamps_without_timezone_have_no_offset() -> None:
    values, refused = read(
        ["2013-01-31T12:00:00", "2013-01-31T12:00:00Z"], "timestamp", timezone=False
    )

    assert values == [dt.datetime(2013, 1, 31, 12), None]
    assert refused == [False, True]


def test_a_moment_without_offset_in_the_format_is_utc() -> None:
    values, _ = read(["31.01.2013 12:30"], "timestamp", format="dd.MM.yyyy HH:mm")

    assert values == [utc(2013, 1, 31, 12, 30)]


@pytest.mark.parametrize("lost", ["0001-01-01", "9999-12-31"])
def test_first_and_last_years_are_read_whatever_else_is_in_the_column(lost: str) -> None:
    alone = parsed(pa.array([lost]), Column("c", "date")).values
    beside = parsed(pa.array([lost, "2013-02-31"]), Column("c", "date")).values

    assert beside[:1].equals(alone)
    assert beside.null_count == 1


@pytest.mark.parametrize(
    ("kind", "spelling"), [("timestamp", "9999-12-31T23:59:59-01:00"), ("date", "0000-01-01")]
)
def test_every_accepted_moment_can_be_written_as_json(kind: str, spelling: str) -> None:
    values, refused = read([spelling], kind)

    assert refused == [values == [None]]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_read_as_python_writes_them(numbers: list[int]) -> None:
    assert read([str(n) for n in numbers], "integer") == (numbers, [False] * len(numbers))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_are_read_as_python_writes_them(numbers: list[float]) -> None:
    assert read([repr(n) for n in numbers], "number") == (numbers, [False] * len(numbers))


@given(st.text("0123456789+-.eE _", max_size=8))
def test_numbers_are_those_of_python_but_for_underscores(spelling: str) -> None:
    try:
        value = None if "_" in spelling else float(spelling)
    except ValueError:
        value = None
    expected = value if value is None or math.isfinite(value) else None

    assert read([spelling], "number")[0] == [expected]
    whole = int(spelling) if re.fullmatch(r" *[+-]?[0-9]+ *", spelling) else None
    assert read([spelling], "integer")[0] == [whole]


@given(st.lists(st.datetimes(timezones=st.just(UTC), min_value=dt.datetime(1, 1, 1))))
def test_moments_are_read_as_python_writes_them(moments: list[dt.datetime]) -> None:
    stamps = [moment.isoformat() for moment in moments]

    assert read(stamps, "timestamp")[0] == moments
    assert read([stamp[:10] for stamp in stamps], "date")[0] == [m.date() for m in moments]
    assert read([stamp[11:-6] for stamp in stamps], "time")[0] == [m.time() for m in moments]


@given(st.text("0123456789-", min_size=10, max_size=10) | st.dates().map(str))
def test_dates_are_those_of_python(spelling: str) -> None:
    try:
        expected = dt.date.fromisoformat(spelling) if spelling[4] == "-" else None
    except ValueError:
        expected = None
    if expected is not None or not spelling.startswith("0000"):
        assert read([spelling], "date")[0] == [expected]
