from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage
    from tests.browser.site import Site

LIGHT_AND_DARK: Final = "Switch between light and dark"
BRIGHTNESS: Final = """() => {
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g);
    return (Number(red) + Number(green) + Number(blue)) / 3;
}"""


def is_dark(page: Page) -> bool:
    """Whether the page's ground is darker than the middle of all greys."""
    return bool(page.evaluate(BRIGHTNESS) < 128)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_as_the_system_is_until_somebody_chooses(open_page: OpenPage, dark: bool) -> None:
    page = open_page(dark=dark)
    page.goto("/executions")
    assert is_dark(page) == dark

    page.get_by_role("button", name=LIGHT_AND_DARK).click()
    assert is_dark(page) != dark

    # The choice is kept: by the next page, and by one that is opened anew.
    page.get_by_role("link", name="Datasets").click()
    expect(page.get_by_role("heading", name="Datasets", level=1)).to_be_visible()
    assert is_dark(page) != dark
    page.reload()
    assert is_dark(page) != dark
    page.keyboard.press("t")
    assert is_dark(page) == dark


def test_an_execution_is_found_and_opened_by_keys_alone(page: Page, site: Site) -> None:
    page.goto("/datasets")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(f"{site.url}/executions")
    page.wait_for_load_state("networkidle")

    page.keyboard.press("/")
    page.keyboard.type("rejects.csv")
    rows = page.get_by_role("table").first.locator("tbody tr")
    expect(rows).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="rejects.csv")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{site.url}/executions/{site.runs.rejects}")


def test_j_and_k_go_down_and_up_the_list(page: Page) -> None:
    page.goto("/executions")
    links = page.get_by_role("table").first.locator("tbody tr").get_by_role("link")
    expect(links).not_to_have_count(0)

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    # The page is fetched anew every two seconds; where one is in it must stay.
    page.wait_for_timeout(2500)
    expect(links.nth(0)).to_be_focused()


def test_the_keys_are_told_and_the_dialog_closes_by_key(page: Page) -> None:
    page.goto("/executions")
    page.keyboard.press("?")
    told = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(told).to_be_visible()
    axe(page)

    page.keyboard.press("Escape")
    expect(told).to_be_hidden()


def test_letters_that_are_typed_into_a_field_are_no_shortcuts(page: Page, site: Site) -> None:
    page.goto("/executions")
    page.get_by_role("searchbox").press_sequentially("get?")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_have_value("get?")
    assert page.url.startswith(f"{site.url}/executions")


def test_the_first_tab_leads_past_the_bar(page: Page) -> None:
    page.goto("/executions")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
