from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import EmptyFileError, MalformedJsonError, NoRowsError
from pipeline.formats import RawChunk, json_array
from pipeline.formats import json as module
from pipeline.formats.readers import read_chunks
from pipeline.plan import REFUSED
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
        ('[{"i": 1}', "at character 10: ',' expected, 'the end' found"),
        ('[{"i": 1} {"i": 2}]', "at character 11: ',' expected, '{' found"),
        ('[{"i": 1}, ]', "at character 12: an element is broken"),
        ('[{"i": 1}, {"i": ', "at character 12: an element is broken or breaks off"),
        (' \r\n[{"i": 1}] x', "at character 15: text after the closing bracket"),
        ('[{"i": 1}] x', "at character 12: text after the closing bracket"),
        ('[{"i": 1}, nope, {"i": 2}]' + " " * 100, "at character 12: an element is broken"),
        ('[{"i": "\\x"}]' + " " * 100, "at character 2: an element is broken"),
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
        patch.setattr(module, "_typed_batch", lambda _block, _plan: None)
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
