"""The report's plots: that they show the numbers, and that no value breaks out of them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.report.drawings import drawings, value_words
from cli.report.plots import BARS, DISTRIBUTION, FREQUENT, MOMENTS, STACKED, plot
from tests.unit.cli.report_samples import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    """The drawing as XML; HTML gives the namespace by itself."""
    return ElementTree.fromstring(
        svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


def bars_of(svg: str) -> list[tuple[float, float, float]]:
    """Left edge, width and height of each bar."""
    found = []
    for path in re.findall(r'<path d="(M[^"]+)" fill="#3b6fb6"', svg):
        corner = re.match(r"M([\d.-]+),([\d.-]+)h([\d.-]+)v([\d.-]+)h", path)
        assert corner, path
        found.append((float(corner[1]), float(corner[3]), float(corner[4])))
    return found


def bar(name: str, number: float) -> dict[str, object]:
    return {"name": name, "number": number, "words": f"{number:,}"}


def test_bars_are_as_long_as_their_numbers() -> None:
    svg = plot(BARS, [bar("a", 120), bar("b", 60), bar("c", 0)], title="t", told="d", key="k")

    widths = [width for _, width, _ in bars_of(svg)]

    assert widths[0] == pytest.approx(2 * widths[1], abs=0.1)
    assert widths[2] == pytest.approx(0, abs=0.3)
    assert [text.text for text in parsed(svg).iter(f"{SVG}text")] == [
        "a",
        "b",
        "c",
        "120",
        "60",
        "0",
    ]


def test_a_histogram_is_as_high_as_its_counts() -> None:
    values = [{"low": 0, "high": 5, "rows": 4}, {"low": 5, "high": 10, "rows": 2}]

    low, high = bars_of(plot(DISTRIBUTION, values, title="t", told="d", key="k"))

    assert low[2] == pytest.approx(2 * high[2], abs=0.1)
    assert low[1] == pytest.approx(high[1], abs=0.6)


def test_a_span_moves_the_bars_on_a_common_axis() -> None:
    values = [{"low": 5, "high": 10, "rows": 2}]

    alone = bars_of(plot(DISTRIBUTION, values, title="t", told="d", key="k"))
    among = bars_of(plot(DISTRIBUTION, values, title="t", told="d", key="k", span=(0, 10)))

    assert among[0][1] == pytest.approx(alone[0][1] / 2, abs=1)
    assert among[0][0] == pytest.approx(alone[0][0] + alone[0][1] / 2, abs=1)


@pytest.mark.parametrize("kind", [DISTRIBUTION, MOMENTS, FREQUENT, BARS, STACKED])
def test_a_plot_without_values_is_still_one(kind: str) -> None:
    assert parsed(plot(kind, [], title="t", told="d", key="k")).tag == f"{SVG}svg"


def test_hostile_names_stay_text() -> None:
    svg = plot(FREQUENT, [bar(HOSTILE, 1)], title=HOSTILE, told=HOSTILE, key="k")

    tags = {element.tag.removeprefix(SVG) for element in parsed(svg).iter()}

    assert tags == {"svg", "title", "desc", "g", "path", "text"}
    assert "style" not in {name for element in parsed(svg).iter() for name in element.attrib}


readable = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


@settings(max_examples=25, deadline=None)
@given(title=readable, told=readable)
def test_a_plot_says_in_words_what_it_shows(title: str, told: str) -> None:
    found = parsed(plot(DISTRIBUTION, [], title=title, told=told, key="k"))

    assert (found.findtext(f"{SVG}title") or "") == title
    assert (found.findtext(f"{SVG}desc") or "") == told
    assert found.get("aria-labelledby") == "k-title k-told"
    assert [found[0].get("id"), found[1].get("id")] == ["k-title", "k-told"]


def document(*columns: dict[str, object]) -> dict[str, object]:
    """What the plots of a report's columns are made of."""
    return {
        "rows": {},
        "steps": [],
        "stages": [],
        "rejects": {"rules": []},
        "columns": {"columns": columns},
    }


def one_column(**statistics: object) -> dict[str, object]:
    known = {"type": "integer", "distinct": 9, "histogram": None, "top": None}
    return {"name": "c", "before": known | statistics, "after": None}


@pytest.mark.parametrize(
    "edges",
    [
        ["2013-01-01", "2013-06-01", "2014-01-01"],
        ["2013-01-01T00:00:00+00:00", "2013-06-01T12:00:00+00:00", "2014-01-01T00:00:00+00:00"],
        ["06:00:00", "12:00:00", "23:59:59.999999"],
    ],
    ids=["date", "timestamp", "time"],
)
def test_moments_stand_in_order(edges: list[str]) -> None:
    column = one_column(type="timestamp", histogram={"edges": edges, "counts": [1, 2]})

    first, second = bars_of(drawings(document(column))["before-0"])

    assert first[0] < second[0]
    assert first[2] < second[2]


@pytest.mark.parametrize(
    "histogram",
    [
        {"edges": [1], "counts": []},
        {"edges": [1, 2, 3], "counts": [1]},
        {"edges": ["soon", "later"], "counts": [1]},
        {"edges": [float("inf"), float("inf")], "counts": [1]},
        {},
    ],
)
def test_a_histogram_that_makes_no_sense_is_left_out(histogram: dict[str, object]) -> None:
    assert drawings(document(one_column(histogram=histogram))) == {}


def test_values_that_each_stand_once_are_not_drawn() -> None:
    once, twice = [["a", 1], ["b", 1]], [["a", 2], ["b", 1]]

    assert drawings(document(one_column(top=once))) == {}
    assert set(drawings(document(one_column(top=twice)))) == {"before-0"}


def test_only_the_first_columns_are_drawn() -> None:
    histogram = {"edges": [1, 2], "counts": [1]}
    columns = [one_column(histogram=histogram) for _ in range(61)]

    found = drawings(document(*columns))

    assert sorted(found) == sorted(f"before-{number}" for number in range(60))


@pytest.mark.parametrize(
    "name",
    ["bell \a", "a\x00b", "\x1b[31mred", "\ud800", "\ufffe", "\N{PILE OF POO}" * 40, "\u202e" * 50],
    ids=ascii,
)
@pytest.mark.parametrize("kind", [BARS, FREQUENT])
def test_a_name_of_any_characters_can_be_drawn(kind: str, name: str) -> None:
    """Some of them end the process in which vl-convert draws."""
    svg = plot(kind, [bar(name, 3)], title="t", told="d", key="k")

    assert len(bars_of(svg)) == 1
    parsed(svg)


def test_a_short_name_beyond_16_bits_stays_what_it_is() -> None:
    assert "\N{PILE OF POO}" in plot(
        BARS, [bar("\N{PILE OF POO}", 3)], title="t", told="d", key="k"
    )


def test_numbers_too_close_for_an_axis_have_no_plot() -> None:
    values = [{"low": 2.5e-320, "high": 3.5e-320, "rows": 4}]

    assert plot(DISTRIBUTION, values, title="t", told="d", key="k") == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "true"),
        (1, "1"),
        (0, "0"),
        (1.0, "1.0"),
        (False, "false"),
        (None, "(none)"),
        ("", "(empty text)"),
        ([1, True], "[1, true]"),
        ({"a": None}, '{"a": null}'),
    ],
    ids=repr,
)
def test_a_value_in_words_is_told_from_its_like(value: object, words: str) -> None:
    assert value_words(value) == words
