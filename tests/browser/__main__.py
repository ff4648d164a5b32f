"""`make screenshots`: pictures of a real console for README.md and docs/console.md.

Names of executions and times are those of the day; all else comes out the same.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image
from playwright.sync_api import sync_playwright

from cli.samples import write_samples
from tests.browser.browsing import HEIGHT, PROJECT, WIDE, launched
from tests.browser.site import start_vanished, wait_for_end
from tests.end_to_end.cloud import Cloud

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playwright.sync_api import Browser

DOCS: Final = PROJECT / "docs"
COLOURS: Final = 160
"""Enough for pages of text; it makes a picture a third as large."""

ROWS: Final = 2_500
EVERY: Final = 300
SPOILT: Final[Sequence[Mapping[str, str]]] = (
    {"month": "13"},
    {"dep_time": "5h17"},
    {"origin": ""},
    {"distance": "-229"},
)
"""What a careless source makes of some rows, in turn; no rule lets it through."""


@dataclass(frozen=True)
class Picture:
    """A picture `docs/console-NAME.png`: a page's address, and how it is looked at."""

    name: str
    path: str
    height: int = HEIGHT
    dark: bool = False


def careless(file: Path) -> bytes:
    """Return the first rows of a CSV file, some of them spoilt."""
    header, *lines = file.read_text("utf-8").splitlines()[: ROWS + 1]
    names = header.split(",")
    for turn, number in enumerate(range(EVERY, len(lines), EVERY)):
        cells = dict(zip(names, lines[number].split(","), strict=True))
        lines[number] = ",".join((cells | SPOILT[turn % len(SPOILT)]).values())
    return "\n".join([header, *lines, ""]).encode()


def pictures(cloud: Cloud, folder: Path) -> list[Picture]:
    """Run files, good ones and bad, and say what is to be seen of them."""
    samples = {file.stem: file for file in write_samples(folder)}
    retried = start_vanished(cloud, "input/weather/2013-02.jsonl")
    for dataset in ("penguins", "countries", "timezones"):
        file = samples[dataset]
        cloud.run(f"input/{dataset}/{file.name}", file.read_bytes())
    failed = cloud.run("input/penguins/penguins-2014.csv", b"species,island\nAdelie,Dream\n")
    cloud.run("input/weather/2013.jsonl", samples["weather"].read_bytes())
    wait_for_end(cloud, retried)
    rejects = cloud.run("input/flights/2013-01.csv", careless(samples["flights"])).name
    return [
        Picture("executions", "/executions", height=560),
        Picture("execution", f"/executions/{rejects}?state=Validate"),
        Picture("dark", f"/executions/{rejects}?state=Write", dark=True),
        Picture("rows", f"/executions/{rejects}/rows"),
        Picture("failed", f"/executions/{failed.name}"),
        Picture("dataset", "/datasets/flights"),
    ]


def take(picture: Picture, browser: Browser, url: str) -> None:
    """Take a picture of a page that has come to rest, with few colours."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": WIDE, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    answer = page.goto(picture.path)
    assert answer is not None, picture.path
    assert answer.ok, f"{picture.path}: {answer.status}"
    page.wait_for_load_state("networkidle")
    taken = Image.open(BytesIO(page.screenshot(animations="disabled")))
    few = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(DOCS / f"console-{picture.name}.png", optimize=True)
    context.close()


def main() -> None:
    """Bring a console up, take its pictures, and stop it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        cloud = Cloud(Path(folder))
        try:
            cloud.start(console=True)
            taken = pictures(cloud, Path(folder) / "data")
            browser = launched(playwright)
            for picture in taken:
                take(picture, browser, cloud.status["console_url"])
                print(DOCS / f"console-{picture.name}.png")
            browser.close()
        finally:
            cloud.stop()


if __name__ == "__main__":
    main()
