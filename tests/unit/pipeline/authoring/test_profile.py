from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.authoring.profile import Profile, ProfileError, profiled
from pipeline.authoring.profile_header import looks_like_a_row
from pipeline.authoring.profile_rules import Rules, suggested_rules
from pipeline.authoring.profile_sample import Spellings, read_sample
from pipeline.authoring.profile_types import Typed, typed
from pipeline.authoring.sniff import sniffed
from pipeline.errors import BinaryFileError, DataError, EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def spellings(*values: str, rows_each: int = 1) -> Spellings:
    return Spellings(pa.array(values, pa.string()), np.repeat(np.arange(len(values)), rows_each))


@pytest.fixture
def profile_of(tmp_path: Path) -> Callable[..., Profile]:
    """Write a file and profile it."""

    def profile(content: str | bytes, name: str = "things.csv", **more: Any) -> Profile:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return profiled(file, **{"most_rows": 10_000, **more})

    return profile


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2", "+3"], Typed("integer")),
        ([" 1 ", "2"], Typed("integer")),
        (["9223372036854775807"], Typed("integer")),
        (["1.5", "2", ".5", "1e-05", "1.5E3"], Typed("number")),
        (["true", "FALSE"], Typed("boolean")),
        (["0", "1"], Typed("integer")),
        (["2013-01-31"], Typed("date")),
        (["2013/01/31"], Typed("date", "yyyy/MM/dd")),
        (["31.01.2013"], Typed("date", "dd.MM.yyyy")),
        (["03/04/2013", "25/04/2013"], Typed("date", "dd/MM/yyyy")),
        (["03/04/2013", "04/25/2013"], Typed("date", "MM/dd/yyyy")),
        (["2013-01-31T12:00:00Z", "2013-01-31T12:00:00.5+02:00"], Typed("timestamp")),
        (["2013-01-31 12:00:00+01"], Typed("timestamp", "yyyy-MM-dd HH:mm:ss[.SSSSSS]X")),
        (["12:00:00", "23:59:59.5"], Typed("time")),
        (["12:00", "23:59"], Typed("time", "HH:mm")),
        (["one", "2"], Typed()),
        (["2013-02-31"], Typed()),
        (["1/2/2013", "1/25/2013"], Typed("date", "M/d/yyyy")),
        (["5-Jan-2013"], Typed("date", "d-MMM-yyyy")),
        (["1/31/2013 5:30:00 PM +01:00"], Typed("timestamp", "M/d/yyyy h:mm:ss a X")),
        (["1,5"], Typed("number", written={"decimalChar": ","})),
        (["1.234,5", "6"], Typed("number", written={"decimalChar": ",", "groupChar": "."})),
        (["1'234'567"], Typed("integer", written={"groupChar": "'"})),
        (["5 $", "5 €"], Typed()),
        (
            ["Yes", "NO", "no"],
            Typed("boolean", written={"trueValues": ["Yes"], "falseValues": ["NO", "no"]}),
        ),
        (["yes"], Typed()),
        (["Infinity", "1"], Typed()),
    ],
)
def test_type_takes_every_value(values: list[str], expected: Typed) -> None:
    assert typed("x", spellings(*values)) == expected


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("x", ["007", "12"], "leading zeros"),
        ("x", ["00.5"], "leading zeros"),
        ("x", ["+4930123", "+4940123"], "telephone"),
        ("x", ["12E4", "13"], "powers of ten"),
        ("zipCode", ["12345"], "later values"),
        ("Home Phone", ["12345"], "later values"),
        ("x", ["99999999999999999999"], "64 bits"),
        ("x", ["1,000", "20,000"], "what the comma or point means"),
        ("x", ["1/2/2013"], "either d/M/yyyy or M/d/yyyy"),
        ("x", ["03/04/2013"], "either dd/MM/yyyy or MM/dd/yyyy"),
        ("x", ["03/04/2013 10:00"], "either dd/MM/yyyy HH:mm or MM/dd/yyyy HH:mm"),
        ("x", [], "no value at all"),
    ],
)
def test_text_stays_text_where_a_type_would_lose_or_invent(
    name: str, values: list[str], why: str
) -> None:
    found = typed(name, spellings(*values))

    assert found.type == "string"
    assert why in found.note


def test_eight_digits_are_dates_where_enough_of_them_are() -> None:
    days = [f"201301{day:02}" for day in range(1, 6)]

    assert typed("x", spellings(*days)).format == "yyyyMMdd"
    assert typed("x", spellings(*days[:4])).type == "integer"
    assert typed("x", spellings(*days, "20139999")).type == "integer"


def test_moments_without_offset_are_local() -> None:
    for values, pattern in (
        (["2013-01-31T12:00:00"], None),
        (["2013-01-31 12:00"], "yyyy-MM-dd HH:mm"),
    ):
        found = typed("x", spellings(*values))
        assert (found.type, found.format, found.timezone) == ("timestamp", pattern, False)
        assert "zone" in found.note


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["A", "A", "NA"], "string"),
        (["1", "-"], "integer"),
        (["1.5", "n.a.", "?", "None"], "number"),
        (["2013-01-31", "unknown"], "date"),
        (["12", " "], "integer"),
    ],
)
def test_words_for_missing_values_are_found(
    profile_of: Callable[..., Profile], values: list[str], kind: str
) -> None:
    profile = profile_of("id,x\n" + "".join(f"{at},{value}\n" for at, value in enumerate(values)))

    column = profile.columns[1]
    words = [
        value for value in values if value.strip() not in ("A", "1", "1.5", "12", "2013-01-31")
    ]
    assert column.typed.type == kind
    assert column.missing == len(words)
    assert list(profile.missing_words) == words
    assert not column.required


@pytest.mark.parametrize("word", ["Na", "NAN", "-", "?", "none", "unknown"])
def test_words_that_mean_something_in_a_text_are_kept(
    profile_of: Callable[..., Profile], word: str
) -> None:
    profile = profile_of(f"id,x\n1,Helium\n2,{word}\n")

    assert profile.missing_words == {}
    assert profile.columns[1].required


def test_namibia_is_a_country(profile_of: Callable[..., Profile]) -> None:
    codes = profile_of("id,iso\n1,DE\n2,FR\n3,NA\n")
    both = profile_of("id,iso,n\n1,DE,1\n2,FR,NA\n3,NA,3\n")

    assert codes.missing_words == {}
    assert both.missing_words == {}
    assert [column.own_words for column in both.columns] == [(), (), ("", "NA")]
    assert [column.missing for column in both.columns] == [0, 0, 1]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("month", [*range(1, 13)] * 3, {"minimum": 1, "maximum": 12}),
        ("latitude", range(-20, 40), {"minimum": -90, "maximum": 90}),
        ("year", range(1950, 2010), {"minimum": 1900, "maximum": 2100}),
        ("n", range(100), {"minimum": 0, "maximum": 150}),
        ("n", range(-50, 51), {"minimum": -100, "maximum": 100}),
        ("n", [5] * 40, {"minimum": 0, "maximum": 10}),
        ("temp", range(10, 111), {"minimum": -40, "maximum": 160}),
        ("order_id", range(100), {"minimum": 0}),
        ("n", [2**63 - 1, *range(40)], {"minimum": 0}),
        ("n", range(-100, 1), {"minimum": -150, "maximum": 0}),
        ("n", range(29), {}),
    ],
)
def test_ranges_leave_room(name: str, values: Any, expected: dict[str, Any]) -> None:
    texts = [str(value) for value in values]
    distinct = list(dict.fromkeys(texts))
    codes = np.array([distinct.index(text) for text in texts])

    rules = suggested_rules(name, Typed("integer"), Spellings(pa.array(distinct), codes))

    assert rules.options == expected
    assert rules.observed == f"{min(values)} to {max(values)}"


def test_ranges_of_numbers() -> None:
    huge = ["1.7e308", *(f"0.{at}" for at in range(40))]
    large = [repr(float(value)) for value in range(0, 40 * 10**15, 10**15)]
    small = ["1.21", *(f"0.{at}" for at in range(40))]

    kind = Typed("number")
    assert suggested_rules("x", kind, spellings(*huge)).options == {"minimum": 0}
    assert suggested_rules("x", kind, spellings(*large)).options["maximum"] == 5.9e16
    assert suggested_rules("x", kind, spellings(*small)).options == {"minimum": 0, "maximum": 1.9}


def test_lists_are_of_few_values_of_which_none_is_rare() -> None:
    many = spellings("b", "a", "c", rows_each=20)
    rare = Spellings(many.values, np.append(np.repeat([0, 1], 30), 2))
    varied = spellings(*map(str, range(30)), rows_each=20)

    assert suggested_rules("x", Typed(), many).valid_values == ("a", "b", "c")
    assert suggested_rules("x", Typed(), rare).valid_values is None
    assert suggested_rules("x", Typed(), varied).valid_values is None
    assert suggested_rules("x", Typed(), spellings("a", "b", rows_each=5)).valid_values is None


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ([f"{at:05}" for at in range(40)], "^[0-9]{5}$"),
        ([f"AB-{at}" for at in range(40)], r"^[A-Z]{2}\-[0-9]{1,2}$"),
        ([f"{chr(65 + at % 26)}{at}" for at in range(10, 60)], "^[A-Z]{1}[0-9]{2}$"),
        (["N619AA", "N24211", *(f"N{at}" for at in range(10_000, 10_040))], "^[0-9A-Z]{6}$"),
        ([f"person{at}@example.org" for at in range(40)], r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
        ([f"Name {chr(97 + at % 26)}" for at in range(40)], None),
        ([f" {at:05}" for at in range(40)], None),
        (["A1B2C3D4E5", *(f"A1B2C3D4E{at}" for at in range(6, 46))], None),
        (["A", *(f"B{at}CDEF" for at in range(40))], None),
        ([f"{at:041}" for at in range(40)], None),
        ([f"{at:05}" for at in range(29)], None),
    ],
)
def test_patterns_are_of_codes(values: list[str], pattern: str | None) -> None:
    rules = suggested_rules("x", Typed(), spellings(*values))

    assert rules.options == ({"pattern": pattern} if pattern else {})


def test_other_types_have_no_rules() -> None:
    assert suggested_rules("x", Typed(), spellings()) == Rules()
    booleans = suggested_rules("x", Typed("boolean"), spellings("true", "false", rows_each=2))
    assert booleans == Rules(observed="2 true, 2 false")
    dates = suggested_rules("x", Typed("date"), spellings("2013-01-31", "2012-01-01", rows_each=20))
    assert dates == Rules(observed="2012-01-01 to 2013-01-31")


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ({"id": "integer", "name": "string"}, False),
        ({"5.1": "number", "setosa": "string"}, True),
        ({"Ann": "string", "34": "integer"}, True),
        ({"Ann": "string", "17": "integer", "34": "integer"}, True),
        ({"Ann": "string", "2013-01-31": "date"}, True),
        ({"country": "string", "2013-01-31": "number"}, False),
        ({"country": "string", "1960": "number", "1961": "number"}, False),
        ({"country": "string", "1960": "number", "1970": "number", "1980": "number"}, False),
        ({"age": "integer", "7": "integer"}, False),
        ({"1": "integer", "2": "integer"}, True),
        ({"0": "integer", "1": "integer", "2": "number"}, False),
        ({"7": "integer", "8": "integer", "9": "integer"}, True),
    ],
)
def test_a_row_in_the_header_s_place_is_recognised(types: dict[str, str], expected: bool) -> None:
    assert looks_like_a_row(types) is expected


def test_a_file_without_header_is_refused_unless_told_otherwise(
    profile_of: Callable[..., Profile],
) -> None:
    with pytest.raises(ProfileError, match="looks like a row, not like names: Ann, 34"):
        profile_of("Ann,34\nBen,35\n")

    trusted = profile_of("Ann,34\nBen,35\n", trust_header=True)
    assert [column.name for column in trusted.columns] == ["Ann", "34"]
    assert trusted.notes == ("34: names like values; look whether the first line is a header",)


@pytest.mark.parametrize(
    ("header", "row", "rows", "key"),
    [
        ("order_id,n", lambda at: f"{at},{at % 3}", 10, ("order_id",)),
        ("n,order_id", lambda at: f"{at % 3},{at}", 10, ("order_id",)),
        ("city,n", lambda at: f"city {at},{at % 3}", 40, ("city",)),
        ("city,n", lambda at: f"city {at},{at % 3}", 20, ()),
        ("first_name,n", lambda at: f"name {at},{at % 3}", 40, ()),
        ("x,n", lambda at: f"{at}.5,{at % 3}", 40, ()),
        ("a,b,n", lambda at: f"a{at // 20},b{at % 20},7", 400, ("a", "b")),
        ("a,b,c", lambda at: f"a{at // 100},b{at // 10 % 10},c{at % 10}", 1000, ("a", "b", "c")),
        ("a,b", lambda at: f"a{at // 2},b{at % 39}", 40, ()),
        ("a,b", lambda _: "x,y", 40, ()),
        ("id,b", lambda at: f"{at},", 1, ()),
    ],
)
def test_keys(
    profile_of: Callable[..., Profile],
    header: str,
    row: Callable[[int], str],
    rows: int,
    key: tuple[str, ...],
) -> None:
    text = f"{header}\n" + "".join(f"{row(at)}\n" for at in range(rows))

    assert profile_of(text).key == key


def test_equal_values_in_other_spellings_are_no_key(profile_of: Callable[..., Profile]) -> None:
    assert profile_of("id\n7\n+7\n").key == ()
    assert profile_of("id\n7\n8\n").key == ("id",)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp1251"]
)
def test_dialect_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    names = {"cp1251": "Пётр Ильич Чайковский"}.get(encoding, "Müller")
    text = (
        f"id{delimiter}name\n"
        + f'1{delimiter}"{names}{delimiter} Köln"\n'.replace(
            "Köln", "Москва" if encoding == "cp1251" else "Köln"
        )
        * 5
    )
    file = tmp_path / "things.txt"
    file.write_bytes(text.encode(encoding))

    found = sniffed(file)

    assert found.source.delimiter == delimiter
    assert found.source.encoding == encoding.removesuffix("-sig")
    sample = read_sample(file, found.source, most_rows=100)
    assert [len(column.values) for column in sample.columns.values()] == [1, 1]
    assert sample.malformed == 0


def test_foreign_letters_far_into_the_file_are_found(tmp_path: Path) -> None:
    file = tmp_path / "things.csv.gz"
    file.write_bytes(
        gzip.compress(b"id,name\n" + b"1,plain\n" * 300_000 + "2,Zoë\n".encode("cp1252"))
    )

    found = sniffed(file)

    assert found.source.encoding == "cp1252"
    assert "is a guess" in found.notes[0]


def test_single_quotes_and_single_columns(tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_text("'id','name'\n'1','a, b'\n")
    assert sniffed(file).source.quote == "'"
    file.write_text("remark\nfine; really\nwell, no\n")
    assert len(read_sample(file, sniffed(file).source, most_rows=10).columns) == 1


def test_a_cell_without_end_is_nothing_to_go_by(tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_text('a;b\n1;2\n3;"' + "x" * 300_000)

    assert sniffed(file).source.delimiter == ";"


def test_a_quote_that_is_a_character(profile_of: Callable[..., Profile]) -> None:
    profile = profile_of('id;size\n1;"5 inches\n2;7\n')

    assert profile.sniffed.source.quote == ""
    assert profile.sample.columns["size"].values.to_pylist() == ['"5 inches', "7"]
    quoted = profile_of('"id";"size"\n1;"5 inches\n2;7\n')
    assert (quoted.sniffed.source.quote, quoted.sample.malformed) == ('"', 1)


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (b"", "x.csv", DataError),
        (b"id,name\n", "x.csv", DataError),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", "x.csv", BinaryFileError),
        (gzip.compress(b"id\n1\n" * 1000)[:-12], "x.csv.gz", DataError),
        (b"{\n", "x.json", DataError),
    ],
)
def test_unreadable_files(
    profile_of: Callable[..., Profile], content: bytes, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        profile_of(content, name)


def test_a_stated_encoding_is_believed(profile_of: Callable[..., Profile]) -> None:
    content = "id,name\n1,Zoë\n".encode("cp1252")

    assert profile_of(content, encoding="cp1250").sniffed.source.encoding == "cp1250"
    with pytest.raises(EncodingError):
        profile_of(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("a,b,c\n1,2\n3,4\n5,6\n7,8,9\n", "x.csv", "3 of 4 rows cannot be taken apart: in row 1"),
        ('{"a": 1}\n[1]\n[2]\n', "x.jsonl", "2 of 3 rows cannot be taken apart: in row 2"),
        ('{"a": 1}\n{"a": [1]}\n', "x.jsonl", "'a' holds values of several JSON types"),
        ("{}", "x.json", "no column that a contract can have"),
        ("id,id\n1,2\n", "x.csv", "'id' shares its name with another column"),
        (",_\n1,2\n", "x.csv", "no column that a contract can have: '' has no name"),
    ],
)
def test_files_that_no_contract_fits(
    profile_of: Callable[..., Profile], content: str, name: str, said: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        profile_of(content, name)

    assert said in str(caught.value)


def test_too_many_names_between_json_rows(profile_of: Callable[..., Profile]) -> None:
    rows = "".join(json.dumps({f"n{at}": 1, f"m{at}": 2}) + "\n" for at in range(2_501))

    with pytest.raises(DataError, match="more than 5,000 names"):
        profile_of(rows, "x.jsonl")


def test_json_types_decide(profile_of: Callable[..., Profile]) -> None:
    rows = [
        {"n": 1, "x": 1.5, "t": "a", "b": True, "digits": "007", "mixed": 1, "deep": {}, "_id": 1},
        {"n": 2, "x": 2, "b": False, "digits": "7", "mixed": "one", "zip": 1, "big": 2**70},
    ]
    profile = profile_of(json.dumps(rows), "x.json")

    found = {column.name: column.typed.type for column in profile.described}
    assert found == {
        "n": "integer",
        "x": "number",
        "t": "string",
        "b": "boolean",
        "digits": "string",
        "deep": "object",
        "id": "integer",
        "zip": "integer",
        "big": "number",
    }
    assert {column.name for column in profile.left_out} == {"mixed"}
    assert not profile.columns[2].required
    assert len(profile.notes) == 1


def test_a_long_file_is_sampled_evenly(profile_of: Callable[..., Profile]) -> None:
    rows = 50_000
    for name, content in (
        ("x.csv", "id\n" + "".join(f"{at}\n" for at in range(1, rows + 1))),
        ("x.jsonl", "".join(f'{{"id": {at}}}\n' for at in range(1, rows + 1))),
    ):
        sample = profile_of(content, name, most_rows=1_000).sample

        found = np.sort([int(text) for text in sample.columns["id"].values.to_pylist()])
        assert sample.seen == rows
        assert not sample.is_whole
        assert 700 <= sample.rows == len(found) <= 1_000
        assert found[:500].tolist() == list(range(1, 501))
        assert set(np.diff(found[501:])) == {128}


def test_notes_tell_of_rows_that_no_contract_saves(profile_of: Callable[..., Profile]) -> None:
    profile = profile_of("id,Name,name\n1,a,b\n2,c,d\n3,e\n")

    assert profile.notes[0].startswith("1 row will be rejected whatever the contract says: row 3,")
    assert profile.notes[1].startswith("columns that differ by case alone (name)")
