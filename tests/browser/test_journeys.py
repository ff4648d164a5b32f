"""What people do in the console, from the first page to what they came for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.site import await_letter, wait_for_end
from tests.end_to_end.samples import flight, flights

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage
    from tests.browser.site import Site


def letter_of_a_late_file(site: Site, name: str) -> str:
    """Name of an execution that failed as its file was not there yet; now it is."""
    key = f"input/flights/{name}"
    arn = site.start_vanished(key)
    wait_for_end(site.cloud, arn)
    site.run(key, flights(flight(1), flight(2)))
    execution = arn.rpartition(":")[2]
    await_letter(site.cloud, execution)
    return execution


def test_a_newcomer_finds_the_cause_of_a_failed_file_within_three_clicks(
    page: Page, site: Site
) -> None:
    # GIVEN somebody who opens the console and knows only that a file has failed
    page.goto("/")
    # WHEN they click on the failed ones, and on the file
    page.get_by_role("navigation", name="Status").get_by_role("link", name="Failed").click()
    page.get_by_role("link", name="no-such-columns.csv").click()
    # THEN two clicks have led to the cause, in words: in sight, without a scroll or another click
    cause = page.locator("#execution-error")
    expect(cause).to_be_in_viewport()
    expect(cause).to_contain_text("MissingColumnError")
    expect(cause).to_contain_text("The file lacks 'year', 'month', 'day'")
    expect(cause).to_contain_text("its header has 'a', 'b'")
    expect(cause).to_contain_text("correct the file")
    # AND the third to what the file can be replayed from
    cause.get_by_role("link", name="Open its dead letter").click()
    expect(page.get_by_role("heading", name="Replay", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=site.runs.failed)).to_be_visible()


def test_a_good_run_is_seen_state_by_state(page: Page) -> None:
    page.goto("/executions?status=succeeded")
    page.get_by_role("link", name="good.csv").click()

    states = page.get_by_role("region", name="States that were visited").get_by_role("row")
    for name in ("Validate", "Clean", "Transform", "Enrich", "Write"):
        row = states.filter(has=page.get_by_role("link", name=name, exact=True))
        expect(row).to_contain_text("succeeded")
        expect(row.get_by_role("cell").nth(3)).to_have_text("20")
    expect(page.locator("#graph svg")).to_be_visible()
    expect(page.locator("#execution-error")).to_have_count(0)


def test_rejected_rows_are_found_by_their_rule(page: Page) -> None:
    # GIVEN a file of which 4 rows broke rules, two of them that of `month`
    page.goto("/executions?status=rejects")
    page.get_by_role("link", name="rejects.csv").click()
    page.get_by_role("link", name="See the rejected rows").click()
    rows = page.get_by_role("region", name="Rejected rows")
    expect(rows).to_contain_text("far")
    # WHEN they are filtered by this column
    filters = page.get_by_role("navigation", name="Filter the rejected rows")
    filters.get_by_role("link", name=re.compile("month")).first.click()
    # THEN these two are left, with the values that broke it
    expect(rows).to_contain_text("13")
    expect(rows).to_contain_text("14")
    expect(rows).not_to_contain_text("far")


def test_a_failure_with_retries_shows_each_attempt_and_its_pause(page: Page) -> None:
    page.goto("/executions?status=failed")
    page.get_by_role("link", name="vanished.csv").click()

    expect(page.locator("#execution-error")).to_contain_text("ObjectNotVisibleError")
    attempts = page.get_by_role("region", name="Attempts").locator("tbody").get_by_role("row")
    # The state machine allows two retries of what may pass by itself.
    expect(attempts).to_have_count(3)
    for number in range(3):
        expect(attempts.nth(number)).to_contain_text("ObjectNotVisibleError")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_dead_letter_is_replayed_after_a_question(
    open_page: OpenPage, site: Site, script: bool
) -> None:
    # GIVEN a dead letter about a file that has arrived since
    name = letter_of_a_late_file(site, "late-with.csv" if script else "late-without.csv")
    page = open_page(script=script)
    page.goto(f"/dead-letters/{name}")
    # WHEN somebody asks for the replay, nothing happens until they have confirmed it
    page.get_by_role("button", name="Replay…").click()
    expect(page.get_by_role("heading", name="Replay 1 dead letter?")).to_be_visible()
    page.get_by_role("button", name="Replay", exact=True).click()
    # THEN its result is shown, and the letter is gone
    expect(page.locator("#action")).to_contain_text("Done")
    expect(page.locator("#action").get_by_role("link").first).to_be_visible()
    page.goto("/dead-letters")
    expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()
    expect(page.locator(f'input[value="{name}"]')).to_have_count(0)


def test_a_file_is_chosen_uploaded_and_watched_to_its_end(
    page: Page, site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "chosen.csv"
    file.write_bytes(flights(flight(1), flight(2), flight(3)))
    page.goto("/executions")
    box = page.get_by_role("form", name="Upload a file")
    box.get_by_label("File", exact=True).set_input_files(file)
    box.get_by_label("Dataset").select_option("flights")
    box.get_by_role("button", name="Upload").click()

    page.wait_for_url(f"{site.url}/executions/*", timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("chosen.csv")
    expect(page.locator("#execution-head")).to_contain_text("Succeeded", timeout=60_000)
    expect(page.locator("#execution-head")).to_contain_text("3 read = 3 written")


def test_a_file_is_dropped_onto_the_page(page: Page, site: Site) -> None:
    page.goto("/executions")
    page.wait_for_load_state("networkidle")
    dropped = page.evaluate_handle(
        """(text) => {
            const held = new DataTransfer();
            held.items.add(new File([text], "flights-dropped.csv", {type: "text/csv"}));
            return held;
        }""",
        flights(flight(1)).decode(),
    )
    page.get_by_label("Dataset").first.select_option("flights")
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": dropped})

    box = page.get_by_role("form", name="Upload a file")
    if page.url == f"{site.url}/executions":
        box.get_by_role("button", name="Upload").click()
    page.wait_for_url(f"{site.url}/executions/*", timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("flights-dropped.csv")
