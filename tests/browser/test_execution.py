from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import NARROW, WIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage
    from tests.browser.site import Site


def test_the_graph_shows_the_state_that_failed_and_how_often_it_was_retried(
    page: Page, site: Site
) -> None:
    page.goto(f"/executions/{site.runs.retried}")
    graph = page.get_by_role("region", name="Graph of the state machine")
    failed = graph.get_by_role("link", name=re.compile(r"Validate, failed, caught after 2 retries"))
    expect(failed).to_have_attribute("aria-current", "true")
    expect(graph.get_by_text("↻2")).to_be_visible()
    expect(graph.locator(".edge.catch.taken")).to_have_count(1)


def test_a_state_is_chosen_by_keyboard_and_the_rest_stays_as_it_is(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.good}")
    page.get_by_text("Input", exact=True).wait_for()
    page.evaluate("window.marker = 'the same page'")
    clean = page.get_by_role("link", name=re.compile("^Clean, succeeded"))
    clean.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Clean Task")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?state=Clean$"))
    expect(clean).to_be_focused()
    expect(clean).to_have_attribute("aria-current", "true")
    assert page.evaluate("window.marker") == "the same page"
    page.go_back()
    expect(page.get_by_role("heading", name="Write Task")).to_be_visible()


def test_the_log_of_an_attempt_is_that_attempts_own(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.retried}?state=Validate&attempt=1")
    log = page.get_by_role("region", name="Log of attempt 1")
    expect(log.get_by_text("stage failed")).to_have_count(1)
    log.get_by_text("stage failed").click()
    expect(log.locator("details[open] pre")).to_contain_text('"function_request_id"')
    expect(log.get_by_text('"attempt": 1')).to_have_count(0)


def test_the_stack_trace_names_our_files(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.failed}")
    trace = page.locator(".trace")
    expect(
        trace.get_by_text(re.compile(r"functions/validate/handler\.py:\d+")).first
    ).to_be_visible()


def test_what_was_hidden_is_drawn_when_asked_for(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.good}")
    fault = page.get_by_role("link", name="WhoseFault, not visited")
    expect(page.get_by_role("link", name=re.compile("^Validate, succeeded"))).to_be_visible()
    expect(fault).to_have_count(0)
    page.get_by_role("link", name="Show them").click()
    expect(fault).to_have_count(1)


def test_a_page_of_what_runs_keeps_up_until_it_has_ended(page: Page, site: Site) -> None:
    name = site.start_vanished("input/flights/watched.csv").rpartition(":")[2]
    page.goto(f"/executions/{name}")
    running = page.locator(".node.running, .node.retrying")
    expect(running).to_have_count(1)
    expect(page.locator("#execution-error")).to_contain_text("ObjectNotVisibleError")
    expect(running).to_have_count(0)
    expect(page.locator("#execution")).not_to_have_attribute("hx-trigger", re.compile("every"))


def test_events_can_be_searched(page: Page, site: Site) -> None:
    page.goto(f"/executions/{site.runs.retried}/events")
    page.get_by_role("searchbox").fill("TaskFailed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(4)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_without_a_script_there_is_the_table_and_the_log_behind_a_link(
    open_page: OpenPage, site: Site, width: int
) -> None:
    page = open_page(width=width, script=False)
    page.goto(f"/executions/{site.runs.retried}")
    expect(page.locator("#graph")).to_be_hidden()
    expect(page.locator("#state .error")).to_contain_text("ObjectNotVisibleError")
    page.get_by_role("link", name="Read the log lines of this attempt").click()
    expect(page.get_by_role("region", name="Log of attempt 3")).to_contain_text("stage failed")
    page.get_by_role("row", name=re.compile("^Start")).get_by_role("link").click()
    expect(page.get_by_role("heading", name="Start Pass")).to_be_visible()
