from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import EmptyFileError, ExtraColumnError, MalformedJsonError, NoRowsError
from pipeline.formats import RawChunk, json_array
from pipeline.formats import json as module
from pipeline.formats.readers import read_chunks
from pipeline.plan import REFUSED, Plan
from pipeline.plan_contract import Column, Source, Spelling
from pipeline.plan_steps import Drift
from tests.unit.pipeline.support import good_rows, plan_of, row_numbers

COLUMNS = {
    "s": "string",
    "i": "integer",
    "n": "number",
    "b": "boolean",
    "d": "date",
}


def read(data: str | bytes) -> list[RawChunk]:
    encoded = data.encode() if isinstance(data, str) else data
    return list(read_chunks(io.BytesIO(encoded), plan_of(COLUMNS, format="json")))


def values(chunks: list[RawChunk], column: str) -> list[Any]:
    return [row[column] for row in good_rows(chunks)]


def malformed(chunks: list[RawChunk]) -> list[tuple[int, str, Any]]:
    return [
        (bad.row_number, str(bad.violations[0].rule), bad.raw)
        for chunk in chunks
        for bad in chunk.malformed
    ]


ROWS = [{"s": "x", "i": 1, "n": 1.5, "b": True, "d": "2013-01-31"}, {"s": None, "i": 2}]


@pytest.mark.parametrize(
    "data",
    [
        "\n".join(map(json.dumps, ROWS)),
        "\n".join(map(json.dumps, ROWS)) + "\n",
        "\r\n".join(map(json.dumps, ROWS)) + "\r\n",
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2) + "\n",
        " \n" + json.dumps(ROWS),
        "\ufeff" + json.dumps(ROWS),
        " \n\r\n" + "\n".join(map(json.dumps, ROWS)),
    ],
)
def test_spellings_of_one_table(data: str) -> None:
    chunks = read(data)

    assert list(good_rows(chunks)) == [
        {"s": "x", "i": 1, "n": 1.5, "b": True, "d": "2013-01-31", "_row_number": 1},
        {"s": None, "i": 2, "n": None, "b": None, "d": None, "_row_number": 2},
    ]
    raw = [chunk.raw_of(n) for chunk in chunks for n in row_numbers([chunk]) if chunk.raw_of]
    assert raw == ROWS


def test_values_of_another_type_come_as_the_text_they_were_written_as() -> None:
    chunks = read('{"i": 1.0, "n": 1e400, "b": 1, "d": 20130131}\n{"i": "7", "b": true}\n')

    assert values(chunks, "i") == ["1.0", "7"]
    assert values(chunks, "n") == ["1e400", None]
    assert values(chunks, "b") == ["1", "true"]
    assert values(chunks, "d") == ["20130131", None]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_that_are_no_json_numbers_are_left_to_the_contract(word: str) -> None:
    chunks = read(f'{{"n": {word}}}\n{{"n": 1}}\n')

    assert values(chunks, "n") == [word, "1"]
    assert chunks[0].raw_of is not None
    assert chunks[0].raw_of(1) == {"n": word}


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 5000])
def test_numbers_too_large_are_kept_by_their_digits(number: str) -> None:
    (chunk,) = read(f'{{"n": {number}}}\n')

    assert chunk.raw_of is not None
    assert chunk.raw_of(1) == {"n": number}
    json.dumps(chunk.raw_of(1), allow_nan=False)


def test_lines_that_are_no_objects_are_findings() -> None:
    chunks = read('{"i": 1}\nnonsense\n\n[1]\n{"i": 2}\n{"i": 3\n')

    assert values(chunks, "_row_number") == [1, 4]
    assert malformed(chunks) == [
        (2, "syntax", "nonsense"),
        (3, "syntax", "[1]"),
        (5, "syntax", '{"i": 3'),
    ]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"s": 5}', "5"),
        ('{"s": true}', "true"),
        ('{"s": [1]}', "[1]"),
        ('{"i": [1, 2.5]}', "[1, 2.5]"),
        ('{"i": {"x": 1}}', '{"x": 1}'),
    ],
)
def test_values_that_no_column_can_hold_are_marked(line: str, text: str) -> None:
    (chunk,) = read(line + '\n{"s": "x", "i": 1}\n')

    (column,) = json.loads(line)
    assert chunk.batch.column(column)[0].as_py() == text
    assert chunk.batch.column(f"{REFUSED}{column}").to_pylist() == [True, False]
    assert chunk.raw_of is not None
    assert chunk.raw_of(1) == json.loads(line)


def test_half_a_surrogate_pair_is_no_text() -> None:
    chunks = read('{"s": "\\ud83d\\ude00"}\n{"s": "\\ud83d"}\n{"s": 1}\n')

    assert values(chunks, "s") == ["😀", "1"]
    assert malformed(chunks)[0] == (2, "syntax", '{"s": "\\ud83d"}')


def test_what_is_nested_too_deeply_is_a_finding() -> None:
    deep = "[" * 600 + "]" * 600

    chunks = read(f'{{"s": {deep}}}\n{{"s": "x"}}\n')

    assert values(chunks, "s") == ["x"]
    assert [found[:2] for found in malformed(chunks)] == [(1, "syntax")]


def test_a_word_given_twice_counts_last() -> None:
    assert values(read('{"i": 1, "i": 2}\n'), "i") == ["2"]


def test_several_objects_on_a_line_are_a_finding() -> None:
    assert malformed(read('{"i": 1}\n{"i": 2}{"i": 3}\n')) == [(2, "syntax", '{"i": 2}{"i": 3}')]


@pytest.mark.parametrize("data", ["", " \n\t"])
def test_an_empty_file_is_named(data: str) -> None:
    with pytest.raises(EmptyFileError):
        read(data)


@pytest.mark.parametrize("data", ["[]", " [ \n ] \n"])
def test_an_empty_array_has_no_rows(data: str) -> None:
    with pytest.raises(NoRowsError):
        read(data)


@pytest.mark.parametrize(
    ("data", "shown"), [("a,b\n1,2\n", "'a,b'"), ('"text"\n', "text"), ("[1, 2]", "'1'")]
)
def test_a_file_without_one_object_is_named_with_its_first_line(data: str, shown: str) -> None:
    with pytest.raises(MalformedJsonError, match="nor a JSON array of objects") as raised:
        read(data)

    assert shown in str(raised.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('[{"i": 1}', "at character 10 (line 1): ',' expected, 'the end' found"),
        ('[{"i": 1} {"i": 2}]', "at character 11 (line 1): ',' expected, '{' found"),
        ('[{"i": 1}, ]', "at character 12 (line 1): a comma stands before the closing bracket"),
        ('[{"i": 1}, {"i": ', "at character 12 (line 1): an element is broken or breaks off"),
        (' \r\n[{"i": 1}] x', "at character 15 (line 2): text after the closing bracket"),
        ('[{"i": 1}] x', "at character 12 (line 1): text after the closing bracket"),
        (
            '[{"i": 1}, nope, {"i": 2}]' + " " * 100,
            "at character 12 (line 1): an element is broken",
        ),
        ('[{"i": "\\x"}]' + " " * 100, "at character 2 (line 1): an element is broken"),
    ],
)
def test_a_broken_array_is_named_with_the_place(data: str, message: str) -> None:
    with pytest.raises(MalformedJsonError) as raised:
        read(data)

    assert message in str(raised.value)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=5)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "s": st.none() | CELLS,
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "n": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "b": st.none() | st.booleans(),
        "d": st.none() | st.dates().map(str),
        "other": st.recursive(st.none() | CELLS, lambda x: st.lists(x, max_size=2), max_leaves=3),
    },
)


@given(
    st.lists(OBJECTS, min_size=1, max_size=20),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.sampled_from([16, 100, 1 << 22]),
)
def test_arrays_and_lines_give_the_same_rows_on_the_fast_and_the_slow_path(
    objects: list[dict[str, Any]], array: bool, ascii_only: bool, indent: int | None, block: int
) -> None:
    lines = [json.dumps(item, ensure_ascii=ascii_only) for item in objects]
    text = (
        json.dumps(objects, ensure_ascii=ascii_only, indent=indent) if array else "\n".join(lines)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", block)
        patch.setattr(json_array, "BLOCK_BYTES", block)
        fast = read(text)
        patch.setattr(module, "typed_batch", lambda _block, _columns: None)
        slow = read(text)

    for chunks in (fast, slow):
        assert row_numbers(chunks) == list(range(1, len(objects) + 1))
        assert values(chunks, "s") == [item.get("s") for item in objects]
        raw = [chunk.raw_of(n) for chunk in chunks for n in row_numbers([chunk]) if chunk.raw_of]
        assert raw == objects
    for column, kind in (("i", int), ("n", float), ("d", str)):
        texts = [None if text is None else kind(text) for text in values(slow, column)]
        assert texts == [item.get(column) for item in objects]
        mixed = [None if value is None else kind(value) for value in values(fast, column)]
        assert mixed == texts


NESTED = (
    Column("t", "string", source="a.t"),
    Column("v", "number", source="a.l[1].v"),
    Column("i", "integer"),
)


def read_as(data: str, *columns: Column, drift: Drift | None = None, **source: Any) -> RawChunk:
    plan = Plan("things", "0" * 16, "1", Source("json", **source), columns, drift=drift or Drift())
    (chunk,) = read_chunks(io.BytesIO(f"{data.rstrip()}\n".encode()), plan)
    return chunk


def test_columns_are_read_by_their_paths() -> None:
    data = """{"a": {"t": "x", "l": [{"v": 1}, {"v": 2.5}]}, "i": 1}
{"a": null, "i": 2}
{"a": {"t": null, "l": [{}]}}
{"a": {"l": null}}
"""

    chunk = read_as(data, *NESTED)

    assert chunk.batch.schema.field("a.l[1].v").type == pa.float64()  # the fast way
    assert chunk.batch.column("a.t").to_pylist() == ["x", None, None, None]
    assert chunk.batch.column("a.l[1].v").to_pylist() == [2.5, None, None, None]
    assert chunk.batch.column("i").to_pylist() == [1, 2, None, None]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (['{"a.t": "n"}', '{"a.t": null}'], ["n", None]),
        (['{"a.t": "n", "a": {"t": "p"}}', '{"a": {"t": "p"}}'], ["n", "p"]),
        (['{"a.t": null, "a": {"t": "p"}}', '{"a": 5}'], [None, None]),
    ],
)
def test_a_name_goes_before_a_path(rows: list[str], expected: list[Any]) -> None:
    assert read_as("\n".join(rows), NESTED[0]).batch.column("a.t").to_pylist() == expected


def test_objects_and_arrays_are_json_text_with_their_digits() -> None:
    data = '{"o": {"x": 1.50, "é": ["\\n", null, true, 1E5]}, "l": [], "i": 7}\n{"o": "[1]"}\n'

    chunk = read_as(data, Column("o", "object"), Column("l", "array"), Column("i", "integer"))

    assert chunk.batch.column("o").to_pylist() == [
        '{"x": 1.50, "é": ["\\n", null, true, 1E5]}',
        "[1]",
    ]
    assert chunk.batch.column("l").to_pylist() == ["[]", None]


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("0.30000000000000004", True),
        ("10.357019999999999", True),
        ("1234567890123456", True),
        ("9007199254740993", False),
        ("0.10000000000000000001", False),
        ("-1.23456789012345678e5", False),
        ("1e-400", False),
        ("2.5e-320", True),
        ("2.53456e-320", False),
        ("1e-300", True),
    ],
)
@pytest.mark.parametrize("before", ["", '{"n": 1, "s": "12345678901234567890"}\n' * 3])
def test_no_digit_of_a_number_is_lost_in_silence(number: str, kept: bool, before: str) -> None:
    chunk = read_as(f'{before}{{"s": "x", "n":{number}}}', Column("n", "number"), NESTED[0])

    last = chunk.batch.column("n")[-1].as_py()
    assert (last == float(number)) if kept else (last == number)
    assert chunk.raw_of is not None
    assert chunk.raw_of(chunk.rows)["n"] in (number, float(number), int(float(number)) + 1)


def test_identifiers_of_many_digits_are_no_numbers_of_other_columns() -> None:
    data = '{"id": 9007199254740993, "n": 1.5, "t": {"n": "9007199254740993"}}\n'

    chunk = read_as(data, Column("id", "integer"), Column("n", "number"))

    assert chunk.batch.column("id").to_pylist() == [9007199254740993]
    assert chunk.batch.column("n").to_pylist() == [1.5]


def test_decimals_keep_their_digits() -> None:
    column = Column("n", "number", arrow="decimal128(20, 2)")

    chunk = read_as('{"n": 12345678901234567.25}\n{"n": 1e1}\n', column)
    assert chunk.batch.column("n").to_pylist() == [Decimal("12345678901234567.25"), Decimal(10)]

    chunk = read_as('{"n": 0.105}\n{"n": 1}\n', column)
    assert chunk.batch.column("n").to_pylist() == ["0.105", "1"]


@pytest.mark.parametrize("last", ['{"n": 1}', '{"n": "1"}'])
def test_numbers_that_stand_for_no_value_are_none(last: str) -> None:
    columns = (Column("n", "number"), Column("i", "integer"), Column("s", "string"))
    data = f'{{"n": -999.0, "i": -999, "s": "-999"}}\n{last}\n'

    chunk = read_as(data, *columns, missing_values=("-999", "NA"))

    assert [chunk.batch.column(name)[0].as_py() for name in "nis"] == [None, None, "-999"]


def test_values_take_the_spelling_that_the_contract_has_for_text() -> None:
    columns = (
        Column("n", "number", spelling=Spelling(decimal_char=",")),
        Column("b", "boolean", spelling=Spelling(true=("Y",), false=("N", "no"))),
    )

    chunk = read_as('{"n": 1.5, "b": true}\n{"n": "1,5", "b": "no"}\n{"b": false}\n', *columns)

    assert chunk.batch.column("n").to_pylist() == ["1,5", "1,5", None]
    assert chunk.batch.column("b").to_pylist() == ["Y", "no", "N"]


@pytest.mark.parametrize("words", [("false",), ("true", "x")])
def test_a_truth_value_may_stand_for_none(words: tuple[str, ...]) -> None:
    column = Column("b", "boolean", spelling=Spelling(missing=words))

    assert read_as('{"b": true}\n{"b": false}', column).batch.column("b").to_pylist() == [
        "true",
        "false",
    ]


EXTRA_ROWS = '{"i": 1, "a": {"t": "x", "other": 1}}\n\n{"i": 2, "p": 1.50, "q": {"r": []}}\n'


def test_names_that_the_contract_has_not_are_kept_as_json() -> None:
    chunk = read_as(EXTRA_ROWS, *NESTED, drift=Drift(extra_column="keep"))

    assert chunk.batch.column("_extra").to_pylist() == [None, '{"p": 1.50, "q": {"r": []}}']
    assert "_extra" not in read_as(EXTRA_ROWS, *NESTED).batch.schema.names


def test_names_that_the_contract_has_not_are_refused() -> None:
    with pytest.raises(ExtraColumnError, match=r"Row 2 \(line 3\) .*: 'p', 'q'\. Add"):
        read_as(EXTRA_ROWS, *NESTED, drift=Drift(extra_column="reject-file"))

    rows = '{"i": 1, "a": {"other": 1}}\n'
    assert read_as(rows, *NESTED, drift=Drift(extra_column="reject-file")).rows == 1


LINED = """

{"i": 1}

{"i": 2}
nope
{"i": 3}"""


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (LINED, {1: 3, 2: 5, 3: 6, 4: 7}),
        ("\n\r\n" + '{"i": 1}\r\n{"i": 2}\r\n', {1: 3, 2: 4}),
        ('\n[{"i": 1}, {"i": 2},\n\n{"i":\n 3}, {"i": 4}]', {1: 2, 2: 2, 3: 4, 4: 5}),
        ('\n{\n"i": 1}\n{\n"i": 2\n}', {1: 2, 2: 4}),
        ('{"i": 1}{"i": 2}', {1: 1, 2: 1}),
    ],
)
@pytest.mark.parametrize("block", [1, 12, 1 << 22])
def test_rows_have_the_lines_that_they_begin_in(
    data: str, lines: dict[int, int], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block)
    monkeypatch.setattr(json_array, "BLOCK_BYTES", block)

    chunks = read(data)

    found = {n: chunk.line_of(n) for chunk in chunks if chunk.line_of for n in row_numbers([chunk])}
    assert found == lines
    rejects = {bad.row_number: bad.line for chunk in chunks for bad in chunk.malformed}
    assert rejects.items() <= lines.items()


@pytest.mark.parametrize("block", [8, 1 << 22])
def test_a_broken_object_costs_the_text_up_to_the_next_one(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "BLOCK_BYTES", block)
    data = '{\n  "i": 1\n}\n{\n  "i": 2,,\n  "d": {}\n}\n{\n  "i": 3\n}\n{\n  "i": 4'

    chunks = read(data)

    assert values(chunks, "_row_number") == [1, 3]
    assert [bad.row_number for chunk in chunks for bad in chunk.malformed] == [2, 4]


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "a": st.none()
                | st.fixed_dictionaries(
                    {},
                    optional={
                        "t": st.none() | CELLS,
                        "l": st.none()
                        | st.lists(
                            st.fixed_dictionaries(
                                {}, optional={"v": st.floats(-1e9, 1e9) | st.integers(0, 9)}
                            ),
                            max_size=3,
                        ),
                    },
                ),
                "i": st.integers(0, 9),
            },
        ),
        min_size=1,
        max_size=8,
    )
)
def test_paths_give_the_same_values_on_the_fast_and_the_slow_path(rows: list[Any]) -> None:
    data = "\n".join(map(json.dumps, rows))
    fast = read_as(data, *NESTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "typed_batch", lambda _text, _columns: None)
        slow = read_as(data, *NESTED)

    for name, kind in (("a.t", str), ("a.l[1].v", float), ("i", int)):
        found = [
            None if text is None else kind(text) for text in slow.batch.column(name).to_pylist()
        ]
        mixed = [
            None if value is None else kind(value) for value in fast.batch.column(name).to_pylist()
        ]
        assert mixed == found
    expected = [((row.get("a") or {}).get("l") or [])[1:2] for row in rows]
    assert fast.batch.column("a.l[1].v").to_pylist() == [
        items[0].get("v") if items else None for items in expected
    ]
