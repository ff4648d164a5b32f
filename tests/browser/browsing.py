"""Looking at pages in a real browser: what must never happen, and what must always hold."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright, Response

PROJECT: Final = Path(__file__).resolve().parents[2]
AXE: Final = PROJECT / "node_modules" / "axe-core" / "axe.min.js"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
"""What distributions call the browser."""

WIDE: Final = 1280
NARROW: Final = 400
HEIGHT: Final = 900
ABORTED: Final = "net::ERR_ABORTED"
"""A request that the page itself has given up: another page was opened meanwhile."""


def chromium() -> str:
    """Path of the machine's Chromium: of the variable CHROMIUM, else of PATH.

    Raises
    ------
    AssertionError
        If there is none; it says what to install.
    """
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, (
        "The browser's tests need Chromium. On Debian and Ubuntu: "
        "apt-get install chromium fonts-dejavu-core. Elsewhere, name it: CHROMIUM=/path/to/chromium"
    )
    return found


def launched(playwright: Playwright) -> Browser:
    """Start the machine's Chromium, which then knows no other machine than this one."""
    options = ["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    # As root, as people are in containers, it refuses to run in its sandbox.
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=chromium(), args=options)


@dataclass
class Watch:
    """Notes whatever goes wrong in a page: errors in scripts, failed and foreign requests."""

    origin: str
    problems: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        """Begin to watch a page."""
        page.on("console", lambda said: self._note(said.type in ("error", "warning"), said.text))
        page.on("pageerror", lambda error: self._note(True, f"uncaught: {error}"))
        page.on("request", lambda request: self._foreign(request.url))
        page.on("response", self._answered)
        page.on(
            "requestfailed",
            lambda request: self._note(request.failure != ABORTED, f"no answer: {request.url}"),
        )

    def _note(self, wrong: bool, what: str) -> None:
        if wrong:
            self.problems.append(what)

    def _foreign(self, url: str) -> None:
        own = url.startswith((f"{self.origin}/", "data:", "about:", "blob:"))
        self._note(not own, f"a request to somebody else: {url}")

    def _answered(self, response: Response) -> None:
        self._note(response.status >= 400, f"{response.status}: {response.url}")


def axe(page: Page) -> None:
    """Assert that axe-core finds nothing in the page as it is now."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    assert not found, "\n".join(map(_violation, found))


def _violation(found: dict[str, Any]) -> str:
    places = "; ".join(str(node["target"]) for node in found["nodes"][:5])
    return f"{found['id']}: {found['help']}: {places}"


def scrolls_sideways(page: Page) -> bool:
    """Whether the page as a whole is wider than its window."""
    root = "document.documentElement"
    return bool(page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"))
