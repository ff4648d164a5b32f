"""What the runbook says about an error."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from cli.paths import PROJECT

RUNBOOK: Final = PROJECT / "docs" / "runbook.md"
SECTION: Final = re.compile(r"^### (?P<title>.+)\n(?P<text>(?:(?!#).*\n?)*)", re.MULTILINE)
CODE: Final = re.compile(r"`([^`]+)`", re.DOTALL)
LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")


class Piece(NamedTuple):
    """A part of a paragraph; code is what one types, or the name of something."""

    text: str
    is_code: bool


def runbook_section(error: str) -> list[list[Piece]]:
    """Return the paragraphs of an error's section; none, if the runbook does not know it."""
    paragraphs = _sections().get(error, "").split("\n\n")
    return [_pieces(" ".join(each.split())) for each in paragraphs if each.strip()]


def _pieces(paragraph: str) -> list[Piece]:
    """Take a paragraph's code apart from its words; links become words."""
    parts = CODE.split(LINK.sub(r"\1", paragraph))
    return [Piece(part, bool(n % 2)) for n, part in enumerate(parts) if part]


@cache
def _sections() -> dict[str, str]:
    if not RUNBOOK.is_file():
        return {}
    found = SECTION.finditer(RUNBOOK.read_text(encoding="utf-8"))
    return {section["title"].strip(): section["text"] for section in found}
