"""SQL expressions on a frame, evaluated by DuckDB in a sandbox.

The connection has no access to files, network or extensions, and its configuration is locked, so
an expression can compute with the columns of its row and nothing else. DuckDB is imported when
the first expression is met, not before.
"""

from __future__ import annotations

import atexit
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StepError
from pipeline.failing_rows import first_failing_row, place_of
from pipeline.guard import function_memory_mb
from pipeline.masking import cause, told
from pipeline.moments import can_be_unknown, is_known_moment

if TYPE_CHECKING:
    import duckdb

    from pipeline.plan import Plan

_MESSAGE_CHARACTERS: Final = 500
_MEMORY_SHARE: Final = 0.7
"""What an expression may use of the function's memory; the rows themselves need the rest."""
_SANDBOX = (
    "SET TimeZone = 'UTC'",
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def sandbox() -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB connection that reaches nothing outside itself."""
    import duckdb  # noqa: PLC0415 - only datasets with SQL steps pay for it

    config: dict[str, Any] = {"threads": 1}
    memory_mb = function_memory_mb()
    if memory_mb is not None:  # or it would plan with the whole machine's
        config["memory_limit"] = f"{int(memory_mb * _MEMORY_SHARE)}MiB"
    connection = duckdb.connect(":memory:", config=config)
    for setting in _SANDBOX:
        connection.execute(setting)
    return connection


def quoted(name: str) -> str:
    """Return a column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class _Source:
    """What a query reads: at each of its runs, the rows that are there then."""

    def __init__(self) -> None:
        self.rows: pa.Table | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows to DuckDB; see the Arrow PyCapsule interface."""
        if self.rows is None:
            raise ValueError("a query runs without rows")
        return self.rows.__arrow_c_stream__(requested_schema)


class _Queries:
    """Expressions that DuckDB has planned once, and evaluates on one batch after another.

    Asked anew for each batch, DuckDB would take as long to understand them as to evaluate them.
    """

    def __init__(self) -> None:
        self._connection = sandbox()
        self._prepared: dict[tuple[str, pa.Schema], tuple[_Source, str]] = {}

    def result(self, rows: pa.Table, select: str) -> pa.Table:
        """Return what a list of expressions makes of a table's rows."""
        source, execute = self._of(rows, select)
        source.rows = rows
        try:
            with warnings.catch_warnings(action="ignore"):  # of a copy: it takes less than planning
                made: pa.Table = self._connection.execute(execute).to_arrow_table()
            return made
        finally:
            source.rows = None  # or the rows would live as long as the query

    def _of(self, rows: pa.Table, select: str) -> tuple[_Source, str]:
        """What a query of these expressions reads, and the statement that runs it."""
        known = (select, rows.schema)
        if known not in self._prepared:
            source, name = _Source(), f"query_{len(self._prepared)}"
            source.rows = rows
            self._connection.register(name, source)
            query = f"WITH batch AS (FROM {name}) SELECT {select} FROM batch"
            self._connection.execute(f"PREPARE {name} AS {query}")
            self._prepared[known] = source, f"EXECUTE {name}"
        return self._prepared[known]


@cache
def _queries(_memory_mb: int | None, _thread: int) -> _Queries:
    """The queries of a process, whose functions stay what they are; each thread has its own."""
    return _Queries()


atexit.register(_queries.cache_clear)  # DuckDB complains of what is left when Python has ended


class SqlSteps:
    """Evaluates expressions on batches; their queries are kept between batches and files."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._kept: _Queries | None = None

    def evaluate(
        self, batch: pa.RecordBatch, expressions: dict[str, str], inputs: list[str], step: str
    ) -> pa.Table:
        """Return a table with one column per expression and as many rows as the batch.

        Parameters
        ----------
        batch
            The rows; only the columns `inputs` are handed to DuckDB.
        expressions
            SQL by the name of the column it makes; later ones may use earlier names.
        step
            Named in the error; `{}` in it stands for the column that failed.

        Raises
        ------
        StepError
            If DuckDB refuses the expressions or fails on a value (a division of text, say): with
            the first such row, and the first expression that fails on it.
        """
        import duckdb  # noqa: PLC0415

        try:
            return self._made(batch, expressions, inputs)
        except duckdb.OutOfMemoryException:
            _queries.cache_clear()
            raise  # the function's size is at fault, not the step
        except duckdb.Error as error:
            _queries.cache_clear()  # the next file must not suffer from what broke here
            raise self._step_error(batch, expressions, inputs, step, error) from cause(
                error, inputs, self._plan
            )

    def _made(
        self, batch: pa.RecordBatch, expressions: dict[str, str], inputs: list[str]
    ) -> pa.Table:
        columns = ", ".join(f"({sql}) AS {quoted(name)}" for name, sql in expressions.items())
        rows = pa.Table.from_batches([batch.select(inputs)])
        made = self._queries.result(rows, columns).combine_chunks()
        for name in expressions:
            if not name.startswith("_"):  # such are no columns of the frame: cast judges its own
                _check_years(name, made.column(name))
        return made

    def _failure(
        self, batch: pa.RecordBatch, expressions: dict[str, str], inputs: list[str]
    ) -> Exception | None:
        import duckdb  # noqa: PLC0415

        try:
            self._made(batch, expressions, inputs)
        except duckdb.Error as error:
            return error
        return None

    def _step_error(
        self,
        batch: pa.RecordBatch,
        expressions: dict[str, str],
        inputs: list[str],
        step: str,
        error: Exception,
    ) -> StepError:
        """Failure of expressions with the row and the expression that are to blame."""
        found = first_failing_row(batch, lambda rows: self._failure(rows, expressions, inputs))
        blamed = batch if found is None else batch.slice(found.position, 1)
        name = self._first_failing_expression(blamed, expressions, inputs)
        said = str(found.error if found else error).splitlines()[0][:_MESSAGE_CHARACTERS]
        step = step.format(name)
        said = told(said.rstrip("."), inputs, self._plan)
        return StepError(
            f"The step {step} failed {place_of(batch, found)}: {said}.",
            remedy="Try the expression on that row; TRY_CAST and NULLIF help against values that "
            "cannot be computed with.",
            step=step,
        )

    def _first_failing_expression(
        self, batch: pa.RecordBatch, expressions: dict[str, str], inputs: list[str]
    ) -> str:
        """Name of the expression that fails where those before it do not."""
        names = list(expressions)
        for count in range(1, len(names)):
            so_far = {name: expressions[name] for name in names[:count]}
            if self._failure(batch, so_far, inputs) is not None:
                return names[count - 1]
        return names[-1]

    @property
    def _queries(self) -> _Queries:
        if self._kept is None:
            self._kept = _queries(function_memory_mb(), threading.get_ident())
        return self._kept


def _check_years(name: str, column: pa.ChunkedArray) -> None:
    """Refuse a moment that DuckDB knows and hardly any reader of the output: `DATE 'infinity'`."""
    import duckdb  # noqa: PLC0415

    if can_be_unknown(column.type) and not pc.all(is_known_moment(column), min_count=0).as_py():
        raise duckdb.OutOfRangeException(f"{name} is not within the years 1 to 9999")
