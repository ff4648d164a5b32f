"""What holds for every page: no barriers, no scrolling sideways, readable without script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import NARROW, axe, scrolls_sideways

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import OpenPage
    from tests.browser.site import Runs, Site

PAGES: Final[dict[str, Callable[[Runs], str]]] = {
    "executions": lambda _: "/executions",
    "nothing found": lambda _: "/executions?q=never-was",
    "good": lambda runs: f"/executions/{runs.good}",
    "rejects": lambda runs: f"/executions/{runs.rejects}?state=Validate",
    "failed": lambda runs: f"/executions/{runs.failed}",
    "retried": lambda runs: f"/executions/{runs.retried}",
    "rows": lambda runs: f"/executions/{runs.rejects}/rows",
    "rows of a failed one": lambda runs: f"/executions/{runs.failed}/rows",
    "events": lambda runs: f"/executions/{runs.retried}/events",
    "report": lambda runs: f"/executions/{runs.rejects}/report",
    "dead letters": lambda _: "/dead-letters",
    "dead letter": lambda runs: f"/dead-letters/{runs.failed}",
    "datasets": lambda _: "/datasets",
    "dataset": lambda _: "/datasets/flights",
}
every_page = pytest.mark.parametrize("name", PAGES)


@every_page
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_has_no_barriers(open_page: OpenPage, site: Site, name: str, dark: bool) -> None:
    page = open_page(dark=dark)
    page.goto(PAGES[name](site.runs))
    page.wait_for_load_state("networkidle")

    axe(page)


@every_page
def test_a_narrow_window_is_enough(open_page: OpenPage, site: Site, name: str) -> None:
    page = open_page(width=NARROW)
    page.goto(PAGES[name](site.runs))
    page.wait_for_load_state("networkidle")

    assert not scrolls_sideways(page)
    axe(page)


@every_page
def test_it_can_be_read_without_script(open_page: OpenPage, site: Site, name: str) -> None:
    page = open_page(script=False)
    page.goto(PAGES[name](site.runs))

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert len(page.get_by_role("main").inner_text()) > 100
