"""All pages: their links lead somewhere, and what they tell to type exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("datasets/**/*.md")])
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SHELLS = ("sh", "bash")


@pytest.fixture(params=PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@cache
def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text("utf-8"))


@cache
def anchors(page: Path) -> set[str]:
    """What a link within a page may lead to: GitHub's names of headings, and our own."""
    titles = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    named = set(re.findall(r'<a id="([^"]+)">', prose(page)))
    return named | {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def typed(page: Path) -> list[str]:
    """Commands of a page, each in a line: in code within the text, and in blocks for a shell."""
    blocks = [text for kind, text in FENCE.findall(page.read_text("utf-8")) if kind in SHELLS]
    lines = [line.strip() for text in blocks for line in text.replace("\\\n", " ").splitlines()]
    return [*(" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))), *lines]


def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_verbs_and_their_options_exist(page: Path) -> None:
    for line in typed(page):
        if not line.startswith("pipeline "):
            continue
        words = re.split(r" [|#>&;]", line)[0].split()[1:]
        command: Any = typer.main.get_command(app)
        while words and (known := getattr(command, "commands", None)):
            assert words[0] in known, line
            command = known[words.pop(0)]
        options = {option for given in command.params for option in given.opts} | {"--help"}
        used = {word.partition("=")[0] for word in words if re.match(r"--\w", word)}
        assert used <= options, line


def test_make_s_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in typed(page):
        if line.startswith("make "):
            assert line.split()[1] in targets, line
