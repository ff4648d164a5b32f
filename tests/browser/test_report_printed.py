"""The report on paper: a page as wide as A4, without what only a click unfolds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.browsing import scrolls_sideways

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.browser.site import Site

A4 = {"width": 718, "height": 1046}
"""190 mm by 277 mm, in pixels of 1/96 inch: what margins of 10 mm leave."""


def test_it_fits_the_paper_and_rows_stay_folded(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    done = site.cloud.cli("report", site.runs.rejects, "--output", file)
    assert done.returncode == 0, done.stderr
    page = browser.new_page(viewport=A4)
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    assert not scrolls_sideways(page)
    cells = page.locator("td details")
    expect(cells.first).to_be_visible()
    heights = cells.evaluate_all("all => all.map((one) => one.getBoundingClientRect().height)")
    assert max(heights) < 40
    page.close()
