"""Every word of the dataset language does what its cases say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.authoring.dataset import compiled_dataset
from tests.words.cases import Case, all_cases
from tests.words.compared import part_of, same_row
from tests.words.dataset import DATASET, write_dataset
from tests.words.outcome import Outcome, outcome_of, upload_lookups

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.authoring.yaml_source import Finding
    from pipeline.plan import Plan
    from tests.handlers.cloud import Cloud

CASES = all_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_word(case: Case, tmp_path: Path, deployed: Callable[[Path], Cloud]) -> None:
    # GIVEN
    folder = tmp_path / "datasets" / DATASET
    write_dataset(case, folder)
    compiled = compiled_dataset(folder)
    assert_notes(case, compiled.findings)
    if "check" in case.said:
        assert_refused(case, compiled.findings)
        return
    plan = compiled.plan
    assert plan is not None, "\n".join(map(str, compiled.findings))

    # WHEN
    cloud = deployed(folder.parent)
    upload_lookups(case)
    outcome = outcome_of(case, cloud)

    # THEN
    assert_ended(case, outcome)
    assert_rows(case, outcome, plan)
    assert_records(case, outcome)


def assert_notes(case: Case, findings: tuple[Finding, ...]) -> None:
    """What `pipeline check` says without being in the way."""
    said = [finding.message for finding in findings if finding.severity != "error"]
    for note in listed(case.said.get("notes", [])):
        assert any(note in message for message in said), f"no note says {note!r}: {said}"


def assert_refused(case: Case, findings: tuple[Finding, ...]) -> None:
    """`pipeline check` names what is wrong, and where."""
    errors = [finding for finding in findings if finding.severity == "error"]
    told = "\n".join(map(str, errors)) or "no error at all"
    for part in listed(case.said["check"]):
        assert any(part in str(error) for error in errors), f"no error says {part!r}:\n{told}"
    if at := case.said.get("at"):
        places = [f"{error.file.rsplit('/', 1)[-1]}:{error.line}" for error in errors]
        assert at in places, told


def assert_ended(case: Case, outcome: Outcome) -> None:
    """The run has failed as it should, or not at all."""
    name = type(outcome.error).__name__ if outcome.error else None
    assert name == case.said.get("error"), f"{name}: {outcome.error}"
    assert case.said.get("message", "") in str(outcome.error)


def assert_rows(case: Case, outcome: Outcome, plan: Plan) -> None:
    """The rows written, in order; the text of the files."""
    if "rows" in case.said:
        found, expected = outcome.rows(plan), case.said["rows"]
        fits = len(found) == len(expected) and all(map(same_row, found, expected))
        assert fits, told_apart("rows written", found, expected)
    if "output" in case.said:
        assert outcome.text == case.said["output"]


def assert_records(case: Case, outcome: Outcome) -> None:
    """Rows set aside, values repaired, and what the summary and the report say of them."""
    said = case.said
    if "error" not in said or "rejects" in said:
        assert_list("rejects", outcome.rejects, said.get("rejects", []))
    if "repairs" in said:
        assert_list("repairs", outcome.repairs, said["repairs"])
    for word, found in {
        "counts": outcome.run.get("rows"),
        "run": outcome.run,
        "report": outcome.report,
    }.items():
        assert part_of(said.get(word, {}), found or {}), told_apart(word, found, said[word])


def assert_list(what: str, found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """The records, each with at least what the case says of it."""
    assert part_of(expected, found), told_apart(what, found, expected)


def told_apart(what: str, found: Any, expected: Any) -> str:
    """What was found and what was expected, one under the other."""

    def lines(document: Any) -> str:
        many = document if isinstance(document, list) else [document]
        return "\n".join(f"  {one}" for one in many) or "  none"

    return f"{what}: found\n{lines(found)}\nexpected\n{lines(expected)}"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
