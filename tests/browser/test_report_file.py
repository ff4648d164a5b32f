"""The report as a file: what `pipeline report` writes is a page by itself, anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.browsing import NARROW, WIDE, axe, scrolls_sideways

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.browser.site import Site

KINDS = ("good", "rejects", "failed", "retried")


@pytest.fixture(scope="module")
def files(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of the four runs, as the command writes them."""
    folder = tmp_path_factory.mktemp("reports")
    written = {}
    for kind in KINDS:
        written[kind] = folder / f"{kind}.html"
        done = site.cloud.cli("report", getattr(site.runs, kind), "--output", written[kind])
        assert done.returncode == 0, done.stderr
    return written


@pytest.fixture(params=[(WIDE, "light"), (NARROW, "dark")], ids=["wide, light", "narrow, dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page without scripts, which notes what goes wrong and what it asks the network for."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened = context.new_page()
    noted: list[str] = []
    opened.on("console", lambda said: noted.append(said.text))
    opened.on("request", lambda asked: noted.append(asked.url))
    yield opened
    assert [line for line in noted if not line.startswith("file:")] == []
    context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_a_page_without_barriers(page: Page, files: dict[str, Path], kind: str) -> None:
    page.goto(files[kind].as_uri())

    axe(page)
    assert not scrolls_sideways(page)


def test_rejected_rows_stand_with_their_rules(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["rejects"].as_uri())

    samples = page.get_by_role("region", name="Some rejected rows")
    assert "10 rows read" in page.inner_text(".sentence")
    assert "4 rejected" in page.inner_text(".sentence")
    assert samples.get_by_text("month: maximum").count() == 1
    assert samples.get_by_text("13", exact=True).count() == 1


def test_the_columns_are_drawn_before_and_after(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["good"].as_uri())

    assert page.get_by_role("img", name="Values of origin, as read").count() == 1
    assert page.get_by_role("img", name="Values of origin, as written").count() == 1


def test_a_failed_file_says_why_at_its_top(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["failed"].as_uri())

    said = page.locator(".outcome")
    assert "MissingColumnError" in said.inner_text()
    assert "its header has 'a', 'b'" in said.inner_text()
    assert said.bounding_box()["y"] < 200


def test_plots_have_the_colours_of_the_page(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["good"].as_uri())

    fill = page.locator('svg [fill="#3b6fb6"]').first.evaluate("bar => getComputedStyle(bar).fill")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert fill == ("rgb(127, 176, 240)" if is_dark else "rgb(59, 111, 182)")
