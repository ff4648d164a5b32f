from __future__ import annotations

import pyarrow as pa

from pipeline.findings import Findings, Reject, Violation, rule_counts
from pipeline.rules import Reason

CELLS = {"a": ["x", "y", "z"], "n": ["1", "2", "3"]}


def masked(*rows: bool) -> pa.Array:
    return pa.array(rows)


def made() -> list[Reject]:
    findings = Findings()
    findings.add(("n",), Reason.MINIMUM, 3, masked(False, True, True))
    findings.add(("a",), Reason.PATTERN, "^z", masked(True, True, False))
    findings.add(("a", "n"), Reason.UNIQUE, "a, n", masked(False, False, True))
    return findings.rejects(
        pa.array([10, 20, 30]),
        lambda column, row: CELLS[column][row],
        lambda row: {name: cells[row] for name, cells in CELLS.items()},
    )


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


def test_rules_that_nobody_broke_are_forgotten() -> None:
    findings = Findings()
    findings.add(("a",), Reason.PATTERN, "x", masked(False, False))

    assert findings.bad() is None
    assert findings.masked == []


def test_bad_rows_are_those_of_any_rule() -> None:
    findings = Findings()
    findings.add(("a",), Reason.PATTERN, "x", masked(True, False, False))
    findings.add(("n",), Reason.MINIMUM, 1, masked(False, False, True))

    assert findings.bad().to_pylist() == [True, False, True]


def test_rules_are_counted_by_rows_not_by_violations() -> None:
    twice = Violation("a", "pattern", "x", "must match y")
    other = Violation("n", "minimum", "0", "must be at least 1")
    rejects = [Reject(1, (twice, twice, other), None), Reject(2, (twice,), None)]

    assert rule_counts(rejects) == {("a", "pattern"): 2, ("n", "minimum"): 1}
