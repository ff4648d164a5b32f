"""Which column of the output is which one of the file."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cli.report.columns import column_records
from tests.unit.cli.report_samples import column, profile

FILE, PLANES = "input/flights/f.csv", "datasets/flights/lookups/planes.csv"


def lineage(file_columns: list[str], **outputs: list[tuple[str, str, str]]) -> dict[str, Any]:
    """An event: for each output column its sources as (dataset, field, `TYPE/SUBTYPE`)."""
    fields = {
        name: {
            "inputFields": [
                {
                    "name": dataset,
                    "field": field,
                    "transformations": [
                        dict(zip(("type", "subtype"), how.split("/"), strict=True))
                    ],
                }
                for dataset, field, how in sources
            ]
        }
        for name, sources in outputs.items()
    }
    schema = {"fields": [{"name": name} for name in file_columns]}
    return {
        "inputs": [{"name": FILE, "facets": {"schema": schema}}, {"name": PLANES, "facets": {}}],
        "outputs": [{"facets": {"columnLineage": {"fields": fields}}}],
    }


def told(before: list[str], after: list[str], event: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """What has become of each column: word, sources, whether it was there before and after."""
    profiles = {
        "validate": profile("validate", *map(column, before)),
        "write": profile("write", *map(column, after)),
    }
    records = column_records(profiles, event)
    return {
        record["name"]: (
            record["became"],
            record["made_of"],
            bool(record["before"]),
            bool(record["after"]),
        )
        for record in records
    }


SAME, MADE, DECIDED = "DIRECT/IDENTITY", "DIRECT/TRANSFORMATION", "INDIRECT/CONDITIONAL"


def test_untouched_and_changed_columns_keep_their_names() -> None:
    event = lineage(["id", "city"], id=[(FILE, "id", SAME)], city=[(FILE, "city", MADE)])

    found = told(["id", "city"], ["id", "city"], event)

    assert found == {"id": ("kept", [], True, True), "city": ("changed", [], True, True)}


def test_a_renamed_column_stands_beside_what_it_was() -> None:
    event = lineage(["dep"], departure=[(FILE, "dep", SAME)])

    assert told(["dep"], ["departure"], event) == {"departure": ("renamed", ["dep"], True, True)}


def test_the_files_own_names_are_those_of_the_contract() -> None:
    event = lineage(["Date Egg"], laid=[(FILE, "Date Egg", SAME)])

    assert told(["egg_date"], ["laid"], event) == {"laid": ("renamed", ["egg_date"], True, True)}


def test_a_copy_of_a_column_that_is_still_there_is_derived() -> None:
    event = lineage(["dep"], dep=[(FILE, "dep", SAME)], copy=[(FILE, "dep", SAME)])

    assert told(["dep"], ["dep", "copy"], event)["copy"] == ("derived", ["dep"], False, True)


def test_derived_looked_up_and_added_columns_have_no_before() -> None:
    event = lineage(
        ["km", "h"],
        speed=[(FILE, "km", MADE), (FILE, "h", MADE)],
        is_far=[(FILE, "km", DECIDED)],
        seats=[(PLANES, "seats", SAME), (FILE, "h", "INDIRECT/JOIN")],
    )

    found = told(["km", "h"], ["speed", "is_far", "seats", "status"], event)

    assert found == {
        "speed": ("derived", ["km", "h"], False, True),
        "is_far": ("derived", ["km"], False, True),
        "seats": ("looked up", ["planes"], False, True),
        "status": ("added", [], False, True),
        "km": ("dropped", ["speed", "is_far"], True, False),
        "h": ("dropped", ["speed"], True, False),
    }


def test_without_lineage_names_decide() -> None:
    assert told(["a", "b"], ["b", "c"], {}) == {
        "b": ("kept", [], True, True),
        "c": ("added", [], False, True),
        "a": ("dropped", [], True, False),
    }


def test_of_a_run_without_output_nothing_is_dropped() -> None:
    records = column_records({"validate": profile("validate", column("a"))}, {})

    assert [(record["name"], record["became"]) for record in records] == [("a", "read")]


names = st.lists(st.sampled_from("abcdefgh"), unique=True)
sources = st.lists(
    st.tuples(
        st.sampled_from([FILE, PLANES]),
        st.sampled_from("abcdefgh"),
        st.sampled_from([SAME, MADE, DECIDED]),
    ),
    max_size=3,
)


@given(before=names, after=names, origins=st.dictionaries(st.sampled_from("abcdefgh"), sources))
def test_every_column_is_told_once_on_each_side(
    before: list[str], after: list[str], origins: dict[str, Any]
) -> None:
    profiles = {
        "validate": profile("validate", *map(column, before)),
        "write": profile("write", *map(column, after)),
    }

    records = column_records(profiles, lineage(before, **origins))

    assert sorted(one["before"]["name"] for one in records if one["before"]) == sorted(before)
    if after:
        assert [one["after"]["name"] for one in records if one["after"]] == after


def test_what_a_profile_does_not_tell_is_none() -> None:
    records = column_records({"validate": profile("validate", {"name": "a"})}, {})

    assert set(records[0]["before"].values()) == {"a", None}
