from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.month_names import MONTH_NAMES, WEEKDAY_NAMES, english_of
from pipeline.text_parsing import PARSERS

if TYPE_CHECKING:
    from decimal import Decimal

LOCALES = ("en", "de", "fr", "es", "it", "pt", "nl")


def number(text: str, **form: Any) -> float | None:
    """The number that a text is read as; None if it is refused."""
    found = PARSERS["parse_number"].apply(pa.array([text, None]), form)
    assert found.refused.to_pylist() == [found.values[0].as_py() is None, False]
    value: float | None = found.values[0].as_py()
    return value


def date(text: str, **form: Any) -> dt.date | None:
    """The date that a text is read as; None if it is refused."""
    found = PARSERS["parse_date"].apply(pa.array([text, None]), form)
    assert found.refused.to_pylist() == [found.values[0].as_py() is None, False]
    value: dt.date | None = found.values[0].as_py()
    return value


@pytest.mark.parametrize(
    ("text", "form", "value"),
    [
        ("1.5", {}, 1.5),
        (" -7 ", {}, -7.0),
        ("1e3", {}, 1000.0),
        ("1,5", {}, None),
        ("", {}, None),
        ("NaN", {}, None),
        ("1.234,5", {"decimal": ",", "group": "."}, 1234.5),
        ("1234,5", {"decimal": ",", "group": "."}, 1234.5),
        ("1.5", {"decimal": ",", "group": "."}, None),  # not 15
        ("12,34,567", {"group": ","}, 1234567.0),  # as in India
        ("1\u00a0234", {"group": " "}, 1234.0),
        ("1\u2019234.5", {"group": "'"}, 1234.5),
        ("$ 1,234.50", {"group": ",", "ignore": ["$"]}, 1234.5),
        ("-$5", {"ignore": ["$"]}, -5.0),
        ("$-5", {"ignore": ["$"]}, -5.0),
        ("5 USD", {"ignore": ["US", "USD"]}, 5.0),
        ("5 EUR", {"ignore": ["USD"]}, None),
        ("5 % 6", {"ignore": ["%"]}, None),
        ("$", {"ignore": ["$"]}, None),
        ("0.12345678901234567890", {}, None),  # digits that a double does not keep
    ],
)
def test_number(text: str, form: dict[str, Any], value: float | None) -> None:
    assert number(text, **form) == value


@given(
    st.decimals(-(10**9), 10**9, places=3), st.sampled_from([(".", ","), (",", "."), (",", " ")])
)
def test_number_in_any_marks(value: Decimal, marks: tuple[str, str]) -> None:
    decimal, group = marks
    written = f"{value:,.3f}".translate(str.maketrans(".,", decimal + group))

    assert number(written, decimal=decimal, group=group) == float(value)


@pytest.mark.parametrize(
    ("text", "form", "locale", "value"),
    [
        ("31.12.1999", "dd.MM.yyyy", "en", dt.date(1999, 12, 31)),
        ("31.02.1999", "dd.MM.yyyy", "en", None),
        ("3. März 2013", "d. MMMM yyyy", "de", dt.date(2013, 3, 3)),
        ("3. MÄRZ 2013", "d. MMMM yyyy", "de", dt.date(2013, 3, 3)),
        ("3. Mrz. 2013", "d. MMM yyyy", "de", dt.date(2013, 3, 3)),
        ("03-Sept-2013", "dd-MMM-yyyy", "en", dt.date(2013, 9, 3)),
        ("Sep. 3 2013", "MMM. d yyyy", "en", dt.date(2013, 9, 3)),
        ("mar 5 mar 2013", "EEE d MMM yyyy", "es", dt.date(2013, 3, 5)),
        ("5 mar 2013, mar", "d MMM yyyy, EEE", "es", dt.date(2013, 3, 5)),
        ("mié 5 mar 2013", "EEE d MMM yyyy", "es", None),  # it was a Tuesday
        ("1 de março de 2013", "d 'de' MMMM 'de' yyyy", "pt", dt.date(2013, 3, 1)),
        (
            "terça-feira, 5 de março de 2013",
            "EEEE, d 'de' MMMM 'de' yyyy",
            "pt",
            dt.date(2013, 3, 5),
        ),
        ("3 Foobar 2013", "d MMMM yyyy", "de", None),
        ("3 mayor 2013", "d MMM yyyy", "es", None),
    ],
)
def test_date(text: str, form: str, locale: str, value: dt.date | None) -> None:
    assert date(text, format=form, locale=locale) == value


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("form", "names"), [("MMM", 12), ("MMMM", 12), ("EEE", 7), ("EEEE", 7)])
def test_every_name_is_known_once(locale: str, form: str, names: int) -> None:
    # GIVEN the table's own names, which must lead to as many English ones
    table = MONTH_NAMES if form[0] == "M" else WEEKDAY_NAMES
    spellings = table[locale][len(form) == 4].split()
    english = english_of(locale, form)

    assert len({english(name) for spelling in spellings for name in spelling.split("/")}) == names


def test_text_without_names_is_left_alone() -> None:
    assert english_of("de", "dd.MM.yyyy 'MMM'")("31.12.1999 Mai") == "31.12.1999 Mai"
