"""A sample of a file's rows, read by the pipeline's own readers, as text by columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import TEXT
from pipeline.authoring.profile_json import Flattener
from pipeline.errors import ColumnLimitError
from pipeline.formats.limits import limit_error
from pipeline.formats.readers import read_chunks
from pipeline.plan import ROW_NUMBER, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

    from pipeline.findings import Reject
    from pipeline.formats import RawChunk
    from pipeline.plan_contract import Source

_MOST_CELLS: Final = 20_000_000
"""Cells that are held at once, some 300 MB: a file of many columns gives fewer rows."""
_TEXT: Final = "text"
_NUMBER: Final = "\0"
"""Column of the rows' numbers in what is kept: no column of a file is called so."""
NESTED_KINDS: Final = frozenset({"object", "array"})


@dataclass(frozen=True)
class Spellings:
    """A column's values as they are written.

    `values` are the distinct texts, `codes` point each row to one (-1: none, which only JSON has),
    `counts` are the rows of each. `kinds` are the JSON types met: text, number, boolean, object,
    array; CSV has text only. Objects and arrays are their JSON text.
    """

    values: pa.StringArray
    codes: npt.NDArray[np.int64]
    kinds: frozenset[str] = frozenset({_TEXT})

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Rows of each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    @property
    def is_text(self) -> bool:
        """Whether every value is written as text."""
        return self.kinds <= {_TEXT}

    @property
    def is_nested(self) -> bool:
        """Whether there is an object or an array among the values."""
        return bool(self.kinds & NESTED_KINDS)

    def without(self, words: Iterable[str]) -> Spellings:
        """Return the same column where these words are no value."""
        kept = pc.invert(pc.is_in(self.values, pa.array(list(words), pa.string())))
        kept = np.asarray(kept.to_numpy(zero_copy_only=False), dtype=bool)
        places = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        return Spellings(self.values.filter(pa.array(kept)), places[self.codes], self.kinds)


@dataclass
class Sample:
    """Rows that were looked at.

    `seen` are all the rows of the file, `rows` those that are in the columns; `malformed` of them
    could not be taken apart, of which `first_malformed` is one.
    """

    seen: int = 0
    rows: int = 0
    malformed: int = 0
    first_malformed: Reject | None = None
    columns: dict[str, Spellings] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether every row was looked at."""
        return self.seen == self.rows + self.malformed


def read_sample(path: Path, source: Source, *, most_rows: int) -> Sample:
    """Return a file's rows, or its first ones and others spread evenly over the rest.

    The whole file is read; what is kept is at most `most_rows`, half of them the first ones.

    Raises
    ------
    DataError
        If the file cannot be read; see `pipeline/errors.py`.
    """
    sample, rows, nested = Sample(), _Rows(most_rows), Flattener()
    plan = Plan("", "", "", source, ())
    with path.open("rb") as file:
        for chunk in read_chunks(file, plan, key=path.name):
            sample.seen += chunk.rows
            sample.malformed += len(chunk.malformed)
            if chunk.malformed and sample.first_malformed is None:
                sample.first_malformed = chunk.malformed[0]
            is_json = chunk.batch.num_columns == 1 and chunk.raw_of is not None
            rows.add(_from_json(chunk, rows, nested) if is_json else _text_columns(chunk.batch))
            _check_columns(rows, plan)
    table = rows.table()
    sample.rows = table.num_rows
    sample.columns = {
        name: _spellings(table.column(name), nested.kinds(name))
        for name in table.column_names[1:]
        if not nested.is_empty_object(name)
    }
    return sample


def _check_columns(rows: _Rows, plan: Plan) -> None:
    """JSON names columns in every row: data that stand there as names have no end."""
    if rows.columns > plan.limits.max_columns:
        found = f"The rows have more than {plan.limits.max_columns:,} names between them"
        raise limit_error(ColumnLimitError, plan.limits, "max_columns", found)


class _Rows:
    """First rows, and then one in so many: the step doubles when there are too many of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._first: list[pa.Table] = []
        self._spread: list[pa.Table] = []
        self.step = 1
        self.columns = 0
        self._held = 0

    def add(self, table: pa.Table) -> None:
        """Keep what there is room for."""
        self.columns = max(self.columns, table.num_columns)
        half = max(1, min(self._most, _MOST_CELLS // max(1, self.columns)) // 2)
        head = table.slice(0, max(0, half - self._held))
        self._held += head.num_rows
        self._first.append(head)
        self._spread.append(self._thinned(table.slice(head.num_rows)))
        while sum(part.num_rows for part in self._spread) > half:
            self.step *= 2
            self._spread = [self._thinned(part) for part in self._spread]

    def _thinned(self, table: pa.Table) -> pa.Table:
        if self.step == 1 or not table.num_rows:
            return table
        numbers = table.column(_NUMBER).to_numpy()
        return table.filter(pa.array(numbers % self.step == 0))

    def table(self) -> pa.Table:
        """What was kept, the row numbers first, each text once in its column's dictionary."""
        kept = pa.concat_tables([*self._first, *self._spread], promote_options="default")
        names = [name for name in kept.column_names if name != _NUMBER]
        return kept.select([_NUMBER, *names]).unify_dictionaries().combine_chunks()


def _text_columns(batch: pa.RecordBatch) -> pa.Table:
    """CSV: the batch itself, every column dictionary-encoded."""
    columns = [
        column.dictionary_encode() if pa.types.is_string(column.type) else column
        for column in batch.columns
    ]
    names = [_NUMBER if name == ROW_NUMBER else name for name in batch.schema.names]
    return pa.Table.from_arrays(columns, names)


def _from_json(chunk: RawChunk, rows: _Rows, nested: Flattener) -> pa.Table:
    """JSON: the rows' values as text, by their names or the paths to them."""
    numbers = chunk.batch.column(ROW_NUMBER).filter(
        pa.array(chunk.batch.column(ROW_NUMBER).to_numpy() % rows.step == 0)
    )
    assert chunk.raw_of is not None
    found = [chunk.raw_of(number) for number in numbers.to_pylist()]
    columns: dict[str, list[str | None]] = {}
    for position, row in enumerate(nested.flattened(found)):
        for name, value in row.items():
            texts = columns.setdefault(name, [])
            texts.extend([None] * (position - len(texts)))
            texts.append(value)
    length = len(numbers)
    arrays = [
        pa.array(texts + [None] * (length - len(texts)), pa.string()).dictionary_encode()
        for texts in columns.values()
    ]
    return pa.Table.from_arrays([*arrays, numbers], [*columns, _NUMBER])


def _spellings(column: pa.ChunkedArray, kinds: frozenset[str]) -> Spellings:
    encoded = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], TEXT)
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    every = Spellings(encoded.dictionary, codes, kinds or frozenset({_TEXT}))
    used = every.counts > 0  # thinning leaves texts behind that no row has
    return every if used.all() else every.without(every.values.filter(pa.array(~used)).to_pylist())
