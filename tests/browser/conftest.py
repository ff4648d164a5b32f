"""Fixtures of the browser's tests; `tests/browser/site.py` says which executions there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.browsing import HEIGHT, WIDE, Watch, launched
from tests.browser.site import Site, run_all
from tests.end_to_end.cloud import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PATIENCE_MS = 15_000
"""How long a page may take until it shows what is waited for; both processors may be busy."""


class OpenPage(Protocol):
    """Opens a page of its own: no cookies, and not yet at any address."""

    def __call__(self, *, width: int = WIDE, dark: bool = False, script: bool = True) -> Page: ...


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console over a local cloud in which four files have run."""
    cloud = Cloud(tmp_path_factory.mktemp("site"))
    try:
        cloud.start(console=True)
        yield Site(cloud.status["console_url"].rstrip("/"), cloud, run_all(cloud))
    finally:
        cloud.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium; fails, and says what to install, if there is none."""
    with sync_playwright() as playwright:
        started = launched(playwright)
        expect.set_options(timeout=PATIENCE_MS)
        yield started
        started.close()


@pytest.fixture
def problems(site: Site) -> Iterator[list[str]]:
    """What has gone wrong in the test's pages; whoever expects something, takes it out."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def open_page(browser: Browser, site: Site, problems: list[str]) -> Iterator[OpenPage]:
    """Open pages of a width, light or dark, with or without scripts; addresses may be relative."""
    contexts = []

    def opened(*, width: int = WIDE, dark: bool = False, script: bool = True) -> Page:
        context = browser.new_context(
            base_url=site.url,
            viewport={"width": width, "height": HEIGHT},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        Watch(site.url, problems).over(page)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page 1280 pixels wide, in light colours."""
    return open_page()
