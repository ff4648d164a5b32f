from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.formats import RawChunk, json_shaped, json_shapes
from pipeline.formats import json as module
from pipeline.formats.json_shapes import shape_of
from pipeline.formats.readers import read_chunks
from pipeline.plan import REFUSED, ROW_NUMBER, Plan
from pipeline.plan_contract import Column, Source, Spelling
from pipeline.plan_steps import Drift
from tests.unit.pipeline.support import row_numbers

COLUMNS = (
    Column("s", "string"),
    Column("i", "integer"),
    Column("n", "number", spelling=Spelling(decimal_char=",")),
    Column("m", "number"),
    Column("b", "boolean", spelling=Spelling(true=("Y",))),
    Column("d", "date"),
    Column("absent", "string"),
)


def plan_with(drift: Drift | None = None) -> Plan:
    source = Source("json", missing_values=("-999", "NA"))
    return Plan("things", "0" * 16, "1", source, COLUMNS, drift=drift or Drift())


def read(text: str, drift: Drift | None = None) -> list[RawChunk]:
    return list(read_chunks(io.BytesIO(text.encode()), plan_with(drift)))


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a block is, it is read by its shape if it has one."""
    monkeypatch.setattr(json_shaped, "LEAST_BYTES", 0)
    monkeypatch.setattr(json_shaped, "FIRST_BYTES", 0)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=4)
    | st.sampled_from([-999, -999.0, "-999", "NA", "late", 'a,"b":1', "\x85", [], [1, 2], {"s": 1}])
)
NAMES = ("s", "i", "n", "m", "b", "d", "other")
REGULAR = st.tuples(*[VALUES] * len(NAMES)).map(lambda row: dict(zip(NAMES, row, strict=True)))
IRREGULAR = st.dictionaries(st.sampled_from([*NAMES, "absent", "more"]), VALUES)
LINES = st.one_of(
    *[st.builds(json.dumps, REGULAR, ensure_ascii=st.booleans())] * 4,
    st.builds(json.dumps, IRREGULAR),
    st.builds(json.dumps, REGULAR, separators=st.just((",", ":"))),
    st.sampled_from(
        [
            *("", " ", "nonsense", "[1]", "{}", "null", '{"s": 1', '{"s": "\\ud83d"}'),
            '{"s": "x", "i": 01, "n": 1., "m": +1, "b": True, "d": \'d\', "other": .5}',
            '{"s": "x", "i": 1, "n": NaN, "m": Infinity, "b": 1e400, "d": -0.0, "other": NaN}',
            '{"s": "\t", "i": 1, "n": 1, "m": 1, "b": 1, "d": 1, "other": 1}',
            '{"s": 1 , "i":  2,"n": 1, "m": 1, "b": 1, "d": 1, "other": 1} ',
            '{"s": 1, "s": 2, "n": 1, "m": 1, "b": 1, "d": 1, "other": 1}',
            '{"s": "a", "i": "b"}, {"n": 1, "m": 1, "b": 1, "d": 1, "other": 1}',
            '{"s": "a, "i": 1", "n": 1, "m": 1, "b": 1, "d": 1, "other": 1}',
            '{"s": "a, "i": 1, "n": 1, "m": 1, "b": 1, "d": "b", "other": 1}',
            '{"s": "x", "i": True, "n": 1, "m": 1, "b": 1, "d": 1, "other": 1}',
            '{"s": "x", "i": "late", "n": 1, "m": 1, "b": 1, "d": 1, "other": 1,}',
            '{"s": \ufeff"x", "i": \ufeff1, "n": 1, "m": 1, "b": 1, "d": 1, "other": 1}',
            '{"s": "x", "i": 1, "n": 1, "m": 1, "b": 1, "d": 1, "other": 1}\x0c',
            *("\x0b", "\x0c", " \x1c"),
        ]
    ),
)


def found_in(chunks: list[RawChunk]) -> dict[str, Any]:
    """All that chunks say of a file, whatever types say it."""
    rows: dict[int, dict[str, Any]] = {}
    raw: dict[int, Any] = {}
    for chunk in chunks:
        for row in chunk.batch.to_pylist():
            number = row[ROW_NUMBER]
            rows[number] = {
                name: value for name, value in row.items() if value not in (None, False)
            }
            raw[number] = chunk.raw_of(number) if chunk.raw_of else None
    lines = {n: chunk.line_of(n) for chunk in chunks if chunk.line_of for n in row_numbers([chunk])}
    rejects = [reject for chunk in chunks for reject in chunk.malformed]
    repairs = [repair for chunk in chunks for repair in chunk.repairs]
    return {"rows": rows, "raw": raw, "lines": lines, "rejects": rejects, "repairs": repairs}


def outcome(text: str, drift: Drift) -> Any:
    try:
        return found_in(read(text, drift))
    except DataError as error:
        return str(error)


@given(
    st.lists(LINES, min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([16, 200, 1 << 22]),
    st.sampled_from([3, 100]),
    st.builds(
        Drift,
        extra_column=st.sampled_from(["ignore", "keep", "reject-file"]),
        salvage=st.booleans(),
    ),
)
def test_the_way_by_shape_gives_what_the_exact_way_gives(
    lines: list[str], end: str, block: int, rows: int, drift: Drift
) -> None:
    text = end.join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", block)
        patch.setattr(module, "CHUNK_ROWS", rows)
        patch.setattr(module, "typed_batch", lambda _text, _columns: None)
        exact = outcome(text, drift)
        patch.setattr(json_shaped, "LEAST_BYTES", 0)
        patch.setattr(json_shapes, "_MOST_ODD", 0.9)
        shaped = outcome(text, drift)

    assert shaped == exact


ROW = '{"s":"x","i":1,"n":1.5,"m":2,"b":true,"d":"2013-01-31"}'
ROWS = [ROW] * 20


def is_encoded(chunk: RawChunk, name: str) -> bool:
    return bool(pa.types.is_dictionary(chunk.batch.schema.field(name).type))


def test_values_are_the_texts_that_they_are_written_as(always: None) -> None:
    # GIVEN values of other types, and a line without one of the names
    odd = [
        '{"s":5,"i":"late","n":-999,"m":-999,"b":null,"d":20130131}',
        '{"s":"y","i":2,"m":3.50,"b":false,"d":null}',
    ]

    # WHEN
    (chunk,) = read("\n".join([*ROWS, *odd, *ROWS]))

    # THEN they stand in their rows
    assert is_encoded(chunk, "s")
    names = ["s", "i", "n", "m", "b", "d", "absent"]
    found = [tuple(row[name] for name in names) for row in chunk.batch.to_pylist()]
    usual = ("x", "1", "1,5", "2", "Y", "2013-01-31", None)
    assert found == [
        *[usual] * 20,
        ("5", "late", None, None, None, "20130131", None),
        ("y", "2", None, "3.50", "false", None, None),
        *[usual] * 20,
    ]
    refused = chunk.batch.column(f"{REFUSED}s").to_pylist()
    assert refused == [at == 20 for at in range(42)]
    assert chunk.batch.column(ROW_NUMBER).to_pylist() == list(range(1, 43))


def test_malformed_lines_cost_themselves_alone(always: None) -> None:
    (chunk,) = read("\n".join([*ROWS, "nonsense", *ROWS, ROW[:-9]]))

    assert is_encoded(chunk, "s")
    assert [(bad.row_number, bad.line, bad.raw) for bad in chunk.malformed] == [
        (21, 21, "nonsense"),
        (42, 42, ROW[:-9]),
    ]
    assert chunk.batch.column(ROW_NUMBER).to_pylist() == [*range(1, 21), *range(22, 42)]


def test_a_mended_line_is_shown_as_it_was_mended(always: None) -> None:
    """It is no JSON as it stands in the file, and its row may be rejected all the same."""
    (chunk,) = read("\n".join([*ROWS, ROW.replace("true", "True")]), Drift(salvage=True))

    assert chunk.raw_of is not None
    assert chunk.raw_of(len(ROWS) + 1) == json.loads(ROW)
    assert chunk.raw_of(len(ROWS)) == json.loads(ROW)


@pytest.mark.parametrize(
    "line", [ROW.replace('"x"', '\ufeff"x"'), f"{ROW}\x0c", f"\x0b{ROW}", "nonsense"]
)
@pytest.mark.parametrize("at", [0, 10, 20])
def test_what_is_no_json_is_malformed_wherever_it_stands(always: None, line: str, at: int) -> None:
    lines = [*ROWS[:at], line, *ROWS[at:]]

    (chunk,) = read("\n".join(lines))

    assert [reject.row_number for reject in chunk.malformed] == [at + 1]
    good = chunk.batch.column(ROW_NUMBER).to_pylist()
    assert good == [number for number in range(1, len(lines) + 1) if number != at + 1]


def test_rows_of_many_shapes_are_left_to_the_other_ways(always: None) -> None:
    others = ['{"i":1,"s":"x"}', '{"s":"x"}', '{"d":"2013-01-31","s":"x"}'] * 3

    (chunk,) = read("\n".join([*ROWS, *others]))

    assert not is_encoded(chunk, "s")


def test_columns_of_many_values_are_not_encoded(
    always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a column whose values are all different, in blocks of about twenty rows
    monkeypatch.setattr(module, "BLOCK_BYTES", 20 * len(ROW))
    rows = [ROW.replace('"x"', f'"{number}"') for number in range(60)]

    # WHEN
    chunks = read("\n".join(rows))

    # THEN it is plain text, the others are not
    assert len(chunks) > 1
    assert [is_encoded(chunk, "s") for chunk in chunks] == [False] * len(chunks)
    assert all(is_encoded(chunk, "i") for chunk in chunks)
    assert [text for chunk in chunks for text in chunk.batch.column("s").to_pylist()] == [
        str(number) for number in range(60)
    ]


def test_files_of_many_values_are_left_to_the_json_reader(
    always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    rows = [
        json.dumps({"s": str(at), "i": at, "n": 0.5 + at, "m": -at, "d": f"d{at}", "b": True})
        for at in range(100)
    ]

    chunks = read("\n".join(rows))

    assert len(chunks) > 1
    assert {chunk.batch.schema.field("i").type for chunk in chunks} == {pa.int64()}


def test_odd_values_among_many_values_do_not_cost_their_block(always: None) -> None:
    rows = [json.dumps({"s": str(at), "i": at, "m": -at}) for at in range(100)]
    rows[50] = '{"s": "50", "i": "late", "m": -50}'

    (chunk,) = read("\n".join([*rows, "nonsense"]))

    assert chunk.batch.column("i").to_pylist() == [
        *map(str, range(50)),
        "late",
        *map(str, range(51, 100)),
    ]
    assert [bad.row_number for bad in chunk.malformed] == [101]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ('{"a":1}', [("a", '{"a":', "}")]),
        ('{"a": 1, "é": "x" }', [("a", '{"a": ', ""), ("é", ' "é": ', " }")]),
        ('x\n{"a":1,"b":2}\r\n', [("a", '{"a":', ""), ("b", '"b":', "}")]),
    ],
)
def test_shapes(line: str, parts: list[tuple[str, str, str]]) -> None:
    assert shape_of(line.encode()) == tuple(parts)


@pytest.mark.parametrize(
    "line",
    ["", "{}", '{"a":1', '{"a":1,"a":2}', '{"a":"x,y"}', '{"a\\n":1}', "[1]", '{"a":\r1}'],
)
def test_lines_whose_commas_show_no_shape(line: str) -> None:
    assert shape_of(line.encode()) is None
