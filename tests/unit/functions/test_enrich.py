"""Enrich: lookups joined by key, rows stamped."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from functions.enrich.core import EnrichState, enrich
from pipeline.errors import LookupMissError, LookupNotFoundError
from pipeline.frames import batch_of
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from pipeline.plan import Plan
    from tests.unit.functions.conftest import PlanOf

COLUMNS = """
- {name: origin, logicalType: string}
- {name: day, logicalType: date}
- {name: n, logicalType: integer}
"""
AIRPORTS = "faa,city,lat\nJFK,New York,40.6\nEWR,Newark,40.7\n"


def departures(origin: list[Any], **more: list[Any]) -> pd.DataFrame:
    """Transformed rows; None where a value is missing."""
    types = {"day": pa.date32(), "n": pa.int64()}
    columns = {"origin": pd.array(origin, dtype=pd.ArrowDtype(pa.string()))}
    for name, kind in types.items():
        values = more.get(name, [None] * len(origin))
        columns[name] = pd.array(values, dtype=pd.ArrowDtype(kind))
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def with_policy(plan_of: PlanOf) -> Any:
    """Plan with the lookup airports under a policy for missing keys."""

    def plan(policy: str) -> Plan:
        return plan_of(
            COLUMNS,
            f"""
            enrich:
              - lookup: airports
                on: {{origin: faa}}
                add: {{city: city, latitude: lat}}
                when_missing: {policy}
            """,
            lookups={"airports": AIRPORTS},
        )

    return plan


def test_rows_get_the_columns_of_the_row_that_has_their_key(with_policy: Any) -> None:
    # GIVEN
    plan = with_policy("keep")

    # WHEN
    result = enrich(departures(["EWR", "JFK", "EWR"]), plan)

    # THEN in the order of the rows
    assert result.frame["city"].tolist() == ["Newark", "New York", "Newark"]
    assert result.frame["latitude"].tolist() == [40.7, 40.6, 40.7]
    assert result.notes == {"airports": {"matched": 3, "unmatched": 0, "missing_key": 0}}


def test_keep_leaves_nulls_and_counts_why(with_policy: Any) -> None:
    # GIVEN a key that is in no row, and a row without a key
    plan = with_policy("keep")

    # WHEN
    result = enrich(departures(["JFK", "XXX", None]), plan)

    # THEN
    assert result.frame["city"].tolist() == ["New York", pd.NA, pd.NA]
    assert result.frame["origin"].tolist() == ["JFK", "XXX", pd.NA]
    assert result.notes["airports"] == {"matched": 1, "unmatched": 1, "missing_key": 1}
    assert (result.rejects, result.counts.dropped_by_lookup) == ([], 0)


def test_reject_sends_rows_to_the_quarantine_with_their_key(with_policy: Any) -> None:
    # GIVEN
    plan = with_policy("reject")

    # WHEN
    result = enrich(departures(["JFK", "XXX", None], n=[1, 2, 3]), plan)

    # THEN
    assert result.frame["n"].tolist() == [1]
    assert result.counts.dropped_by_lookup == 2
    unknown, keyless = (reject.to_json() for reject in result.rejects)
    assert (unknown["row_number"], unknown["column"], unknown["rule"]) == (2, "origin", "lookup")
    assert unknown["value"] == "XXX"
    assert unknown["message"] == "the key is in no row of the lookup airports"
    assert unknown["raw"] == {"origin": "XXX", "day": None, "n": 2}
    assert (keyless["row_number"], keyless["value"]) == (3, None)


def test_fail_names_the_first_row_and_its_key(with_policy: Any) -> None:
    # GIVEN
    plan = with_policy("fail")

    # WHEN
    with pytest.raises(LookupMissError, match=r"Row 2 .*'XXX'.* airports"):
        enrich(departures(["JFK", "XXX", "YYY"]), plan)

    # THEN a file whose keys are all there goes through
    assert len(enrich(departures(["JFK", "EWR"]), plan).frame) == 2


RATES = """origin,day,rate
JFK,2024-01-01,1.5
JFK,2024-01-02,2.5
EWR,2024-01-01,3.5
"""


def test_composite_key_matches_only_as_a_whole(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        COLUMNS,
        "enrich: [{lookup: rates, on: {origin: origin, day: day}, add: {rate: rate}}]",
        lookups={"rates": RATES},
    )
    first, second = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
    frame = departures(
        ["JFK", "JFK", "EWR", "EWR", "LGA", None, "JFK"],
        day=[first, second, first, second, first, first, None],
    )

    # WHEN
    result = enrich(frame, plan)

    # THEN both parts are known in the fourth row, and yet not together
    assert result.frame["rate"].tolist() == [1.5, 2.5, 3.5, pd.NA, pd.NA, pd.NA, pd.NA]
    assert result.notes["rates"] == {"matched": 3, "unmatched": 2, "missing_key": 2}


@pytest.mark.parametrize(("which", "city"), [("first", "New York"), ("last", "Queens")])
def test_lookup_never_multiplies_rows(plan_of: PlanOf, which: str, city: str) -> None:
    # GIVEN a lookup in which a key stands twice, and a row without a key
    plan = plan_of(
        COLUMNS,
        f"""
        enrich:
          - {{lookup: airports, on: {{origin: faa}}, add: {{city: city}}, duplicate_keys: {which}}}
        """,
        lookups={"airports": AIRPORTS + "JFK,Queens,40.6\n,Nowhere,0\n,Nowhere else,0\n"},
    )

    # WHEN
    result = enrich(departures(["JFK", "EWR", None]), plan)

    # THEN a missing key does not match a missing key
    assert result.frame["city"].tolist() == [city, "Newark", pd.NA]


CHAINED = """
enrich:
  - lookup: airports
    on: {origin: faa}
    add: {city: city}
  - lookup: states
    on: {city: city}
    add: {state: state}
    when_missing: POLICY
"""


def test_lookup_may_use_a_column_of_the_one_before(plan_of: PlanOf) -> None:
    # GIVEN
    states = {"airports": AIRPORTS, "states": "city,state\nNew York,NY\n"}
    plan = plan_of(COLUMNS, CHAINED.replace("POLICY", "reject"), lookups=states)

    # WHEN
    result = enrich(departures(["JFK", "EWR"], n=[1, 2]), plan)

    # THEN the quarantine names the key that was looked for, and the row as it came
    assert result.frame["state"].tolist() == ["NY"]
    record = result.rejects[0].to_json()
    assert (record["column"], record["value"]) == ("city", "Newark")
    assert record["raw"] == {"origin": "EWR", "day": None, "n": 2}


def test_fail_names_a_key_that_a_lookup_before_has_added(plan_of: PlanOf) -> None:
    # GIVEN
    states = {"airports": AIRPORTS, "states": "city,state\nNew York,NY\n"}
    plan = plan_of(COLUMNS, CHAINED.replace("POLICY", "fail"), lookups=states)

    # WHEN, THEN
    with pytest.raises(LookupMissError, match="Newark"):
        enrich(departures(["EWR"]), plan)


def test_row_that_misses_two_lookups_is_one_reject(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        COLUMNS,
        """
        enrich:
          - {lookup: airports, on: {origin: faa}, add: {city: city}, when_missing: reject}
          - {lookup: numbers, on: {n: n}, add: {word: word}, when_missing: reject}
        """,
        lookups={"airports": AIRPORTS, "numbers": "n,word\n1,one\n"},
    )

    # WHEN
    result = enrich(departures(["JFK", "XXX", "XXX"], n=[1, 2, 1]), plan)

    # THEN
    assert result.counts.dropped_by_lookup == 2
    assert [len(reject.violations) for reject in result.rejects] == [2, 1]
    assert result.frame["word"].tolist() == ["one"]


def test_column_may_be_replaced_by_the_lookups(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        COLUMNS,
        """
        enrich:
          - {lookup: airports, on: {origin: faa}, add: {origin: city}, conflict: replace}
        """,
        lookups={"airports": AIRPORTS},
    )

    # WHEN
    result = enrich(departures(["JFK"]), plan)

    # THEN
    assert result.frame["origin"].tolist() == ["New York"]
    assert list(result.frame.columns) == ["origin", "day", "n", "processed_date", "status"]


def test_reject_shows_the_key_although_the_lookup_replaces_its_column(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        COLUMNS,
        """
        enrich:
          - lookup: airports
            on: {origin: faa}
            add: {origin: city}
            conflict: replace
            when_missing: reject
        """,
        lookups={"airports": AIRPORTS},
    )

    # WHEN
    result = enrich(departures(["XXX"]), plan)

    # THEN
    assert [reject.violations[0].value for reject in result.rejects] == ["XXX"]


def test_every_row_is_stamped_with_the_runs_moment(with_policy: Any) -> None:
    # GIVEN
    plan = with_policy("keep")
    moment = dt.datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=dt.UTC)

    # WHEN
    result = enrich(departures(["JFK", "XXX"]), plan, EnrichState(plan, processed_at=moment))

    # THEN
    assert result.frame["processed_date"].tolist() == [pd.Timestamp(moment)] * 2
    assert result.frame["status"].tolist() == ["processed"] * 2


def test_without_a_moment_it_is_the_epoch(with_policy: Any) -> None:
    # WHEN, so that tests and notebooks repeat their results
    result = enrich(departures(["JFK"]), with_policy("keep"))

    # THEN
    assert result.frame["processed_date"].tolist() == [pd.Timestamp("1970-01-01T00:00:00Z")]


@pytest.mark.parametrize("policy", ["keep", "reject", "fail"])
def test_no_rows_come_out_with_all_columns(with_policy: Any, policy: str) -> None:
    # GIVEN
    plan = with_policy(policy)

    # WHEN
    result = enrich(departures([]), plan)

    # THEN
    types = {name: str(kind.pyarrow_dtype) for name, kind in result.frame.dtypes.items()}
    assert types == {**plan.schemas["enrich"], "day": "date32[day]"}
    assert result.notes["airports"] == {"matched": 0, "unmatched": 0, "missing_key": 0}


BUCKET = """
enrich:
  - lookup: airports
    prefix: lookups/airports/
    columns: {faa: string, city: string}
    on: {origin: faa}
    add: [city]
  - constants: {checked: true, by: us}
  - context: {row: row_number, file: source_file, at: uploaded_at}
"""


def test_a_lookup_of_the_bucket_is_handed_over(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, BUCKET)
    table = pa.table({"faa": ["JFK"], "city": ["New York"]})

    # WHEN
    state = EnrichState(plan, tables={"airports": table})
    result = enrich(departures(["JFK", "EWR"]), plan, state)

    # THEN facts about a run that there is not are empty
    assert result.frame["city"].tolist() == ["New York", pd.NA]
    assert result.frame["checked"].tolist() == [True, True]
    assert result.frame["by"].tolist() == ["us", "us"]
    assert result.frame["row"].tolist() == [1, 2]
    assert result.frame["file"].tolist() == ["", ""]
    assert result.frame["at"].tolist() == [pd.Timestamp("1970-01-01T00:00:00Z")] * 2


def test_batches_of_any_length_have_their_own_single_values(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, BUCKET)
    table = pa.table({"faa": ["JFK"], "city": ["New York"]})
    state = EnrichState(plan, tables={"airports": table})
    numbers = [range(1, 3), range(3, 8), range(8, 9), range(9, 9), range(9, 12)]

    for numbered in numbers:
        # WHEN
        batch = batch_of(departures(["JFK"] * len(numbered)))
        rows = pa.array(numbered, pa.int64())
        batch = batch.set_column(batch.schema.get_field_index(ROW_NUMBER), ROW_NUMBER, rows)
        made = enrich.arrow(batch, plan, state).frame

        # THEN
        assert made.column("row").to_pylist() == list(numbered)
        assert made.column("by").to_pylist() == ["us"] * len(numbered)
        assert made.column("status").to_pylist() == ["processed"] * len(numbered)


def test_a_lookup_of_the_bucket_that_is_not_handed_over_is_told(plan_of: PlanOf) -> None:
    with pytest.raises(LookupNotFoundError, match="EnrichState"):
        enrich(departures(["JFK"]), plan_of(COLUMNS, BUCKET))
