"""A dataset's documentation and its runs, as somebody looks for a cause and for a column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import NARROW, WIDE, axe, scrolls_sideways

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage
    from tests.browser.site import Site

PAGES = ("/datasets", "/datasets/flights", "/datasets/penguins", "/datasets/flights?column=delay")


def test_from_the_list_a_failed_run_is_two_clicks_away(site: Site, page: Page) -> None:
    page.goto("/datasets")
    page.get_by_role("link", name="flights", exact=True).click()
    runs = page.get_by_role("table", name="Last runs")
    failed = runs.get_by_role("row").filter(has_text="MissingColumnError")
    expect(failed).to_have_count(1)
    failed.get_by_role("link", name="no-such-columns.csv").click()
    page.wait_for_url(f"**/executions/{site.runs.failed}")


def test_the_trend_tells_the_share_of_rejected_rows(page: Page) -> None:
    page.goto("/datasets/flights")
    chart = page.get_by_role("img", name="Share of rejected rows")
    expect(chart).to_be_visible()
    expect(chart.locator("g").filter(has_text="40 % rejected (4 of 10 rows)")).to_have_count(1)
    page.get_by_text("The numbers of the last").click()
    numbers = page.get_by_role("table", name="Numbers of the trend")
    expect(numbers.get_by_role("row").filter(has_text="rejects.csv")).to_contain_text("40 %")


def test_a_columns_sources_are_a_click_away(page: Page) -> None:
    page.goto("/datasets/flights")
    outputs = page.get_by_role("region", name="Table of the output's columns")
    speed = outputs.get_by_role("row").filter(has=page.get_by_text("speed_mph", exact=True))
    expect(speed).to_contain_text("round(distance / nullif(air_time, 0) * 60, 1)")
    speed.get_by_role("link", name="air_time").click()
    expect(page).to_have_url(re.compile(r"#in-\d+$"))
    expect(page.locator("tr:target")).to_contain_text("Minutes in the air.")
    expect(page.locator("tr:target")).to_be_in_viewport()


def test_columns_are_found_by_keyboard_and_without_scripts(open_page: OpenPage) -> None:
    page = open_page(script=False)
    page.goto("/datasets/flights")
    page.get_by_role("searchbox", name="Columns with").press_sequentially("manufacturer")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/flights?column=manufacturer#columns")
    expect(page.get_by_text("0 of 19 of the file, 1 of 39 of the output")).to_be_visible()
    expect(page.get_by_text("planes.manufacturer")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_everybody_can_use_them(open_page: OpenPage, width: int, *, dark: bool) -> None:
    page = open_page(width=width, dark=dark)
    for path in PAGES:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert not scrolls_sideways(page)
        axe(page)
