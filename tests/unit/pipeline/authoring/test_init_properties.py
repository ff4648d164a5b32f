"""Whatever a file holds, its draft passes the check and takes every row of it, value by value."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.authoring.dataset import compiled_dataset
from pipeline.authoring.init import draft_of
from pipeline.authoring.init_yaml import comment, flow, shown
from pipeline.authoring.profile import profiled
from tests.unit.datasets.pure import processed

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

YAML_WORDS = (
    "yes", "no", "null", "~", "1.0", "0x1F", "1e3", "a: b", "# x", "- x", "*x", "&x", "!x", "%x",
    "@x", "`x", "[x", "{x", "x]", "x}", "a, b", '"x"', "'x'", "x #y", "on", "=", "<<", "2013-01-01",
    "?", ":", "x:", "|", ">", "\u2028x", "\x85x", "x\ty", " x ", "é", "日本語", "🛫", "a\nb", "NA",
    "status", "processed_date", "Status", "logicalType",
)  # fmt: skip
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"),
    min_size=1,
    max_size=12,
)
NAMES = st.one_of(st.sampled_from(YAML_WORDS), TEXTS)
MISSING = ("NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "NaN", "nan", "\\N")
"""Spellings that a draft may take for a missing value in a text, white space around them or not."""
INTEGERS = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
OFFSETS = st.integers(-12 * 60, 12 * 60).map(
    lambda minutes: dt.timezone(dt.timedelta(0, minutes * 60))
)
KINDS: dict[str, SearchStrategy[Any]] = {
    "string": st.one_of(TEXTS, st.sampled_from(YAML_WORDS)),
    "integer": INTEGERS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "date": st.dates(dt.date(1, 1, 2), dt.date(9999, 12, 30)),
    "timestamp": st.builds(lambda moment, zone: moment.replace(tzinfo=zone), MOMENTS, OFFSETS),
    "local": MOMENTS,
}


class Table(NamedTuple):
    """Names, and rows of Python values."""

    names: list[str]
    rows: list[list[Any]]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    kinds = [draw(st.sampled_from(list(KINDS))) for _ in names]
    cells = [st.one_of(KINDS[kind], KINDS[kind], st.none()) for kind in kinds]
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=3))
    repeated = draw(st.sampled_from([1, 1, 15]))  # enough rows for lists and ranges
    return Table(["first", *names], [[f"row {at}", *row] for at, row in enumerate(rows * repeated)])


def csv_cell(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def csv_bytes(table: Table, delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(table.names)
    writer.writerows([csv_cell(value) for value in row] for row in table.rows)
    return text.getvalue().encode()


def json_bytes(table: Table, *, array: bool) -> bytes:
    records = [
        {
            name: value.isoformat() if isinstance(value, dt.date) else value
            for name, value in zip(table.names, row, strict=True)
        }
        for row in table.rows
    ]
    if array:
        return json.dumps(records, ensure_ascii=False, indent=1).encode()
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def drafted_and_processed(file: Path, content: bytes) -> Any:
    """The rows written, by column, after the draft was checked."""
    file.write_bytes(content)
    draft = draft_of(profiled(file, most_rows=1_000, trust_header=True), "things")
    folder = file.parent / "things"
    draft.write(folder)
    compiled = compiled_dataset(folder)
    assert compiled.plan is not None, compiled.findings
    with file.open("rb") as source:
        result = processed(source, compiled.plan)
    assert result.rejects == []
    return result


def agrees(found: Any, value: Any) -> bool:
    """Whether what was written is what was meant: words for missing values are none."""
    if value is None or (isinstance(value, str) and is_missing(value)):
        return found is None
    if found is None:  # a word that other columns of the file show to be none
        return csv_cell(value).strip().lower() in ("", "?", "-", *map(str.lower, MISSING))
    if isinstance(found, str):
        return found.strip() == csv_cell(value).strip() or moment(value) == moment(found)
    if isinstance(value, str):
        value = parsed_like(found, value)
    return bool(found == value)


def is_missing(text: str) -> bool:
    return text.strip() == "" or text.strip() in MISSING


def moment(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def parsed_like(found: Any, text: str) -> Any:
    """A text as the type that was found in it."""
    if isinstance(found, bool):
        return text.strip().lower() in ("true", "1")
    if isinstance(found, (int, float)):
        return type(found)(text)
    return type(found).fromisoformat(text.strip())


def check(table: Table, result: Any) -> None:
    """Columns keep their order; those without a name, or with one of ours, are none."""
    rows = result.table.to_pylist()
    assert result.counts.written == len(rows) == len(table.rows)
    columns = [
        values
        for name, values in zip(table.names, zip(*table.rows, strict=True), strict=True)
        if name.strip() and not name.startswith("_")
    ]
    *written, processed_date, status = result.table.column_names
    assert (processed_date, status) == ("processed_date", "status")
    for name, values in zip(written, columns, strict=True):
        for row, value in zip(rows, values, strict=True):
            assert agrees(row[name], value), (name, row[name], value)


@given(table=tables(), delimiter=st.sampled_from(",;\t|"))
@example(table=Table(["first", "status", "Status"], [["a", "x", None]]), delimiter=",")
@example(table=Table(["first", "yes", "a: b"], [["a", "null", "# x"]]), delimiter=";")
def test_csv(tmp_path: Path, table: Table, delimiter: str) -> None:
    check(table, drafted_and_processed(tmp_path / "things.csv", csv_bytes(table, delimiter)))


@given(table=tables(), array=st.booleans())
def test_json(tmp_path: Path, table: Table, array: bool) -> None:
    content = gzip.compress(json_bytes(table, array=array))
    check(table, drafted_and_processed(tmp_path / "things.json.gz", content))


SCALARS = st.one_of(st.none(), st.booleans(), INTEGERS, NUMBERS, TEXTS, st.sampled_from(YAML_WORDS))


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_values_read_back_as_what_they_were(value: Any) -> None:
    text = f"top: {{inside: {flow(value)}, after: 1}}\n"

    assert "\n" not in flow(value)
    assert yaml.load(text, yaml.CSafeLoader) == {"top": {"inside": value, "after": 1}}


@given(st.text(), st.integers(0, 12))
def test_comments_stay_comments(text: str, indent: int) -> None:
    lines = "\n".join(comment(f"{text} and {shown(text)}", indent))

    assert yaml.load(f"a: 1\n{lines}\nb: 2\n", yaml.CSafeLoader) == {"a": 1, "b": 2}
