"""The page of an execution's rows in a browser: funnel, filter, a row unfolded, output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import NARROW, WIDE, axe, scrolls_sideways
from tests.end_to_end.samples import flight, flights

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage
    from tests.browser.site import Site


def test_the_funnel_says_what_left_where(page: Page, site: Site) -> None:
    rows = [flight(1, month="13"), *map(flight, range(2, 11)), flight(11, distance="far")]
    name = site.run("input/flights/funnel.csv", flights(*rows)).name
    page.goto(f"/executions/{name}/rows")
    steps = page.locator(".funnel li")
    expect(steps).to_have_count(6)
    expect(steps.nth(0)).to_have_text(re.compile(r"Read\s*11"))
    expect(steps.nth(1)).to_have_text(re.compile(r"Validated\s*9\s*− 2 rejected"))
    expect(page.get_by_text("11 read = 9 written + 2 rejected")).to_be_visible()


def test_a_rule_is_a_filter_and_a_row_unfolds(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.rejects}/rows")
    rows = page.get_by_role("region", name="Rejected rows").locator("tbody")
    expect(rows).to_have_count(4)
    page.get_by_role("link", name=re.compile("maximum")).click()
    expect(rows).to_have_count(2)
    rows.first.get_by_text("Row as it was read").click()
    expect(rows.first.locator(".offending")).to_have_text(re.compile(r"month\s*13"))
    page.get_by_role("link", name="Show all").click()
    expect(rows).to_have_count(4)


def test_the_quarantine_is_downloaded(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.rejects}/rows")
    with page.expect_download() as download:
        page.get_by_role("link", name="validate.jsonl").click()
    assert download.value.suggested_filename.endswith("-validate.jsonl")
    assert len(download.value.path().read_text(encoding="utf-8").splitlines()) == 4


def test_the_output_shows_its_first_rows(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.good}/rows")
    sample = page.get_by_role("region", name="First rows of the output")
    expect(sample.locator("tbody tr")).to_have_count(20)
    expect(sample.get_by_role("columnheader", name=re.compile("^carrier string"))).to_be_visible()


def test_a_failed_file_says_that_no_row_was_counted(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.failed}/rows")
    expect(page.get_by_text("before any row was counted")).to_be_visible()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_rows_fit_and_are_accessible(
    width: int, dark: bool, open_page: OpenPage, site: Site
) -> None:
    page = open_page(width=width, dark=dark)
    page.goto(f"/executions/{site.runs.rejects}/rows")
    page.locator("summary").first.click()
    assert not scrolls_sideways(page)
    axe(page)


def test_rows_are_read_without_scripts(open_page: OpenPage, site: Site) -> None:
    page = open_page(script=False)
    page.goto(f"/executions/{site.runs.rejects}/rows")
    page.get_by_role("link", name=re.compile("required")).click()
    expect(page.locator("table.rejected tbody")).to_have_count(1)
