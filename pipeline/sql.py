"""SQL expressions on a frame, evaluated by DuckDB in a sandbox.

The connection has no access to files, network or extensions, and its configuration is locked, so
an expression can compute with the columns of its row and nothing else. DuckDB is imported when
the first expression is met, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.errors import StepError
from pipeline.guard import function_memory_mb

if TYPE_CHECKING:
    import duckdb

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


class SqlSteps:
    """Evaluates expressions on batches, over one connection that is kept between them."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None

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
            Named in the error.

        Raises
        ------
        StepError
            If DuckDB refuses the expressions or fails on a value (a division of text, say).
        """
        import duckdb  # noqa: PLC0415

        columns = ", ".join(f"({sql}) AS {quoted(name)}" for name, sql in expressions.items())
        table = pa.Table.from_batches([batch]).select(inputs)
        try:
            relation = self._connected().from_arrow(table)
            result: Any = relation.query("batch", f"SELECT {columns} FROM batch")
            made = result.to_arrow_table()
        except duckdb.OutOfMemoryException:
            raise  # the function's size is at fault, not the step
        except duckdb.Error as error:
            raise StepError(
                f"The step {step} failed: {str(error).splitlines()[0][:500]}",
                remedy="Run `pipeline check`, and try the expression on the value it names; "
                "TRY_CAST and NULLIF help against values that cannot be computed with.",
                step=step,
            ) from error
        return made.combine_chunks()

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._connection = sandbox()
        return self._connection
