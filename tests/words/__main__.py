"""`make docs`: write the reference's tables into docs/datasets.md."""

from __future__ import annotations

from tests.words.reference import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
