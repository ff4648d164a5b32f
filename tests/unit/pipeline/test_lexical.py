from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lexical import parsed, plain_integers, without_missing
from pipeline.plan_contract import Column, Spelling

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
    ("number", "1e-400", False, None),
    ("number", "0e-400", True, 0.0),
    ("number", "5e-324", True, 5e-324),
    ("number", "5.1e-324", False, None),
    ("number", "0.30000000000000004", True, 0.1 + 0.2),
    ("number", "0.10000000000000001", True, 0.1),
    ("number", "0.1000000000000000000000", True, 0.1),
    ("number", "0.12345678901234567890", False, None),
    ("number", "1234567890123456e99999999999999999999", False, None),
    ("number", "1e-99999999999999999999", False, None),
    ("number", "9007199254740992", True, 2.0**53),
    ("number", "9007199254740993", False, None),
    ("number", "9007199254740993.0", False, None),
    ("number", "-12345678901234567890", False, None),
    ("number", "100000000000000000000", True, 1e20),
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
    ("object", '{"a": [1, 2]}', True, '{"a": [1, 2]}'),
    ("object", " {} ", True, "{}"),
    ("object", "[]", False, None),
    ("object", "{'a': 1}", False, None),
    ("object", "null", False, None),
    ("array", "[1, null]", True, "[1, null]"),
    ("array", "[1,]", False, None),
    ("array", "[NaN]", False, None),
    ("array", "1", False, None),
]


def read(
    text: list[str | None], kind: str, *, timezone: bool = True, **spelling: Any
) -> tuple[list[Any], list[bool]]:
    made = parsed(
        pa.array(text, pa.string()),
        Column("c", kind, timezone=timezone, spelling=Spelling(**spelling)),
    )
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


SPELLED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("number", {"decimal_char": ","}, "1,5", 1.5),
    ("number", {"decimal_char": ","}, "1.5", None),
    ("number", {"decimal_char": ","}, "-,5e2", -50.0),
    ("number", {"group_char": ","}, "1,234.5", 1234.5),
    ("number", {"group_char": ","}, "1,234,567", 1234567.0),
    ("number", {"group_char": ","}, "12,34,567", 1234567.0),
    ("number", {"group_char": ","}, "1234567", 1234567.0),
    ("number", {"group_char": ","}, "1,5", None),
    ("number", {"group_char": ","}, "1234,567", None),
    ("number", {"group_char": ","}, "1,234,5", None),
    ("number", {"group_char": ","}, ",234", None),
    ("number", {"group_char": ".", "decimal_char": ","}, "-1.234,5", -1234.5),
    ("number", {"group_char": ".", "decimal_char": ","}, "1.5", None),
    ("number", {"group_char": " "}, "1 234", 1234.0),
    ("number", {"group_char": "'"}, "+1'234.50", 1234.5),
    ("integer", {"group_char": ","}, "-1,234", -1234),
    ("integer", {"group_char": ","}, "1,234.0", None),
    ("integer", {"decimal_char": ","}, "1,0", None),
    ("number", {"bare_number": False}, "95 %", 95.0),
    ("number", {"bare_number": False}, "EUR 5", 5.0),
    ("number", {"bare_number": False}, "€-5.5", -5.5),
    ("number", {"bare_number": False}, "-$5.5", -5.5),
    ("number", {"bare_number": False}, ".5", 0.5),
    ("number", {"bare_number": False}, "Rs. 500", 500.0),
    ("number", {"bare_number": False}, "Rs.500", None),
    ("number", {"bare_number": False}, "$.5", None),
    ("number", {"bare_number": False}, "(5)", None),
    ("number", {"bare_number": False}, "5-", None),
    ("number", {"bare_number": False}, "\u22125", None),
    ("number", {"bare_number": False}, "5½", None),
    ("number", {"bare_number": False}, "1 234", None),
    ("number", {"bare_number": False}, "EUR", None),
    ("number", {"bare_number": False}, "--5", None),
    ("number", {"bare_number": False}, "-$-5", None),
    ("number", {"bare_number": False}, "1e3 m", 1000.0),
    ("number", {"bare_number": False, "group_char": ",", "decimal_char": "."}, "$1,234.50", 1234.5),
    ("integer", {"bare_number": False}, "5 kg", 5),
    ("integer", {"bare_number": False}, "No. 7", 7),
    ("integer", {"bare_number": False}, "5.5 kg", None),
    ("boolean", {"true": ("Y",), "false": ("N",)}, "Y", True),
    ("boolean", {"true": ("Y",), "false": ("N",)}, "N", False),
    ("boolean", {"true": ("Y",), "false": ("N",)}, "true", None),
    ("boolean", {"true": ("Y",)}, "0", False),
    ("timestamp", {"zone": "Europe/Berlin"}, "2013-07-31T12:00:00", utc(2013, 7, 31, 10)),
    ("timestamp", {"zone": "Europe/Berlin"}, "2013-01-31T12:00:00", utc(2013, 1, 31, 11)),
    ("timestamp", {"zone": "Europe/Berlin"}, "2013-01-31T12:00:00-05:00", utc(2013, 1, 31, 17)),
    ("timestamp", {"zone": "Europe/Berlin"}, "2013-03-31T02:30:00", None),
    ("timestamp", {"zone": "Europe/Berlin"}, "2013-10-27T02:30:00", None),
    ("timestamp", {"zone": "Europe/Berlin"}, "2013-10-27T02:30:00+01:00", utc(2013, 10, 27, 1, 30)),
    (
        "timestamp",
        {"zone": "Asia/Kolkata", "format": "d.M.yyyy H:mm"},
        "1.2.2013 5:30",
        utc(2013, 2, 1),
    ),
]


@pytest.mark.parametrize(("kind", "how", "text", "value"), SPELLED)
def test_spelling_that_the_contract_declares(
    kind: str, how: dict[str, Any], text: str, value: Any
) -> None:
    values, refused = read([text, None], kind, **how)

    assert values == [value, None]
    assert refused == [value is None, False]


def test_declared_spellings_of_one_column_do_not_disturb_each_other() -> None:
    how = {"bare_number": False}
    cases = [case for case in SPELLED if case[:2] == ("number", how)]

    values, _ = read([case[2] for case in cases], "number", **how)

    assert values == [case[3] for case in cases]


@pytest.mark.parametrize(
    ("arrow", "text", "value"),
    [
        ("decimal128(5, 2)", "123.45", "123.45"),
        ("decimal128(5, 2)", "1.500", "1.50"),
        ("decimal128(5, 2)", "1e2", "100.00"),
        ("decimal128(5, 2)", "-.5", "-0.50"),
        ("decimal128(5, 2)", "1.505", None),
        ("decimal128(5, 2)", "1234.5", None),
        ("decimal128(5, 2)", "x", None),
        ("decimal128(38, 0)", "9" * 38, "9" * 38),
        ("decimal128(38, 0)", "9" * 39, None),
        ("decimal128(38, 10)", "1e400000000", None),
        ("decimal128(38, 10)", "1e99999999999999999999999999", None),
        ("decimal128(38, 10)", "0e99", "0E-10"),
        ("decimal128(38, 10)", "1." + "0" * 50, "1.0000000000"),
        ("decimal128(38, 10)", "0" * 50 + "1", "1.0000000000"),
        ("decimal128(38, 0)", "123e37", None),
        ("decimal128(38, 0)", "1e37", "1" + "0" * 37),
        ("decimal128(38, 37)", "12345678901234567890123456789012345678901e-40", None),
    ],
)
def test_decimals_keep_all_their_digits_or_are_refused(
    arrow: str, text: str, value: str | None
) -> None:
    made = parsed(pa.array(["0", text]), Column("c", "number", arrow=arrow))

    assert str(made.values.type) == arrow
    assert [None if found is None else str(found) for found in made.values.to_pylist()[1:]] == [
        value
    ]
    assert made.refused.to_pylist() == [False, value is None]


@pytest.mark.parametrize(
    ("column", "kept", "lost", "no_such"),
    [
        (Column("c", "integer"), "1", "9223372036854775808", "1.0"),
        (Column("c", "number"), "1.5", "9007199254740993", "x"),
        (Column("c", "number"), "1.5", "1e400", "x"),
        (Column("c", "number", arrow="decimal128(3, 1)"), "1.5", "1.25", "x"),
        (
            Column("c", "timestamp", spelling=Spelling(zone="Europe/Berlin")),
            "2013-01-01T00:00:00",
            "2013-03-31T02:30:00",
            "x",
        ),
    ],
)
def test_what_cannot_be_kept_is_told_from_what_is_none_of_the_type(
    column: Column, kept: str, lost: str, no_such: str
) -> None:
    made = parsed(pa.array([kept, lost, no_such, None]), column)

    assert made.refused.to_pylist() == [False, True, True, False]
    assert made.lost is not None
    assert made.lost.to_pylist() == [False, True, False, False]


def test_words_for_no_value_are_compared_with_the_whole_text() -> None:
    text = pa.array(["NA", " NA", "na", "", None])

    assert without_missing(text, ["NA", ""]).to_pylist() == [None, " NA", "na", None, None]
    assert without_missing(text, []).to_pylist() == text.to_pylist()


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), max_size=5))
def test_decimals_are_read_as_python_writes_them(numbers: list[Decimal]) -> None:
    column = Column("c", "number", arrow="decimal128(38, 4)")
    small = [number for number in numbers if abs(number) < 10**30]

    assert parsed(pa.array([f"{n:f}" for n in small], pa.string()), column).values.to_pylist() == (
        small
    )


@given(
    st.from_regex(r"-?[0-9]{1,45}(\.[0-9]{0,45})?([eE]-?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from([(38, 0), (38, 38), (38, 10), (5, 2), (1, 0), (18, 9)]),
)
def test_a_decimal_is_the_number_of_its_digits_or_refused(text: str, kind: tuple[int, int]) -> None:
    precision, scale = kind
    shifted = Fraction(text) * 10**scale
    fits = shifted.denominator == 1 and abs(shifted) < 10**precision

    made = parsed(pa.array([text]), Column("c", "number", arrow=f"decimal128{kind}"))

    assert made.refused.to_pylist() == [not fits]
    assert [value and Fraction(value) for value in made.values.to_pylist()] == [
        (Fraction(text) or Decimal(0)) if fits else None
    ]


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 19))
def test_a_double_written_with_any_number_of_digits_is_read_and_never_rounded(
    number: float, digits: int
) -> None:
    text = f"{number:.{digits}e}"

    values, refused = read([text], "number")

    assert refused == [False] or not math.isfinite(float(text))
    assert values == [float(text)] or not math.isfinite(float(text))


@given(st.integers(10**15, 10**22), st.integers(0, 25))
def test_a_number_is_read_only_if_a_double_gives_its_digits_back(digits: int, places: int) -> None:
    text = f"{digits}e-{places}"
    wanted = Decimal(text)
    count = len(str(digits).rstrip("0"))

    values, refused = read([text], "number")

    kept = wanted in (Decimal(f"{float(text):.{count - 1}e}"), Decimal(repr(float(text))))
    assert refused == [not kept]
    assert values == [float(text) if kept else None]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_read_with_groups_of_digits(numbers: list[int]) -> None:
    assert read([f"{n:,}" for n in numbers], "integer", group_char=",")[0] == numbers


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_read_as_python_writes_them(numbers: list[int]) -> None:
    assert read([str(n) for n in numbers], "integer") == (numbers, [False] * len(numbers))


PLAIN = st.from_regex(r"-?[0-9]{1,20}", fullmatch=True)
ODD = st.sampled_from(["", " 1", "+1", "0x1F", "0X1f", "1_0", "1.0", "٣", "--1", "NA", "1\t"])


@given(st.lists(st.none() | PLAIN, max_size=5), st.lists(PLAIN | ODD, max_size=1))
def test_plain_integers_are_read_at_once_or_not_at_all(
    texts: list[str | None], last: list[str]
) -> None:
    texts = [*texts, *last]
    values = [None if t is None or not re.fullmatch("-?[0-9]+", t) else int(t) for t in texts]
    are_plain = all(
        text is None or (value is not None and -(2**63) <= value < 2**63)
        for text, value in zip(texts, values, strict=True)
    )

    found = plain_integers(pa.array(texts, pa.string()), Column("a", "integer"))

    assert (found is not None) == are_plain
    assert found is None or found.to_pylist() == values


def test_integers_in_another_spelling_are_not_read_at_once() -> None:
    grouped = Column("a", "integer", spelling=Spelling(group_char=","))

    assert plain_integers(pa.array(["1"]), grouped) is None


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
    if expected == 0 and re.search("^[^eE]*[1-9]", spelling):
        expected = None  # too near to zero for a double

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
