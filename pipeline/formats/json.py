"""JSON files as raw record batches: JSON Lines, or an array of objects.

Blocks of lines go to pyarrow's JSON reader with the contract's types. A block that it refuses (a
malformed line, a value of another type) is read line by line instead, with every value as the
text it was written as, so that the contract's checks can name the row and the value.

What a row is too deeply nested for is a finding about it; names that the contract does not know are
passed over, however many there are.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from pipeline.arrow_types import LOGICAL
from pipeline.errors import (
    DataError,
    EmptyFileError,
    MalformedJsonError,
    NestingLimitError,
    NoRowsError,
)
from pipeline.findings import Reject, Violation
from pipeline.formats import CHUNK_ROWS, RawChunk, RawChunks, row_numbers
from pipeline.formats.json_array import array_elements
from pipeline.formats.limits import LimitedLines, is_too_deep, limit_error
from pipeline.formats.text import BLOCK_BYTES, TextStream
from pipeline.plan import REFUSED, ROW_NUMBER
from pipeline.rules import Reason, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.plan import Column, Limits, Plan

_HEAD_BYTES: Final = 4096
_TYPED: Final = ("integer", "number", "boolean")
_SHOWN_CHARACTERS: Final = 200
_NO_OBJECT: Final = Violation(None, str(Reason.SYNTAX), None, spoken(Reason.SYNTAX, None))


def read_json(text: TextStream, plan: Plan) -> RawChunks:
    """Yield the file's rows, a block at a time.

    Raises
    ------
    EmptyFileError, NoRowsError, MalformedJsonError
        If the file as a whole is not a sequence of JSON objects.
    RowLimitError, NestingLimitError
        If a row has too many bytes, or its first rows are all nested too deeply.
    """
    text.skip_blank_lines()
    head = text.head(_HEAD_BYTES).lstrip()
    if not head:
        raise EmptyFileError(
            "The file holds nothing but white space.", remedy="Check the export that wrote it."
        )
    if head.startswith(b"["):
        blocks = array_elements(text, plan.limits)
    else:
        blocks = _line_blocks(LimitedLines(text, plan.limits))
    passed = 0
    for block in blocks:
        for chunk in _chunks(block, passed, plan):
            if not passed and not chunk.batch.num_rows:
                raise _no_rows_in(chunk.malformed, plan.limits)
            passed += chunk.rows
            yield chunk
    if not passed:
        raise NoRowsError(
            "The file holds no JSON objects.", remedy="Check the export that wrote it."
        )


def _no_rows_in(malformed: list[Reject], limits: Limits) -> DataError:
    """What is wrong with a file of which all of the first rows are malformed."""
    if all(reject.violations[0].message == _too_deep(limits).message for reject in malformed):
        row = malformed[0].row_number
        found = f"All of the first {len(malformed):,} rows are nested too deeply, from row {row} on"
        return limit_error(NestingLimitError, limits, "max_nesting", found)
    first = malformed[0]
    shown = str(first.raw)[:_SHOWN_CHARACTERS]
    return MalformedJsonError(
        f"The file is not JSON Lines nor a JSON array of objects: no line is a JSON object; line "
        f"{first.row_number} is {shown!r}.",
        remedy="Deliver one JSON object a line, or one array of objects.",
    )


def _line_blocks(text: LimitedLines) -> Iterator[bytes]:
    """Blocks that end at the end of a line and hold more than blanks."""
    begun: list[bytes] = []
    while block := text.read(BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        if not end:
            begun.append(block)
            continue
        lines = b"".join([*begun, block[:end]])
        begun = [block[end:]]
        if not lines.isspace():
            yield lines
    last = b"".join(begun)
    if last and not last.isspace():
        yield last


def _chunks(block: bytes, passed: int, plan: Plan) -> RawChunks:
    """The rows of a block, at most `CHUNK_ROWS` at a time."""
    batch = _typed_batch(block, plan)
    if batch is None:
        lines = _lines(block)
        for first in range(0, len(lines), CHUNK_ROWS):
            yield _text_chunk(lines[first : first + CHUNK_ROWS], passed + first, plan)
        return
    for first in range(0, batch.num_rows, CHUNK_ROWS):
        yield _typed_chunk(batch.slice(first, CHUNK_ROWS), block, passed, first)


def _typed_chunk(batch: pa.RecordBatch, block: bytes, passed: int, first: int) -> RawChunk:
    """The rows of a batch, which are those of its block from the position `first` on."""
    numbers = row_numbers(passed + first + 1, batch.num_rows)
    lines: list[bytes] = []

    def raw_of(row_number: int) -> Any:
        if not lines:
            lines.extend(_lines(block))
        return _plain_json(_parsed_line(lines[row_number - passed - 1]))

    return RawChunk(batch.append_column(ROW_NUMBER, numbers), raw_of=raw_of)


def _lines(block: bytes) -> list[bytes]:
    return [line for line in block.split(b"\n") if line.strip()]


def _typed_batch(block: bytes, plan: Plan) -> pa.RecordBatch | None:
    """Columns of the contract as pyarrow types them, or None if line and row may not agree.

    Where every line but the last ends in `}` and every line but the first begins with `{`, a
    parsed object cannot reach over a line's end: row n is line n.
    """
    body = block.strip().replace(b"}\r\n", b"}\n")
    lines = body.count(b"\n") + 1
    if not body.startswith(b"{") or body.count(b"}\n{") != lines - 1:
        return None
    if is_too_deep(body, lines, plan.limits):
        return None
    schema = pa.schema([(column.name, _declared(column)) for column in plan.columns])
    try:
        table = pajson.read_json(
            pa.BufferReader(body),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(body) + 1),
            parse_options=pajson.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != lines or not all(map(_finite, table.columns)):
        return None
    return table.combine_chunks().to_batches()[0]


def _finite(column: pa.ChunkedArray) -> bool:
    """Tell whether a column is free of NaN and the infinities, which JSON has not."""
    floating = pa.types.is_floating(column.type)
    return not floating or bool(pc.all(pc.is_finite(column), min_count=0).as_py())


def _declared(column: Column) -> pa.DataType:
    return LOGICAL[column.type] if column.type in _TYPED else pa.string()


def _text_chunk(lines: list[bytes], passed: int, plan: Plan) -> RawChunk:
    """The slow and exact way: each value as its own text, malformed lines as rejects."""
    rows: dict[int, dict[str, Any]] = {}
    malformed: list[Reject] = []
    for number, line in enumerate(lines, start=passed + 1):
        deep = is_too_deep(line, 1, plan.limits)
        row = None if deep else _parsed_line(line)
        if isinstance(row, dict):
            rows[number] = row
        else:
            violation = _too_deep(plan.limits) if deep else _NO_OBJECT
            malformed.append(Reject(number, (violation,), line.decode()))
    columns = {ROW_NUMBER: pa.array(list(rows), pa.int64())}
    for column in plan.columns:
        values = [row.get(column.name) for row in rows.values()]
        columns[column.name] = pa.array([_text_of(value) for value in values], pa.string())
        refused = [_misfits(value, column) for value in values]
        if any(refused):
            columns[f"{REFUSED}{column.name}"] = pa.array(refused, pa.bool_())
    batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
    return RawChunk(batch, malformed, raw_of=lambda number: _plain_json(rows[number]))


def _too_deep(limits: Limits) -> Violation:
    message = f"the line is nested deeper than {limits.max_nesting:,} levels (limits.maxNesting)"
    return Violation(None, str(Reason.SYNTAX), None, message)


class _Number(str):
    """A JSON number by its own digits."""

    __slots__ = ()


def _parsed_line(line: bytes) -> Any:
    r"""JSON value of a line with numbers as their text; None where it is not JSON.

    Half a surrogate pair (`"\ud800"`) is no text.
    """
    try:
        value = json.loads(line, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
        if b"\\u" in line:
            json.dumps(_plain_json(value), ensure_ascii=False).encode()
    except ValueError:
        return None
    return value


def _misfits(value: Any, column: Column) -> bool:
    """Whether a value has a JSON type that the column's type rules out, whatever it says."""
    if column.type != "string" or value is None:
        return isinstance(value, (dict, list))
    return not isinstance(value, str) or isinstance(value, _Number)


def _text_of(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(_plain_json(value), ensure_ascii=False)
    return value if value is None else str(value)


def _plain_json(value: Any) -> Any:
    """JSON value with its numbers as numbers again."""
    if isinstance(value, _Number):
        return _number(value)
    if isinstance(value, dict):
        return {name: _plain_json(item) for name, item in value.items()}
    return [_plain_json(item) for item in value] if isinstance(value, list) else value


def _number(digits: str) -> Any:
    """Number of its digits; the digits themselves where no JSON number can be made of them."""
    try:
        number = json.loads(digits)
    except ValueError:
        return str(digits)
    return number if isinstance(number, int) or math.isfinite(number) else str(digits)
