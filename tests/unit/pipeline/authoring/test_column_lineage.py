"""Column lineage, worked out by hand, and against what changes when a column does."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.authoring.column_lineage import ColumnLineage
from pipeline.authoring.expression_lineage import sources_of
from pipeline.authoring.lineage_sources import IDENTITY, Field, Sources
from pipeline.plan import load_plan
from tests.unit.datasets.pure import processed
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.authoring.dataset import CompiledDataset
    from pipeline.plan import Plan

Told = dict[str, set[str]]

LETTERS = {"IDENTITY": "=", "TRANSFORMATION": "~", "AGGREGATION": "@"}


def told(sources: Sources) -> set[str]:
    """Sources in short: `=a` is a's value, `~a` made of it, `@a` of many; `JOIN lookup.key`."""
    return {
        f"{LETTERS.get(how.subtype, how.subtype + ' ')}{'#' if how.masking else ''}"
        f"{field.dataset + '.' if field.dataset else ''}{field.column}"
        for field, hows in sources.items()
        for how in hows
    }


def lineage(plan: Plan) -> tuple[Told, set[str]]:
    found = ColumnLineage(plan)
    return {name: told(sources) for name, sources in found.columns.items()}, told(found.rows)


def same(*names: str) -> Told:
    return {name: {f"={name}"} for name in names}


def tidied(*names: str) -> Told:
    return {name: {f"~{name}"} for name in names}


def joined(lookup: str, on: dict[str, str], add: dict[str, str]) -> Told:
    keys = {f"JOIN {left}" for left in on} | {f"JOIN {lookup}.{right}" for right in on.values()}
    return {name: {f"={lookup}.{column}"} | keys for name, column in add.items()}


WEATHER_FILE = (
    *("origin", "year", "month", "day", "hour", "temp", "dewp", "humid", "wind_dir"),
    *("wind_speed", "wind_gust", "precip", "pressure", "visib", "time_hour"),
)

EXPECTED: dict[str, tuple[Told, set[str]]] = {
    "flights": (
        {
            **same("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay"),
            **same("arr_time", "sched_arr_time", "arr_delay", "flight", "air_time", "distance"),
            **same("hour", "minute", "time_hour"),
            **tidied("carrier", "tailnum", "origin", "dest"),
            "flight_date": {"~year", "~month", "~day"},
            "cancelled": {"~dep_time"},
            "delay_bucket": {"CONDITIONAL dep_delay"},
            "speed_mph": {"~distance", "~air_time"},
            **joined("airlines", {"carrier": "carrier"}, {"carrier_name": "name"}),
            **joined(
                "airports",
                {"dest": "faa"},
                {
                    "dest_name": "name",
                    "dest_lat": "lat",
                    "dest_lon": "lon",
                    "dest_timezone": "tzone",
                },
            ),
            **joined(
                "planes",
                {"tailnum": "tailnum"},
                {
                    "plane_year": "year",
                    "plane_manufacturer": "manufacturer",
                    "plane_model": "model",
                    "plane_seats": "seats",
                },
            ),
            **joined(
                "weather",
                {"origin": "origin", "time_hour": "time_hour"},
                {name: name for name in ("temp", "humid", "wind_speed", "precip", "visib")},
            ),
        },
        set(),
    ),
    "weather": (
        {
            **tidied("origin"),
            **same("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip"),
            **same("pressure", "visib", "time_hour"),
            "observed_at": {"~year", "~month", "~day", "~hour"},
            "feels_like": {f"~{name}" for name in WEATHER_FILE},  # a Python function's
        },
        {"FILTER origin", "FILTER time_hour"},
    ),
    "penguins": (
        {
            "study": {"~studyName"},
            "sample_number": {"=Sample Number"},
            "species": {"~Species"},
            "region": {"~Region"},
            "island": {"@Island", *(f"GROUP_BY {of}" for of in ("studyName", "Species"))}
            | {"GROUP_BY Individual ID"},
            "stage": {"~Stage"},
            "individual": {"~Individual ID"},
            "clutch_complete": {"=Clutch Completion"},
            "egg_date": {"=Date Egg"},
            "culmen_length_mm": {"=Culmen Length (mm)"},
            "culmen_depth_mm": {"=Culmen Depth (mm)"},
            "flipper_length_mm": {"=Flipper Length (mm)"},
            "body_mass_g": {"=Body Mass (g)"},
            "sex": {"~Sex"},
            "delta_15_n": {"=Delta 15 N (o/oo)"},
            "delta_13_c": {"=Delta 13 C (o/oo)"},
            "comments": {"~Comments"},
            "age": {"~Stage"},
            "nest_stage": {"~Stage"},
            "scientific_name": {"~Species"},
            "nest": {"~Individual ID"},
            "season": {"~Date Egg"},
            "culmen_ratio": {"~Culmen Length (mm)", "~Culmen Depth (mm)"},
        },
        {"SORT Species", "SORT Date Egg", "SORT Sample Number"},
    ),
    "timezones": (
        {
            "zone": {"~zone"},
            "comments": {"~comments"},
            "latitude": {"~coordinates", "CONDITIONAL coordinates"},  # its sign decides
            "longitude": {"~coordinates", "CONDITIONAL coordinates"},
            "continent": {"~zone"},
            "country": {"~countries"},
            "rank": {"~countries"},
            **joined("countries", {"countries": "code"}, {"country_name": "name"}),
        },
        {
            *("JOIN countries", "JOIN countries.code"),  # explode, and a lookup that rejects
            *("SORT countries", "SORT zone"),
        },
    ),
    "countries": (
        {
            "code": {"~cca2"},
            "code3": {"~cca3"},
            "number": {"~ccn3"},
            "olympic_code": {"~cioc"},
            "name": {"~name.common"},
            "official_name": {"~name.official"},
            "german_name": {"~translations.deu.common"},
            "independent": {"=independent"},
            "un_member": {"=unMember"},
            "region": {"~region"},
            "subregion": {"~subregion"},
            "latitude": {"=latlng[0]"},
            "longitude": {"=latlng[1]"},
            "landlocked": {"=landlocked"},
            "area_km2": {"~area"},
            "capital": {"~capital"},
            "currency_codes": {"~currencies"},
            "language_codes": {"~languages"},
            "neighbours": {"~borders"},
        },
        {"SORT cca2"},
    ),
}


@pytest.mark.parametrize("dataset", EXPECTED)
def test_example_dataset(compiled_datasets: Path, dataset: str) -> None:
    assert lineage(load_plan(compiled_datasets, dataset)) == EXPECTED[dataset]


# --- Every kind of step -----------------------------------------------------------------------

STEPS: list[tuple[str, Told, set[str]]] = [
    ("transform: [{filter: a > 1}]", {}, {"FILTER a"}),
    ("transform: [{filter: 'CASE WHEN a > 1 THEN b > 1 END'}]", {}, {"FILTER a", "FILTER b"}),
    ("transform: [{rename: {a: x}}]", {"x": {"=a"}, "a": set()}, set()),
    ("transform: [{select: [a]}]", {"b": set(), "t": set()}, set()),
    ("transform: [{drop: [a]}]", {"a": set()}, set()),
    ("transform: [{cast: {a: VARCHAR}}]", {"a": {"~a"}}, set()),
    ("transform: [{split: {column: t, by: '-', into: [l, r]}}]", {"l": {"~t"}, "t": {"=t"}}, set()),
    (
        "transform: [{explode: {column: t, by: '-', position: at}}]",
        {"t": {"~t"}, "at": {"~t"}},
        {"JOIN t"},
    ),
    (
        "transform: [{unpivot: {columns: [a, b], name: which, value: v}}]",
        {"v": {"~a", "~b"}, "which": {"CONDITIONAL a", "CONDITIONAL b"}, "a": set()},
        {"FILTER a", "FILTER b"},
    ),
    (
        "transform: [{unpivot: {columns: [a, b], name: which, value: v, keep_nulls: true}}]",
        {"v": {"~a", "~b"}, "which": set()},
        set(),
    ),
    # A name is the frame's column, whatever the step makes of it; a new one is the step's.
    ("transform: [{derive: {a: a + b, x: a * 2, y: x + 1}}]", {"x": {"~a"}, "y": {"~a"}}, set()),
    ("transform: [{derive: {a: b}}, {derive: {x: a + 1}}]", {"a": {"=b"}, "x": {"~b"}}, set()),
    ("transform: [{derive: {a: '1'}}]", {"a": set()}, set()),
    ("clean: {columns: {a: [{fill: 0}]}}", {"a": {"~a"}}, set()),
    ("clean: {columns: {a: [{fill: {statistic: median}}]}}", {"a": {"@a"}}, set()),
    ("clean: {columns: {a: [{fill: {previous: true}}]}}", {"a": {"~a"}}, set()),
    (
        "clean: {columns: {a: [{fill: {column: b}}], b: [{clip: {min: 0}}]}}",
        {"a": {"~a", "~b"}, "b": {"~b"}},
        set(),
    ),
    (
        "clean: {dedupe: {by: [t], order_by: [-a]}}",
        {"t": {"=t"}},
        {"FILTER t", "FILTER a"},
    ),
    (
        "clean: {dependencies: [{columns: [a], determines: t}]}",
        {"t": {"@t", "GROUP_BY a"}},
        set(),
    ),
    ("enrich: [{constants: {c: 1}}, {context: {file: source_file}}]", {"c": set()}, set()),
    ("write: {format: parquet, sort_by: [-a, t]}", {}, {"SORT a", "SORT t"}),
]

CONTRACT = f"""\
{CONTRACT_HEAD}\
      - {{name: a, logicalType: integer}}
      - {{name: b, logicalType: integer}}
      - {{name: t, logicalType: string}}
"""


@pytest.fixture
def plan_of(compile_dataset: Callable[..., CompiledDataset]) -> Callable[..., Plan]:
    """Plan of a dataset with the columns a, b and t, and these steps and files."""

    def plan(steps: str, **files: str) -> Plan:
        compiled = compile_dataset(steps, contract=CONTRACT, files=files)
        assert compiled.plan is not None, compiled.findings
        return compiled.plan

    return plan


@pytest.mark.parametrize(("steps", "columns", "rows"), STEPS, ids=[case[0] for case in STEPS])
def test_step(plan_of: Callable[..., Plan], steps: str, columns: Told, rows: set[str]) -> None:
    found, found_rows = lineage(plan_of(steps))

    assert {name: found.get(name, set()) for name in columns} == columns
    assert found_rows == rows


@pytest.mark.parametrize(
    ("lookup", "columns", "rows"),
    [
        ("add: {p: price}", {"p": {"=items.price", "JOIN t", "JOIN items.item"}}, set()),
        (
            "add: {p: price}, when_missing: reject",
            {"p": {"=items.price", "JOIN t", "JOIN items.item"}},
            {"JOIN t", "JOIN items.item"},
        ),
        (
            "add: {a: price}, conflict: replace",
            {"a": {"=items.price", "JOIN t", "JOIN items.item"}},
            set(),
        ),
        (
            "add: {a: price}, conflict: fill",
            {"a": {"~a", "~items.price", "JOIN t", "JOIN items.item"}},
            set(),
        ),
    ],
)
def test_lookup(plan_of: Callable[..., Plan], lookup: str, columns: Told, rows: set[str]) -> None:
    found, found_rows = lineage(
        plan_of(
            f"enrich: [{{lookup: items, on: {{t: item}}, {lookup}}}]",
            **{"lookups/items.csv": "item,price\ntea,3\n"},
        )
    )

    assert {name: found[name] for name in columns} == columns
    assert found_rows == rows


def test_order_that_chooses_among_a_lookups_rows(plan_of: Callable[..., Plan]) -> None:
    columns = "{item: string, price: integer, since: date}"
    lookup = f"lookup: items, prefix: lookups/items/, columns: {columns}, on: {{t: item}}"
    words = "add: {p: price}, duplicate_keys: {keep: last, order_by: -since}"

    found, _ = lineage(plan_of(f"enrich: [{{{lookup}, {words}}}]"))

    assert found["p"] == {"=items.price", "JOIN t", "JOIN items.item", "SORT items.since"}


@pytest.mark.parametrize(
    ("returns", "columns"),
    [
        ("pd.Series", {"a": {"=a"}, "made": {"~a", "~b", "~t"}}),
        ("pd.DataFrame", {"a": {"~a", "~b", "~t"}, "new": {"~a", "~b", "~t"}}),
    ],
)
def test_python_step(plan_of: Callable[..., Plan], returns: str, columns: Told) -> None:
    """What enrich adds of itself is made of no column, whatever the step made of them."""
    body = "frame['a']" if returns == "pd.Series" else "frame.assign(new=frame['b'])"
    steps = f"import pandas as pd\n\n\ndef made(frame: pd.DataFrame) -> {returns}:\n"
    plan = plan_of(
        "transform: [{python: made}]\nenrich: [{constants: {c: 1}}, {context: {f: source_file}}]",
        **{"steps.py": f"{steps}    return {body}\n"},
    )

    found, _ = lineage(plan)

    assert {name: found[name] for name in columns} == columns
    assert found.keys().isdisjoint({"c", "f", "processed_date", "status"})


def test_what_is_made_of_a_python_steps_columns(plan_of: Callable[..., Plan]) -> None:
    """They are not known by name, but come from all that the step was given."""
    code = "import pandas as pd\n\n\ndef made(frame: pd.DataFrame) -> pd.DataFrame:\n"
    steps = "{python: made}, {derive: {x: new + 1, y: new}}, {rename: {new: z}}, {filter: z > 1}"
    found, rows = lineage(
        plan_of(
            f"transform: [{steps}]",
            **{"steps.py": f"{code}    return frame.assign(new=frame['b'])\n"},
        )
    )

    assert found["x"] == found["y"] == found["z"] == {"~a", "~b", "~t"}
    assert rows == {"FILTER a", "FILTER b", "FILTER t"}


# --- Expressions ------------------------------------------------------------------------------

FRAME: dict[str, Sources] = {
    name: {Field("", name): frozenset({IDENTITY})} for name in ("a", "b", "Odd name", "batch")
}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a", {"=a"}),
        ("A", {"=a"}),
        ("(batch.a)", {"=a"}),
        ('"Odd name"', {"=Odd name"}),
        ("batch", {"=batch"}),
        ("a + b", {"~a", "~b"}),
        ("a::VARCHAR", {"~a"}),
        ("1", set()),
        ("coalesce(a, b)", {"~a", "~b"}),
        ("CASE WHEN a THEN b ELSE 0 END", {"CONDITIONAL a", "~b"}),
        ("CASE a WHEN 1 THEN a END", {"CONDITIONAL a", "~a"}),
        ("if(a > 1, b, 0)", {"CONDITIONAL a", "~b"}),
        ("1 + CASE WHEN md5(a) = 'x' THEN 1 END", {"CONDITIONAL a"}),
        ("sha256(a) || b", {"~#a", "~b"}),
        ("list_transform([b], lambda a: a + 1)[1]", {"~b"}),
        ("list_transform([1], lambda x: x + a)[1]", {"~a"}),
        ("[x + a FOR x IN [b] IF x > 1]", {"~a", "~b"}),
        ("a->'$.b'", {"~a"}),  # the parser's word for JSON's arrow is lambda, too
        ("a.b", {"~a"}),  # a field of a structure is not the structure
        ("a.a", {"~a"}),
        ("batch.a.b", {"~a"}),
        ("a.upper()", {"~a"}),
        ("batch.a.upper()", {"~a"}),
        ("a.trim().concat(b)", {"~a", "~b"}),
    ],
)
def test_expression(sql: str, expected: set[str]) -> None:
    assert told(sources_of(sql, FRAME, {})) == expected


# --- What changes when a column does ----------------------------------------------------------

CHANGES = {
    **dict.fromkeys(("year", "flight", "distance"), "2011"),
    "air_time": "200",
    **dict.fromkeys(("month", "day", "hour", "minute", "dep_delay", "arr_delay"), "7"),
    **dict.fromkeys(("sched_dep_time", "arr_time", "sched_arr_time"), "1234"),
    # These are in no row of the lookups: no plane, airport, carrier, or weather at that hour.
    **{"dep_time": "", "carrier": "ZZ", "tailnum": "N00000", "origin": "JFK", "dest": "XXX"},
    **{"time_hour": "2033-01-01T11:00:00Z"},
}
"""A good value of each column that is another one than in the row."""

ROW = {
    **{"year": "2013", "month": "1", "day": "1", "dep_time": "517", "sched_dep_time": "515"},
    **{"dep_delay": "20", "arr_time": "830", "sched_arr_time": "819", "arr_delay": "11"},
    **{"carrier": "UA", "flight": "1545", "tailnum": "N14228", "origin": "EWR", "dest": "IAH"},
    **{"air_time": "227", "distance": "1400", "hour": "5", "minute": "15"},
    **{"time_hour": "2013-03-05T06:00:00Z"},  # of this hour there is no weather at JFK
}


def output_of(plan: Plan, row: dict[str, str]) -> dict[str, Any]:
    text = f"{','.join(row)}\n{','.join(row.values())}\n"
    (made,) = processed(io.BytesIO(text.encode()), plan).table.to_pylist()
    return dict(made)


@pytest.mark.parametrize("column", ROW)
def test_a_column_changes_those_that_depend_on_it_and_no_others(flights: Plan, column: str) -> None:
    # GIVEN a row, and the same with another value in one column
    before, after = output_of(flights, ROW), output_of(flights, ROW | {column: CHANGES[column]})

    # THEN what has changed is what depends on the column
    changed = {name for name in before if before[name] != after[name]}
    dependent = {
        name
        for name, sources in ColumnLineage(flights).columns.items()
        if Field("", column) in sources
    }
    assert changed == dependent
