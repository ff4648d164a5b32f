"""docs/datasets.md, the tutorial: every command is run, every file written, what it shows is so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tests.end_to_end.cloud import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.copies import Copy

PAGE = (PROJECT / "docs" / "datasets.md").read_text("utf-8")
BLOCK = re.compile(r"(?:`(?P<file>[\w./]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
VARYING = (
    (re.compile(r"\b\d+\.\d s\b"), "N s"),
    (re.compile(r"\b[0-9a-f]{8,32}\b"), "HEX"),
    (re.compile(r" +"), " "),
)


class Step(NamedTuple):
    """Something to type, or a file to write, and what is shown after it."""

    file: str | None
    text: str
    shown: str


def steps() -> Iterator[Step]:
    tutorial = PAGE.split("\n## ")[1]
    blocks = [(found["file"], found["kind"], found["text"]) for found in BLOCK.finditer(tutorial)]
    for at, (file, kind, text) in enumerate(blocks):
        if kind in ("sh", "yaml"):
            after = blocks[at + 1] if at + 1 < len(blocks) else ("", "", "")
            yield Step(file, text, after[2] if after[1] == "text" else "")


def plain(text: str) -> list[str]:
    """Lines without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_tutorial_does_what_it_shows(copy: Copy) -> None:
    for step in steps():
        if step.file is not None:
            (copy.project / step.file).write_text(step.text, "utf-8")
            continue
        printed = "\n".join(plain(copy.shell(step.text)))
        for line in plain(step.shown):  # of a wide table, the left of it is shown
            assert f"\n{line}" in f"\n{printed}", f"{step.text}\nprints\n{printed}"
