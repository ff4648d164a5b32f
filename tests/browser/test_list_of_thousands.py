"""The list over a service with two thousand executions, which changes while somebody looks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import uvicorn
from playwright.sync_api import expect

from cli.console_process import LOOPBACK, listening_at
from cli.errors import CliError
from cli.paths import DATASETS
from cli.target import Where
from console.app import application
from console.workspace import Console
from tests.browser.browsing import HEIGHT, NARROW, WIDE, Watch, axe, scrolls_sideways
from tests.console.conftest import over
from tests.console.service import Service, executions, failed, succeeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from cli.target import Target

POLL_MS = 2000


@dataclass
class Served:
    """A console in a thread of this process, whose cloud can be taken away."""

    service: Service
    is_away: bool = False
    console: Console = field(init=False)
    server: uvicorn.Server = field(init=False)
    url: str = ""

    def __post_init__(self) -> None:
        self.console = Console(Where(region="us-east-1"), DATASETS, opening=self._opening)
        app = application(self.console, LOOPBACK)
        config = uvicorn.Config(app, log_level="critical", lifespan="off")
        self.server = uvicorn.Server(config)

    def _opening(self, _where: Where) -> Target:
        if self.is_away:
            raise CliError("the cloud is away", "Wait for it")
        return over(self.service)

    def start(self) -> threading.Thread:
        """Listen; the thread ends when the server is told to exit."""
        listening = listening_at("127.0.0.1", None)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]})
        thread.start()
        return thread


@pytest.fixture
def served() -> Iterator[Served]:
    serving = Served(executions(2000))
    thread = serving.start()
    yield serving
    serving.server.should_exit = True
    thread.join()
    serving.is_away = False
    serving.console.workspace().index.stop()


@pytest.fixture
def watched(browser: Browser, served: Served) -> Iterator[Page]:
    """A page at the list, in which nothing may go wrong."""
    watch = Watch(served.url)
    with browser.new_context(viewport={"width": WIDE, "height": HEIGHT}) as context:
        page = context.new_page()
        watch.over(page)
        page.goto(f"{served.url}/executions")
        yield page
    assert watch.problems == []


def test_a_new_execution_appears_and_nothing_that_somebody_was_at_changes(
    watched: Page, served: Served
) -> None:
    # GIVEN somebody who has scrolled down, and is at an execution
    link = watched.get_by_role("link", name="day-0042.csv")
    link.focus()
    watched.evaluate("scrollTo(0, 900); window.opened = 'once'")
    before = link.bounding_box()

    # WHEN a file begins to run
    served.service.add(succeeded("new", rejected=5, started=-1))

    # THEN it stands first, and the page is the same one
    first = watched.locator("tbody tr").first
    expect(first).to_contain_text("new.csv")
    expect(first).to_contain_text("995")
    expect(link).to_be_focused()
    after = link.bounding_box()
    assert before and after and abs(before["y"] - after["y"]) < 2
    assert watched.evaluate("window.opened") == "once"


def test_typing_filters_and_the_filter_stays(watched: Page) -> None:
    search = watched.get_by_role("searchbox")
    rows = watched.locator("tbody tr")

    search.press_sequentially("day-19 flights")
    expect(rows).to_have_count(33)
    watched.wait_for_timeout(POLL_MS + 500)

    expect(rows).to_have_count(33)
    expect(search).to_be_focused()
    expect(search).to_have_value("day-19 flights")
    assert "q=day-19+flights" in watched.url
    watched.get_by_role("search").get_by_role("combobox").select_option("weather")
    expect(watched.get_by_text("No execution fits")).to_be_visible()
    watched.get_by_role("link", name="Show all executions").click()
    expect(rows).to_have_count(50)


def test_a_status_and_its_pages(watched: Page) -> None:
    watched.get_by_role("link", name="Failed 199").click()
    watched.get_by_role("link", name="Older").click()

    expect(watched.locator("tbody tr")).to_have_count(50)
    expect(watched.get_by_text("51–100 of 199")).to_be_visible()
    expect(watched.locator("tbody tr").first).to_contain_text("TooManyRejectsError")
    watched.get_by_role("link", name="Newer").click()
    expect(watched.get_by_text("1–50 of 199")).to_be_visible()


@pytest.mark.parametrize("width", [NARROW, 800, WIDE])
@pytest.mark.parametrize("dark", [False, True])
def test_odd_names_fit_and_everybody_can_read_them(
    browser: Browser, served: Served, width: int, dark: bool
) -> None:
    hostile = "<b>evil</b>😀" + "x" * 1000
    served.service.add(failed("odd", hostile, hostile, key=f"input/flights/{hostile}"))
    scheme = "dark" if dark else "light"
    with browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        page.goto(f"{served.url}/executions")

        expect(page.locator("tbody tr").first).to_contain_text("evil")
        assert not scrolls_sideways(page)
        axe(page)


def test_a_cloud_that_is_away_takes_nothing_from_the_page(browser: Browser, served: Served) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{served.url}/executions")
        line = page.locator("#connection")
        expect(line).to_be_hidden()

        served.is_away = True
        served.console.forget()
        expect(line).to_have_text("the cloud is away. Wait for it. Trying again.")
        expect(page.locator("tbody tr")).to_have_count(50)

        served.is_away = False
        expect(line).to_be_hidden()


def test_a_console_that_has_ended_takes_nothing_from_the_page(
    browser: Browser, served: Served
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{served.url}/executions")

        served.server.should_exit = True

        expect(page.locator("#connection")).to_contain_text("does not answer")
        expect(page.locator("tbody tr")).to_have_count(50)
