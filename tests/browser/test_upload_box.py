"""The form that takes a file, where it stands above a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import NARROW

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage


@pytest.mark.parametrize("script", [True, False])
def test_in_a_narrow_window_it_is_one_line_until_a_file_is_chosen(
    open_page: OpenPage, script: bool
) -> None:
    page = open_page(width=NARROW, script=script)
    page.goto("/executions")
    form = page.get_by_role("form", name="Upload a file")
    box = form.bounding_box()
    assert box is not None
    assert box["height"] < 60
    file = {"name": "flights.csv", "mimeType": "text/csv", "buffer": b"a\n"}
    form.get_by_label("File", exact=True).set_input_files([file])
    expect(form.get_by_role("button", name="Upload", exact=True)).to_be_visible()
    expect(form.get_by_label("Dataset")).to_be_visible()
