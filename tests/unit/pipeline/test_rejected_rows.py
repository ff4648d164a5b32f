from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.findings import Findings, Violation
from pipeline.rejected_rows import RejectedRows, in_order, rejected_rows
from pipeline.rules import Reason

CELLS = {"a": pa.array(["x", "y", "z"]), "n": pa.array(["1", "2", "3"])}


def masked(*rows: bool) -> pa.Array:
    return pa.array(rows)


def made() -> RejectedRows:
    findings = Findings()
    findings.add(("n",), Reason.MINIMUM, 3, masked(False, True, True))
    findings.add(("a",), Reason.PATTERN, "^z", masked(True, True, False))
    findings.add(("a", "n"), Reason.UNIQUE, "a, n", masked(False, False, True))
    return rejected_rows(findings, pa.array([10, 20, 30]), CELLS, CELLS)


def test_each_bad_row_is_rejected_once_with_all_its_violations() -> None:
    rejects = made()

    assert [reject.row_number for reject in rejects] == [10, 20, 30]
    assert [[v.rule for v in reject.violations] for reject in rejects] == [
        ["pattern"],
        ["minimum", "pattern"],
        ["minimum", "unique"],
    ]
    assert rejects[1].raw == {"a": "y", "n": "2"}


def test_a_violation_names_column_value_and_rule_in_words() -> None:
    (first, _) = made()[1].violations

    assert first == Violation("n", "minimum", "2", "must be at least 3")


def test_a_violation_of_several_columns_has_all_their_values() -> None:
    violation = made()[2].violations[1]

    assert (violation.column, violation.value) == ("a, n", ["z", "3"])


def test_the_record_repeats_its_first_violation_at_the_top() -> None:
    record = made()[1].to_json()

    assert {key: record[key] for key in ("row_number", "column", "rule", "value", "message")} == {
        "row_number": 20,
        "column": "n",
        "rule": "minimum",
        "value": "2",
        "message": "must be at least 3",
    }
    assert [violation["rule"] for violation in record["violations"]] == ["minimum", "pattern"]
    assert record["raw"] == {"a": "y", "n": "2"}


def test_rows_are_looked_at_by_position() -> None:
    rejects = made()

    assert rejects[-1].row_number == 30
    assert [reject.row_number for reject in rejects[1:]] == [20, 30]


def test_values_of_a_key_stand_as_the_file_has_them() -> None:
    file = {10 * at: {"A": "z", "n": at} for at in (1, 2, 3)}

    rejects = made().with_raw(file.__getitem__, {"a": "A", "n": "n"})

    assert [violation.value for violation in rejects[2].violations] == [3, ["z", 3]]


def test_rules_are_counted_by_rows_in_the_order_of_their_first_ones() -> None:
    findings = Findings()
    findings.add(("n",), Reason.MINIMUM, 3, masked(False, True, True))
    findings.add(("n",), Reason.MINIMUM, 4, masked(False, True, False))
    findings.add(("a",), Reason.PATTERN, "^z", masked(True, True, False))
    counts = rejected_rows(findings, pa.array([10, 20, 30]), CELLS, CELLS).rule_counts()

    assert list(counts.items()) == [(("a", "pattern"), 2), (("n", "minimum"), 2)]


@pytest.mark.parametrize(
    "steps", [[], [[1, 2, 2]], [[3, 1, 2]], [[1, 4], [2, 4]]], ids=["none", "one", "mixed", "two"]
)
def test_rejects_of_steps_are_in_the_order_of_their_rows(steps: list[list[int]]) -> None:
    columns = [pa.array(numbers, pa.int64()) for numbers in steps]
    rejects = []
    for step, numbers in enumerate(columns):
        findings = Findings()
        findings.add(("n",), Reason.REQUIRED, None, masked(*[True] * len(numbers)))
        of_step = pa.array([step] * len(numbers), pa.int64())
        rejects.append(rejected_rows(findings, numbers, {"n": of_step}, {"n": of_step}))

    found = [(one.row_number, one.raw["n"]) for one in in_order(rejects)]

    rows = [(number, step) for step, numbers in enumerate(steps) for number in numbers]
    assert found == sorted(rows, key=lambda row: row[0])
