from __future__ import annotations

import csv
import json
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pipeline.authoring.dataset import compiled_dataset
from pipeline.authoring.init import Draft, dataset_name, draft_of, is_dataset_name
from pipeline.authoring.profile import Profile, profiled
from tests.unit.datasets.pure import processed

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def draft(tmp_path: Path) -> Callable[..., tuple[Draft, Profile]]:
    """Write a file and draft a dataset from it."""

    def drafted(text: str, name: str = "things.csv", **more: Any) -> tuple[Draft, Profile]:
        file = tmp_path / name
        file.write_text(text, "utf-8")
        profile = profiled(file, **{"most_rows": 10_000, **more})
        return draft_of(profile, "things"), profile

    return drafted


def contract(draft: Draft) -> Any:
    return yaml.safe_load(draft.files["contract.odcs.yaml"])


def properties(draft: Draft) -> dict[str, Any]:
    return {prop.pop("name"): prop for prop in contract(draft)["schema"][0]["properties"]}


def test_penguins() -> None:
    """Expected by hand, from the file and from what its authors say of it."""
    draft = draft_of(profiled(SAMPLES / "penguins.csv", most_rows=10_000), "penguins")

    document = contract(draft)
    custom = {item["property"]: item["value"] for item in document["customProperties"]}
    assert custom["missingValues"] == ["", "NA"]
    found = properties(draft)
    types = {
        name: (prop["logicalType"], prop.get("required", False)) for name, prop in found.items()
    }
    assert types == {
        "species": ("string", True),
        "island": ("string", True),
        "bill_length_mm": ("number", False),
        "bill_depth_mm": ("number", False),
        "flipper_length_mm": ("integer", False),
        "body_mass_g": ("integer", False),
        "sex": ("string", False),
        "year": ("integer", True),
    }
    listed = {
        name: prop["quality"][0]["arguments"]["validValues"]
        for name, prop in found.items()
        if "quality" in prop
    }
    assert listed == {
        "species": ["Adelie", "Chinstrap", "Gentoo"],
        "island": ["Biscoe", "Dream", "Torgersen"],
        "sex": ["female", "male"],
    }
    # 172 mm and 231 mm are the shortest and the longest: half the span of 59 on either side
    assert found["flipper_length_mm"]["logicalTypeOptions"] == {"minimum": 0, "maximum": 270}
    assert found["bill_length_mm"]["description"] == "Bill length mm."
    assert not [prop for prop in found.values() if "primaryKey" in prop]
    text = draft.files["contract.odcs.yaml"]
    assert "# Observed: 172 to 231; 2 missing" in text
    assert "from penguins.csv: all 344 rows" in text


def test_seattle_weather() -> None:
    draft = draft_of(profiled(SAMPLES / "seattle-weather.csv", most_rows=10_000), "weather")

    found = properties(draft)
    assert found["date"] == {
        "logicalType": "date",
        "required": True,
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "description": "Date.",
        "logicalTypeOptions": {"format": "yyyy/MM/dd"},
    }
    (rule,) = found["weather"]["quality"]
    assert rule["arguments"]["validValues"] == ["drizzle", "fog", "rain", "snow", "sun"]
    assert found["temp_min"]["logicalTypeOptions"]["minimum"] == -20  # -7.1 less half of 25.4
    assert "No two of all 1,461 rows agree in date" in draft.files["contract.odcs.yaml"]


@pytest.mark.parametrize("name", ["penguins.csv", "seattle-weather.csv"])
def test_drafts_of_real_files_take_every_row(tmp_path: Path, name: str) -> None:
    # GIVEN
    draft_of(profiled(SAMPLES / name, most_rows=10_000), "real").write(tmp_path / "real")
    compiled = compiled_dataset(tmp_path / "real")
    assert (compiled.findings, compiled.plan is None) == ((), False)
    assert compiled.plan is not None

    # WHEN
    with (SAMPLES / name).open("rb") as file:
        result = processed(file, compiled.plan)

    # THEN the values are those that the standard library reads
    with (SAMPLES / name).open(newline="") as file:
        rows = [
            {name: None if text == "NA" else text for name, text in row.items()}
            for row in csv.DictReader(file)
        ]
    assert result.counts.written == len(rows)
    for found, row in zip(result.table.to_pylist(), rows, strict=True):
        for column, text in row.items():
            value = found[column]
            if isinstance(value, float):
                assert value == float(text or "")
            else:
                spelled = None if value is None else str(value)
                assert spelled == (text.replace("/", "-") if text and column == "date" else text)


def test_flights_key_is_the_one_in_the_literature(flights_csv: Path, tmp_path: Path) -> None:
    """R for Data Science, 19.2.1: time_hour, carrier and flight identify a flight."""
    profile = profiled(flights_csv, most_rows=500_000)

    assert profile.sample.rows == 336_776
    assert set(profile.key) == {"time_hour", "carrier", "flight"}
    assert draft_of(profile, "flights").findings() == []


@pytest.mark.parametrize(
    ("name", "values", "first"),
    [
        ("price", ["1,000.50", "2"], 1000.5),
        ("price", ["1,5", "-2"], 1.5),
        ("share", ["50 %", "12.5%"], 50.0),
        ("cost", ["$1,200.00", "$3"], 1200.0),
        ("pop", ["1.234.567", "89"], 1234567),
        ("amount", ["0.1234567890123456789", "2"], Decimal("0.1234567890123456789")),
        ("member", ["yes", "no"], True),
        ("Mitglied", ["Ja", "nein"], True),
        ("day", ["1/31/2013", "2/1/2013"], date(2013, 1, 31)),
        ("day", ["31.1.2013", "1.2.2013"], date(2013, 1, 31)),
        ("day", ["31-Jan-2013", "1-Feb-2013"], date(2013, 1, 31)),
        ("day", ["Jan 31, 2013", "Feb 1, 2013"], date(2013, 1, 31)),
        ("day", ["31.01.13", "01.02.13"], date(2013, 1, 31)),
        ("at", ["1/31/2013 5:30 PM"], datetime(2013, 1, 31, 17, 30)),
        ("at", ["31.01.2013 05:30:07"], datetime(2013, 1, 31, 5, 30, 7)),
        ("at", ["5:30 PM"], time(17, 30)),
        ("Unit Price", ["1,000", "2,000"], "1,000"),  # one, or a thousand: nobody knows
    ],
)
def test_values_in_other_spellings_have_their_type(
    draft: Callable[..., tuple[Draft, Profile]],
    tmp_path: Path,
    name: str,
    values: list[str],
    first: Any,
) -> None:
    # GIVEN
    made, _ = draft(f"status;{name}\n" + "".join(f"x;{value}\n" for value in values))
    made.write(tmp_path / "things")
    compiled = compiled_dataset(tmp_path / "things")
    assert compiled.plan is not None, compiled.findings

    # WHEN
    with (tmp_path / "things.csv").open("rb") as file:
        rows = processed(file, compiled.plan).table.to_pylist()

    # THEN
    assert len(rows) == len(values)
    assert rows[0]["source_status"] == "x"
    assert (type(rows[0][name]), rows[0][name]) == (type(first), first)


STRANGE = """\
Berth fees of the harbour, May
exported by Hafenkasse 3.1

# berth: blank if at anchor
Schiff;Ankunft;Tage;Betrag;bezahlt
;;d;EUR;
Möwe;03.05.2024;4;1.250,50;ja
Albatros;14.05.2024;12;300,00;nein
Kormoran;21.05.2024;k.A.;99,90;ja
Summe;;16;1.650,40;
"""


def test_a_file_as_they_come_in_the_world(
    draft: Callable[..., tuple[Draft, Profile]], tmp_path: Path
) -> None:
    # GIVEN
    made, _ = draft(STRANGE)
    made.write(tmp_path / "things")
    compiled = compiled_dataset(tmp_path / "things")
    assert compiled.plan is not None, compiled.findings

    # WHEN
    with (tmp_path / "things.csv").open("rb") as file:
        result = processed(file, compiled.plan)

    # THEN
    (dialect, _) = contract(made)["customProperties"]
    assert (
        dialect["value"].items()
        >= {
            "delimiter": ";",
            "commentChar": "#",
            "headerRows": [5, 6],
            "footerRows": 1,
        }.items()
    )
    names = ["Schiff", "Ankunft", "Tage d", "Betrag EUR", "bezahlt"]
    rows = [[row[name] for name in names] for row in result.table.to_pylist()]
    assert rows == [
        ["Möwe", date(2024, 5, 3), 4, 1250.5, True],
        ["Albatros", date(2024, 5, 14), 12, 300.0, False],
        ["Kormoran", date(2024, 5, 21), None, 99.9, True],
    ]


NESTED = [
    {"_id": 1, "at": {"lat": 53.5, "port": {"code": "DEHAM"}}, "tags": ["a", "b"], "x.y": 5},
    {"_id": 2, "at": {"lat": 54.1}, "tags": [], "x.y": 6, "log": {f"k{n}": n for n in range(40)}},
]


def test_nested_json(draft: Callable[..., tuple[Draft, Profile]], tmp_path: Path) -> None:
    # GIVEN
    made, _ = draft("".join(json.dumps(row) + "\n" for row in NESTED), "things.jsonl")
    made.write(tmp_path / "things")
    compiled = compiled_dataset(tmp_path / "things")
    assert compiled.plan is not None, compiled.findings

    # WHEN
    with (tmp_path / "things.jsonl").open("rb") as file:
        result = processed(file, compiled.plan)

    # THEN
    types = {name: prop["logicalType"] for name, prop in properties(made).items()}
    assert types == {
        "id": "integer",
        "at_lat": "number",
        "at_port_code": "string",
        "tags": "array",
        "x_y": "integer",
        "log": "object",
    }
    first, second = result.table.to_pylist()
    assert [first[name] for name in types] == [1, 53.5, "DEHAM", '["a", "b"]', 5, None]
    assert [second[name] for name in types][:5] == [2, 54.1, None, "[]", 6]
    assert json.loads(second["log"]) == NESTED[1]["log"]


def test_what_acts_and_what_is_an_example(draft: Callable[..., tuple[Draft, Profile]]) -> None:
    text = "month,code,name\n" + "".join(
        f"{at % 12 + 1},{'AB'[at % 2]}X, name {at}\n" for at in range(60)
    )
    made, _ = draft(text)

    steps = made.files["pipeline.yaml"]
    assert yaml.safe_load(steps) == {
        "rejects": {"max_share": 0.1},
        "clean": {"columns": {"name": ["trim"]}},
        "write": {"format": "parquet", "compression": "zstd"},
    }
    assert "# partition_by: [month]    # 12 folders as of now" in steps
    assert "#     on: {code: code}" in steps


def test_many_malformed_rows_raise_the_limit(draft: Callable[..., tuple[Draft, Profile]]) -> None:
    made, _ = draft("a,b\n1,2\n3,4\n5,6\n7,8\n9\n")

    assert yaml.safe_load(made.files["pipeline.yaml"])["rejects"] == {"max_share": 0.5}


def test_remarks(draft: Callable[..., tuple[Draft, Profile]]) -> None:
    made, _ = draft("id,email,other,zip,,t\n1,a@b.de,5,01234,x,2013-01-31T12:00:00\n"
                    "2,c@d.de,6,12345,y,2013-01-31T13:00:00\n")  # fmt: skip

    text = made.files["contract.odcs.yaml"]
    assert "# Perhaps personal data: `classification: confidential`" in text
    assert "# No value stands in two rows: `unique: true`, if that is a rule" in text
    assert "# leading zeros, which a number would lose" in text
    assert "# no offset: say in which zone it is" in text
    assert "# '' is not here, and passed over in files: it has no name." in text
    assert "With fewer than 30 rows there are no ranges" in text.replace("\n# ", " ")
    assert properties(made)["t"]["logicalTypeOptions"] == {"timezone": False}


def test_a_sample_is_called_one(draft: Callable[..., tuple[Draft, Profile]]) -> None:
    made, _ = draft("id\n" + "".join(f"{at}\n" for at in range(1_000)), most_rows=100)

    text = made.files["contract.odcs.yaml"].replace("\n# ", " ")
    assert "of 1,000 rows (the first, and others spread over the rest)" in text
    assert "Rows that were not looked at may break them." in text


@pytest.mark.parametrize(
    ("name", "content", "server", "custom"),
    [
        ("x.csv", "a,b\n1,2\n", "csv", {"delimiter": ",", "encoding": "utf-8"}),
        ("x.tsv", "a\tb\n1\t2\n", "csv", {"delimiter": "\t", "encoding": "utf-8"}),
        ("x.jsonl", '{"a": 1}\n', "jsonl", None),
        ("x.json", '[{"a": "-"}, {"a": 2}]', "json", {"encoding": "utf-8"}),
    ],
)
def test_how_files_are_written(
    draft: Callable[..., tuple[Draft, Profile]],
    name: str,
    content: str,
    server: str,
    custom: dict[str, str] | None,
) -> None:
    made, _ = draft(content, name)

    document = contract(made)
    (landing,) = document["servers"]
    assert landing["format"] == server
    assert landing["location"] == f"s3://landing/input/things/*.{name.split('.')[1]}"
    found = {item["property"]: item["value"] for item in document.get("customProperties", [])}
    assert (custom or {}).items() <= found.get("csvDialect", {}).items()
    assert bool(found) == (custom is not None)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Sales 2013 (Köln).csv.gz", "sales_2013_koln"),
        ("flights.2013.csv", "flights"),
        ("東京.csv", "dataset"),
        (".hidden", "hidden"),
        ("--a-b--.json", "a-b"),
    ],
)
def test_names_of_datasets(file: str, name: str) -> None:
    assert dataset_name(Path(file)) == name
    assert is_dataset_name(name)


@pytest.mark.parametrize("name", ["", "a b", "../x", "_x", "é", "a/b"])
def test_what_is_no_name_of_a_dataset(name: str) -> None:
    assert not is_dataset_name(name)


def test_a_guessed_encoding_is_called_a_guess(tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_bytes("id,city\n1,Köln\n".encode("cp1252"))

    text = draft_of(profiled(file, most_rows=10), "things").files["contract.odcs.yaml"]

    assert "# The text is not UTF-8; cp1252 is a guess" in text
    assert "encoding: cp1252}" in text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("_row_number,_extra,_replayed,id\n7,8,9,1\n7,8,9,2\n", "things.csv"),
        ('{"_row_number": 7, "_extra": 8, "id": 1}\n{"_extra": 8, "id": 2}\n', "things.jsonl"),
    ],
)
def test_columns_with_names_of_the_pipeline_are_left_out(
    draft: Callable[..., tuple[Draft, Profile]], text: str, name: str
) -> None:
    drafted, _ = draft(text, name)

    assert drafted.findings() == []
    assert list(properties(drafted)) == ["id"]
    assert "'_extra' is not here" in drafted.files["contract.odcs.yaml"]


@pytest.mark.parametrize("number", ["12345678901234567890{at}", "0.1234567890123456789{at}"])
def test_numbers_of_more_digits_than_a_double_keeps_have_a_range(
    draft: Callable[..., tuple[Draft, Profile]], number: str
) -> None:
    rows = "".join(f'{{"x": {number.format(at=at)}}}\n' for at in range(10, 50))

    drafted, _ = draft(rows, "things.jsonl")

    assert drafted.findings() == []
    assert properties(drafted)["x"]["physicalType"].startswith("DECIMAL(")
    assert properties(drafted)["x"]["logicalTypeOptions"].keys() == {"minimum", "maximum"}
