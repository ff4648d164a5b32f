"""Python steps: functions of the dataset's `steps.py`, on pandas.

A step takes the DataFrame and returns either a DataFrame with the same rows (columns added,
changed or dropped) or a Series, which becomes a column named after the function.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from pipeline.errors import InvalidPlanError, PipelineError, StepError
from pipeline.failing_rows import first_failing_row, place_of
from pipeline.frames import batch_of, frame_of
from pipeline.masking import cause, told
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

    import pyarrow as pa

    from pipeline.plan import Plan

STEPS_FILE = "steps.py"


class PythonSteps:
    """Runs the Python steps of one dataset; its module is imported when the first one is met."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._module: ModuleType | None = None

    def apply(self, batch: pa.RecordBatch, step: str) -> pa.RecordBatch:
        """Return the batch after the step; row numbers are carried past it.

        Raises
        ------
        StepError
            If the function raises, which is told with the first row that makes it do so, changes
            the number of rows, or returns something else.
        """
        function = self.function(step)
        try:
            return _joined(batch, function(frame_of(batch)), step)
        except (PipelineError, MemoryError):  # a function too small is not the step's fault
            raise
        except (Exception, SystemExit) as error:  # an exit would take the function with it
            raise self._step_error(batch, step, error) from cause(error, None, self._plan)

    def function(self, step: str) -> Any:
        """Return a step's function.

        Raises
        ------
        InvalidPlanError
            If there is none of this name in the dataset's `steps.py`, or no such file.
        """
        if self._module is None:
            self._module = steps_module(self._plan)
        if not hasattr(self._module, step):
            raise InvalidPlanError(
                f"There is no function {step} in the dataset's {STEPS_FILE}.",
                remedy="Define it, or correct the name in pipeline.yaml.",
            )
        return getattr(self._module, step)

    def _failure(self, batch: pa.RecordBatch, step: str) -> BaseException | None:
        try:
            _joined(batch, self.function(step)(frame_of(batch)), step)
        except PipelineError:  # that a row alone makes other rows is not what failed
            return None
        except (Exception, SystemExit) as error:
            return error
        return None

    def _step_error(self, batch: pa.RecordBatch, step: str, error: BaseException) -> StepError:
        found = first_failing_row(batch, lambda rows: self._failure(rows, step))
        raised = found.error if found else error
        line = line_in_steps(raised)
        where = place_of(batch, found) + (f" ({STEPS_FILE}:{line})" if line else "")
        return StepError(
            f"The Python step {step} raised {type(raised).__name__} {where}: "
            f"{told(str(raised), None, self._plan).rstrip('.')}.",
            remedy=f"Run its test, or {step}(frame) on these rows.",
            step=step,
        )


def line_in_steps(error: BaseException) -> int | None:
    """Return the line of `steps.py` that an exception came through last; None if through none."""
    line = None
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith("datasets."):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def steps_module(plan: Plan) -> ModuleType:
    """Return the dataset's `steps.py` as a module of its own name.

    Raises
    ------
    InvalidPlanError
        If the dataset has no such file.
    """
    path = plan.folder / STEPS_FILE if plan.folder else None
    if path is None or not path.is_file():
        raise InvalidPlanError(f"The dataset {plan.dataset} has Python steps but no {STEPS_FILE}.")
    name = f"datasets.{plan.dataset}.steps"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidPlanError(f"{path.name} of {plan.dataset} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _joined(batch: pa.RecordBatch, made: Any, step: str) -> pa.RecordBatch:
    import pandas as pd  # noqa: PLC0415 - a Python step has imported it already

    rows = range(batch.num_rows)
    if isinstance(made, pd.Series) and len(made) == batch.num_rows:
        column = made if set(made.index) == set(rows) else made.set_axis(rows)
        made = frame_of(batch).assign(**{step: column})
    if not isinstance(made, (pd.DataFrame, pd.Series)):
        raise StepError(
            f"The Python step {step} returned {type(made).__name__}.",
            remedy="Return a DataFrame with the same rows, or a Series.",
            step=step,
        )
    if len(made) != batch.num_rows:
        raise StepError(
            f"The Python step {step} made {len(made):,} rows of {batch.num_rows:,}.",
            remedy="Python steps change columns; use filter to take rows out.",
            step=step,
        )
    if set(made.index) == set(rows):
        made = made.sort_index()  # a step that sorts must not move rows to other row numbers
    joined = batch_of(made.reset_index(drop=True))
    at = joined.schema.names.index(ROW_NUMBER)
    return joined.set_column(at, ROW_NUMBER, batch.column(ROW_NUMBER))
