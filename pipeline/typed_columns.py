"""A contract's column of one batch: as the file has it, as its type, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import column_type
from pipeline.distinct import Distinct, distinct
from pipeline.lexical import Parsed, nothing, parsed, plain_integers, without_missing
from pipeline.plan import REFUSED

if TYPE_CHECKING:
    from pipeline.plan import Plan
    from pipeline.plan_contract import Column


@dataclass(frozen=True)
class TypedColumn:
    """A column of a batch.

    `parts` are its distinct values as the file has them, `typed` the same in the column's type.
    `refused` is the mask of rows whose value is none of the type, `lost` of those among them whose
    value is, but cannot be kept (None: there are none).
    """

    column: Column
    parts: Distinct
    typed: pa.Array
    refused: pa.Array
    lost: pa.Array | None

    @property
    def rows(self) -> pa.Array:
        """The typed value of each row; text stays dictionary-encoded where the file's was."""
        text = pa.types.is_string(self.typed.type)
        return self.parts.encoded(self.typed) if text else self.parts.rows(self.typed)

    @cached_property
    def absent(self) -> pa.Array:
        """Mask of the rows without a value."""
        return self._not_refused(self.parts.lacking(self.typed))

    def mask(self, per_value: pa.Array) -> pa.Array:
        """Return a mask of rows from one of the distinct values, without the refused ones."""
        return self._not_refused(self.parts.mask(per_value))

    def _not_refused(self, rows: pa.Array) -> pa.Array:
        """Most masks mark no row, and most columns have no refused ones."""
        is_apart = not (rows.true_count and self.refused.true_count)
        return rows if is_apart else pc.and_not(rows, self.refused)

    @property
    def misfits(self) -> list[tuple[str, pa.Array]]:
        """What a value should be, and the mask of rows whose value is not."""
        if self.lost is None:
            return [(said_type(self.column), self.refused)]
        others = pc.and_not(self.refused, self.lost)
        return [(said_type(self.column), others), (said_keepable(self.column), self.lost)]


def typed_column(batch: pa.RecordBatch, column: Column, plan: Plan) -> TypedColumn:
    """Return a column of raw rows in its type; absent ones have no values.

    Parameters
    ----------
    batch
        Raw rows under the file's names; text, or what the format has typed already.
    """
    name = column.source_name
    known = batch.schema.get_field_index(name) >= 0
    cells = batch.column(name) if known else pa.nulls(batch.num_rows, pa.string())
    parts, (values, refused, lost) = _read(cells, column, plan)
    of_rows = parts.mask(refused)
    ruled_out = batch.schema.get_field_index(f"{REFUSED}{name}")
    if ruled_out >= 0:
        of_rows = pc.or_(of_rows, batch.column(ruled_out))
    return TypedColumn(column, parts, values, of_rows, None if lost is None else parts.mask(lost))


def _read(cells: pa.Array, column: Column, plan: Plan) -> tuple[Distinct, Parsed]:
    """The values to work on, and what they are in the column's type."""
    if not is_read_by_row(column, plan) or not pa.types.is_string(cells.type):
        parts = distinct(cells)
        return parts, _typed(parts.values, column, plan)
    plain = plain_integers(cells, column)
    if plain is not None:
        return Distinct(cells, None), Parsed(plain, nothing(plain))
    parts = distinct(cells.dictionary_encode())
    return parts, _typed(parts.values, column, plan)


def is_read_by_row(column: Column, plan: Plan) -> bool:
    """Whether rows of plain integers can be cast as they stand, quicker than they are encoded.

    Not where one of the words for no value may look like an integer itself.
    """
    words = _missing_words(column, plan)
    return column.type == "integer" and not any(word.lstrip("-").isdigit() for word in words)


def _typed(values: pa.Array, column: Column, plan: Plan) -> Parsed:
    """Values in the contract's type; missing words become null, refused spellings are marked."""
    if values.type == column_type(column) and not pa.types.is_string(values.type):
        return Parsed(values, nothing(values))
    text = values if pa.types.is_string(values.type) else values.cast(pa.string())
    return parsed(without_missing(text, _missing_words(column, plan)), column)


def _missing_words(column: Column, plan: Plan) -> tuple[str, ...]:
    words = column.spelling.missing
    return plan.source.missing_values if words is None else words


def said_type(column: Column) -> str:
    """Return the type of a column's values, and how they are written, as a person would say it."""
    spelling = column.spelling
    if spelling.format:
        return f"{column.type} in the form {spelling.format}"
    if column.type == "boolean" and (spelling.true or spelling.false):
        words = [*(spelling.true or ("true",)), *(spelling.false or ("false",))]
        return f"boolean, one of {', '.join(words)}"
    signs: list[Any] = []
    if column.type == "number" and spelling.decimal_char != ".":
        signs.append(f"the decimal character {spelling.decimal_char!r}")
    if column.type in ("integer", "number") and spelling.group_char:
        signs.append(f"the group character {spelling.group_char!r}")
    return f"{column.type} with {' and '.join(signs)}" if signs else column.type


def said_keepable(column: Column) -> str:
    """Return what a value must be beyond its type so that nothing of it is lost, and the remedy."""
    kind = column_type(column)
    if column.type == "timestamp":
        return (
            f"timestamp that the clocks of {column.spelling.zone} show once (timezone: false keeps "
            "local times as they stand)"
        )
    if pa.types.is_decimal(kind):
        return (
            f"{column.type} of at most {kind.precision} digits, {kind.scale} of them after the "
            "point (physicalType in the contract)"
        )
    if column.type == "integer":
        return f"integer of {kind.bit_width} bits (physicalType: DECIMAL(p,0) keeps more digits)"
    return "number whose digits a double keeps (physicalType: DECIMAL(p,s) keeps them all)"
