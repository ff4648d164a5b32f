from __future__ import annotations

import pyarrow as pa

from pipeline.findings import Findings, Reject, Violation, rule_counts
from pipeline.rules import Reason


def masked(*rows: bool) -> pa.Array:
    return pa.array(rows)


def test_rules_that_nobody_broke_are_forgotten() -> None:
    findings = Findings()
    findings.add(("a",), Reason.PATTERN, "x", masked(False, False))

    assert findings.bad() is None
    assert findings.masked == []


def test_bad_rows_are_those_of_any_rule() -> None:
    findings = Findings()
    findings.add(("a",), Reason.PATTERN, "x", masked(True, False, False))
    findings.add(("n",), Reason.MINIMUM, 1, masked(False, False, True))

    bad = findings.bad()
    assert bad is not None
    assert bad.to_pylist() == [True, False, True]


def test_rules_are_counted_by_rows_not_by_violations() -> None:
    twice = Violation("a", "pattern", "x", "must match y")
    other = Violation("n", "minimum", "0", "must be at least 1")
    rejects = [Reject(1, (twice, twice, other), None), Reject(2, (twice,), None)]

    assert rule_counts(rejects) == {("a", "pattern"): 2, ("n", "minimum"): 1}
