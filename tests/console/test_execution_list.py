from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.reading.executions import ExecutionIndex
from console.reading.selection import SHOWN, Selection, selected
from tests.console.conftest import over
from tests.console.service import (
    Service,
    end_of_history,
    execution,
    executions,
    failed,
    succeeded,
)

if TYPE_CHECKING:
    from console.reading.executions import Listed
    from tests.console.conftest import OpenConsole

ALL = 2000
RUNNING = {0}
FAILED = {position for position in range(1, ALL) if position % 10 == 0}
REJECTS = {position for position in range(1, ALL) if position % 7 == 0} - FAILED
GROUPS = {
    "running": RUNNING,
    "failed": FAILED,
    "rejects": REJECTS,
    "succeeded": set(range(ALL)) - RUNNING - FAILED - REJECTS,
}


class Rows(HTMLParser):
    """Texts of the links to executions, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self._is_file = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_file = tag == "a" and str(dict(attrs).get("href")).startswith("/executions/")

    def handle_data(self, data: str) -> None:
        if self._is_file:
            self.files.append(data)
            self._is_file = False


def files(html: str) -> list[str]:
    parser = Rows()
    parser.feed(html)
    return parser.files


@pytest.fixture(scope="module")
def many() -> list[Listed]:
    """Two thousand executions, all of them described."""
    index = ExecutionIndex(over(executions(ALL)))
    index.refresh()
    found = index.listed()
    index.stop()
    return found


def number_of(one: Listed) -> int:
    return int(one.name.removeprefix("run-"))


@pytest.mark.parametrize("status", GROUPS)
def test_a_status_selects_its_executions(many: list[Listed], status: str) -> None:
    found = selected(many, Selection(status=status))

    expected = sorted(GROUPS[status])
    assert [number_of(one) for one in found.shown] == expected[:SHOWN]
    assert found.number == len(expected)


def test_counts_are_of_what_fits_whatever_its_status(many: list[Listed]) -> None:
    found = selected(many, Selection(status="failed", dataset="weather"))

    expected = {name: len({n for n in group if n % 3 == 1}) for name, group in GROUPS.items()}
    assert {name: found.counts[name] for name in GROUPS} == expected
    assert found.all == len({n for n in range(ALL) if n % 3 == 1})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day-0700.csv", {700}),
        ("RUN-0701", {701}),
        ("toomanyrejects day-19", {n for n in FAILED if n >= 1900}),
        ("day 490 are bad", {490, 1490}),
        ("day-19 flights", {n for n in range(1900, ALL) if n % 3 == 0}),
        ("nowhere", set()),
    ],
)
def test_every_word_is_sought_in_file_name_dataset_and_error(
    many: list[Listed], text: str, expected: set[int]
) -> None:
    found = selected(many, Selection(text=text))

    assert found.number == len(expected)
    assert [number_of(one) for one in found.shown] == sorted(expected)[:SHOWN]


def test_the_pages_hold_each_execution_once(many: list[Listed]) -> None:
    pages = [selected(many, Selection(page=number)) for number in range(1, 41)]

    assert [number_of(one) for page in pages for one in page.shown] == list(range(ALL))
    assert [page.first for page in pages[:2]] == [1, 51]
    assert pages[0].pages == 40


@given(
    query=st.fixed_dictionaries(
        {},
        optional={
            "status": st.one_of(st.sampled_from(sorted(GROUPS)), st.text(max_size=5)),
            "dataset": st.text(max_size=9),
            "q": st.text(max_size=9),
            "page": st.one_of(st.integers().map(str), st.text(max_size=12)),
        },
    )
)
def test_any_address_selects_a_page_that_there_is(
    many: list[Listed], query: dict[str, str]
) -> None:
    found = selected(many, Selection.of(query))

    assert 1 <= found.page <= found.pages
    assert len(found.shown) <= SHOWN


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "²", "9" * 30, "99999"])
def test_a_page_that_there_is_not_is_the_first_or_the_last(many: list[Listed], page: str) -> None:
    found = selected(many, Selection.of({"page": page}))

    assert found.page == (40 if page == "99999" else 1)


@given(
    text=st.text(),
    dataset=st.text(),
    status=st.sampled_from(("", *GROUPS)),
    page=st.integers(1, 99),
)
def test_an_address_leads_to_the_selection_that_it_was_made_of(
    text: str, dataset: str, status: str, page: int
) -> None:
    from starlette.datastructures import QueryParams

    selection = Selection(status=status, dataset=dataset, text=text.strip(), page=page)

    query = selection.query(page=page)

    assert Selection.of(QueryParams(query.removeprefix("?"))) == selection


def test_a_change_begins_at_the_first_page() -> None:
    assert Selection(text="a b", page=7).query(status="failed") == "?status=failed&q=a+b"
    assert Selection().query() == ""


def test_the_list_shows_rows_cost_and_the_cause(open_console: OpenConsole) -> None:
    service = Service()
    service.add(succeeded("good", rejected=12, started=1))
    told = ("MissingColumnError", "The file lacks 'sex'.")
    service.add(failed("bad", *told), *end_of_history(*told, {}))

    html = open_console(over(service)).get("/executions").text

    assert files(html) == ["bad.csv", "good.csv"]
    rows = re.findall(r"<tr id=.*?</tr>", html, re.DOTALL)
    assert "MissingColumnError" in rows[0]
    assert "The file lacks &#39;sex&#39;." in rows[0]
    assert [cell for cell in ("1,000", "988", "12", "$0.00042") if f">{cell}</td>" in rows[1]] == [
        "1,000",
        "988",
        "12",
        "$0.00042",
    ]


def test_a_page_of_two_thousand_takes_less_than_a_tenth_of_a_second(
    open_console: OpenConsole,
) -> None:
    # GIVEN an index that has read them
    client = open_console(over(executions(ALL)))
    while "are read, the latest first" in client.get("/executions").text:
        time.sleep(0.05)

    # WHEN pages are asked for (the quickest counts: others use the processor, too)
    taken = []
    for query in ("", "?q=bad+weather&page=2", "?status=failed&page=3", "?page=40"):
        started = time.perf_counter()
        answer = client.get(f"/executions{query}")
        taken.append(time.perf_counter() - started)
        assert answer.status_code == 200

    assert min(taken) < 0.1
    assert files(answer.text)[-1] == "day-1999.csv"


def test_what_is_not_described_yet_is_listed_and_said(open_console: OpenConsole) -> None:
    service = executions(5)
    service.refusing, service.answers_before_refusing = "ThrottlingException", 2

    html = open_console(over(service)).get("/executions").text

    assert "2 of 5 executions are read" in html
    assert "ThrottlingException" in html
    assert files(html) == ["day-0000.csv", "day-0001.csv", "run-0002", "run-0003", "run-0004"]


def test_hostile_names_stay_text(open_console: OpenConsole) -> None:
    service = Service()
    hostile = "<b>evil</b>\n😀" + "x" * 1000
    service.add(failed("odd", hostile, hostile * 2, key=f"input/{hostile}/f{hostile}.csv"))
    service.add(execution("none", "SUCCEEDED", input="null", started=1))

    answer = open_console(over(service)).get("/executions", params={"q": "<b>evil</b>"})

    assert answer.status_code == 200
    assert "&lt;b&gt;evil" in answer.text
    assert "<b>evil" not in answer.text
    assert len(answer.text) < 30_000


def test_an_empty_list_says_how_to_start(open_console: OpenConsole) -> None:
    html = open_console(over(Service())).get("/executions").text

    assert "pipeline run FILE" in html


def test_a_filter_that_nothing_fits_can_be_taken_away(open_console: OpenConsole) -> None:
    html = open_console(over(executions(3))).get("/executions?q=nowhere").text

    assert "No execution fits" in html
    assert 'href="/executions">Show all' in html


def test_the_part_that_lives_asks_for_the_same_selection(open_console: OpenConsole) -> None:
    html = open_console(over(executions(99))).get("/executions?q=day%26x&status=failed&page=1").text

    assert 'hx-get="/executions?status=failed&amp;q=day%26x"' in html
