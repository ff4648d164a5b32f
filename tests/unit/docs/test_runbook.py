"""The runbook has a section for whatever can fail, and each says what to type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.machine.uncaught import UNCATCHABLE_ERRORS, UNCATCHABLE_STATUSES
from pipeline.errors import PLATFORM_TRANSIENT, PipelineError, leaf_names, leaves

RUNBOOK = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text("utf-8")
NOT_RETRIED = ("Sandbox.Timedout", "States.Timeout", "Lambda.Unknown")
"""Errors of the platform that ADR 0005 does not retry."""
ERRORS = (
    *leaf_names(PipelineError),
    *PLATFORM_TRANSIENT,
    *NOT_RETRIED,
    *UNCATCHABLE_STATUSES,
    *UNCATCHABLE_ERRORS,
)


def sections() -> dict[str, str]:
    parts = re.split(r"^### (.+)$", RUNBOOK, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_its_section_which_says_what_to_type(error: str) -> None:
    assert re.search(r"`(pipeline|npx cdk)\s[^`]+`", sections()[error]), error


def test_no_section_is_about_an_error_that_does_not_exist() -> None:
    named = {title for title in sections() if re.fullmatch(r"\S+(Error|Exception)", title)}
    assert named <= set(ERRORS)


def test_no_section_stands_twice() -> None:
    titles = re.findall(r"^#+ (.+)$", RUNBOOK, flags=re.MULTILINE)
    assert len(titles) == len(set(titles))


def test_errors_stand_under_the_heading_of_their_status() -> None:
    for part in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]:
        heading = part.splitlines()[0]
        status = re.search(r": (400|500)", heading)
        for name in re.findall(r"^### (\w+Error)$", part, flags=re.MULTILINE):
            error = next(leaf for leaf in leaves(PipelineError) if leaf.__name__ == name)
            assert status is not None
            assert error.status_code == int(status.group(1)), name
