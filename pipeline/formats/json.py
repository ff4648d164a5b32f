"""JSON files as raw record batches: JSON Lines, an array of objects, or objects one after another.

Blocks of lines whose rows have one shape are split at their commas; others go to pyarrow's JSON
reader with the contract's types. What neither takes (a malformed line, a value of another type
among rows of many shapes) is read line by line, with every value as the text it was written as, so
that the contract's checks can name the row and the value.

A name that a row has not is no value, as is `null`: writers of JSON leave names out, so that
`drift.missing_column` does not speak of JSON. What a row is too deeply nested for is a finding
about it; names that the contract does not know are passed over unless `drift.extra_column` says
otherwise.

JSON Lines are the usual case, and a malformed line costs itself alone. Where the first object goes
over several lines, or the text is one line of several objects, the file is read object by object;
one that is broken then costs the text up to the next line that begins with a brace. A broken array
is refused as a whole, with the place.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pipeline.errors import (
    DataError,
    EmptyFileError,
    MalformedJsonError,
    NestingLimitError,
    NoRowsError,
)
from pipeline.formats import CHUNK_ROWS, RawChunk, RawChunks, repairs_alone, row_numbers
from pipeline.formats.json_array import Notes, array_blocks, object_blocks
from pipeline.formats.json_blocks import Block
from pipeline.formats.json_columns import JsonColumns
from pipeline.formats.json_exact import exact_chunk, exact_portions, too_deep
from pipeline.formats.json_shaped import ShapedRows, chunk_of
from pipeline.formats.json_typed import typed_batch
from pipeline.formats.json_values import parsed_json
from pipeline.formats.limits import LimitedLines, is_too_deep, limit_error
from pipeline.formats.text import BLOCK_BYTES as TEXT_BYTES
from pipeline.masking import shown_row
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.findings import Reject
    from pipeline.formats.text import TextStream
    from pipeline.plan import Plan
    from pipeline.plan_contract import Limits

BLOCK_BYTES: Final = 12 * 1024 * 1024
"""Names stand in each row: it takes so much text for as many rows as a block of CSV has."""
_HEAD_BYTES: Final = 4096
_SHOWN_CHARACTERS: Final = 200


def read_json(text: TextStream, plan: Plan) -> RawChunks:
    """Yield the file's rows, a block at a time.

    Raises
    ------
    EmptyFileError, NoRowsError, MalformedJsonError
        If the file as a whole is not a sequence of JSON objects.
    ExtraColumnError
        If a row has a name that the contract has not, where the dataset refuses such files.
    RowLimitError, NestingLimitError
        If a row has too many bytes, or its first rows are all nested too deeply.
    """
    first_line = 1 + text.skip_blank_lines()
    if not text.head(_HEAD_BYTES).strip():
        raise EmptyFileError(
            "The file holds nothing but white space.", remedy="Check the export that wrote it."
        )
    notes = Notes(salvage=plan.drift.salvage)
    columns = JsonColumns(plan)
    shaped = ShapedRows(columns)
    passed = 0
    for block in _blocks(text, plan, first_line, notes):
        for chunk in _chunks(block, passed, columns, shaped):
            if not passed and not chunk.batch.num_rows:
                raise _no_rows_in(chunk.malformed, plan)
            passed += chunk.rows
            yield chunk
    if not passed:
        raise NoRowsError(
            "The file holds no JSON objects.", remedy="Check the export that wrote it."
        )
    if notes.repairs:
        yield repairs_alone([replace(repair, row_number=passed) for repair in notes.repairs])


def _blocks(text: TextStream, plan: Plan, first_line: int, notes: Notes) -> Iterator[Block]:
    head = text.head(_HEAD_BYTES).lstrip()
    if head.startswith(b"["):
        return array_blocks(text, plan.limits, first_line, notes)
    if _is_object_by_object(text, head, plan.limits):
        return object_blocks(text, plan.limits, first_line)
    return _line_blocks(LimitedLines(text, plan.limits), first_line)


def _is_object_by_object(text: TextStream, head: bytes, limits: Limits) -> bool:
    """Whether the first object goes over several lines, or all objects stand in one line."""
    if not head.startswith(b"{"):
        return False
    if b"\n" not in head:
        head = text.head(limits.max_row_bytes)
    line = head.lstrip().partition(b"\n")[0]
    if is_too_deep(line, 1, limits) or isinstance(parsed_json(line), dict):
        return False
    whole = text.head(limits.max_row_bytes).decode("utf-8", "ignore").lstrip()
    try:
        _, end = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(whole)
    except (ValueError, RecursionError):
        return False
    several_lines = "\n" in whole[:end] or "\r" in whole[:end]
    one_line = "\n" not in whole.strip() and whole[end:].lstrip().startswith("{")
    return several_lines or one_line


def _no_rows_in(malformed: list[Reject], plan: Plan) -> DataError:
    """What is wrong with a file of which all of the first rows are malformed."""
    message = too_deep(plan.limits).message
    if all(reject.violations[0].message == message for reject in malformed):
        row = malformed[0].row_number
        found = f"All of the first {len(malformed):,} rows are nested too deeply, from row {row} on"
        return limit_error(NestingLimitError, plan.limits, "max_nesting", found)
    first = malformed[0]
    shown = str(shown_row(first.raw, plan))[:_SHOWN_CHARACTERS]
    return MalformedJsonError(
        f"The file is not JSON Lines nor a JSON array of objects: no line is a JSON object; line "
        f"{first.line} is {shown!r}.",
        remedy="Deliver one JSON object a line, or one array of objects.",
    )


def _line_blocks(text: LimitedLines, first_line: int) -> Iterator[Block]:
    """Blocks that end at the end of a line and hold more than blanks."""
    begun: list[bytes | memoryview] = []
    while more := text.read(min(BLOCK_BYTES, TEXT_BYTES)):
        end = more.rfind(b"\n")
        if end < 0 or sum(map(len, begun)) + end + 1 < BLOCK_BYTES:
            begun.append(more)
            continue
        block = Block(b"".join([*begun, memoryview(more)[:end]]), first_line)
        begun = [memoryview(more)[end + 1 :]]
        first_line += 1 + len(block.ends)
        if block.body:
            yield block
    last = Block(b"".join(begun), first_line)
    if last.body:
        yield last


def _chunks(block: Block, passed: int, columns: JsonColumns, shaped: ShapedRows) -> RawChunks:
    """The rows of a block, at most `CHUNK_ROWS` lines at a time."""
    for piece in block.pieces(CHUNK_ROWS):
        chunk = _quick_chunk(piece, passed, columns, shaped)
        if chunk is not None:
            passed += chunk.rows
            yield chunk
            continue
        for rows in exact_portions(piece.rows()):
            numbers = range(passed + 1, passed + len(rows) + 1)
            chunk = exact_chunk(rows, numbers, columns)
            passed += chunk.rows
            yield chunk


def _quick_chunk(
    block: Block, passed: int, columns: JsonColumns, shaped: ShapedRows
) -> RawChunk | None:
    """The rows of a block, read in the faster of two ways that it can be read in."""
    if shaped.goes_first(block):
        return shaped.chunk(block, passed) or _typed_chunk(block, passed, columns)
    return _typed_chunk(block, passed, columns) or shaped.chunk(block, passed)


def _typed_chunk(block: Block, passed: int, columns: JsonColumns) -> RawChunk | None:
    batch = typed_batch(block.body, columns)
    if batch is None:
        return None
    numbers = row_numbers(passed + 1, batch.num_rows)
    return chunk_of(batch.append_column(ROW_NUMBER, numbers), block, passed)
