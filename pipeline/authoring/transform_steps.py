"""From the `transform` section of `pipeline.yaml` to the plan, its columns known step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.authoring.frame_schema import BindingError, Types, bound_types, columns_read
from pipeline.authoring.new_columns import may_be_made
from pipeline.authoring.python_signatures import StepProblem, problem_of
from pipeline.authoring.steps import known_columns
from pipeline.authoring.transform_cast import cast_step
from pipeline.authoring.transform_rows import explode_step, split_step, unpivot_step
from pipeline.authoring.yaml_source import Mark, YamlSource
from pipeline.plan import ROW_NUMBER
from pipeline.plan_steps import Step
from pipeline.python_steps import STEPS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.yaml_source import Location
    from pipeline.python_steps import PythonSteps


def transform_of(
    source: YamlSource, columns: Types, python: PythonSteps
) -> tuple[tuple[Step, ...], Types]:
    """Return the transform steps and the columns after them; errors go to the source."""
    steps = []
    for at, item in enumerate(source.data.get("transform", [])):
        name, argument = next(iter(item.items()))
        where: Location = ("transform", at, name)
        if name == "python":
            step, columns = _python(argument, columns, python, where, source)
        else:
            step, columns = _COMPILERS[name](argument, columns, where, source)
        steps.append(step)
    return tuple(steps), columns


def _derive(
    declared: dict[str, str], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    made: Types = {}
    for name in declared:
        place = (*where, name)
        if not may_be_made(name, (*columns, *made), place, source, replacing=True):
            continue
        try:
            # Together with the ones before, which it may use by name.
            so_far = {earlier: declared[earlier] for earlier in (*made, name)}
            made[name] = bound_types(so_far, columns)[name]
        except BindingError as error:
            source.error(place, f"{name}: {error}")
    good = {name: declared[name] for name in made}
    inputs = columns_read(good, columns) if good else []
    return Step("derive", {"columns": good, "inputs": inputs}), columns | made


def _filter(
    condition: str, columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    inputs: list[str] = []
    try:
        kind = bound_types({"kept": condition}, columns)["kept"]
        inputs = columns_read({"kept": condition}, columns)
        if not pa.types.is_boolean(kind):
            source.error(where, f"a filter is a condition; this is of type {kind}")
    except BindingError as error:
        source.error(where, str(error))
    return Step("filter", {"where": condition, "inputs": inputs}), columns


def _rename(
    names: dict[str, str], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    known_columns(names, columns, where, source)
    others = [name for name in columns if name not in names]
    good: dict[str, str] = {}
    for old, new in names.items():
        if new == old or may_be_made(new, others, (*where, old), source, replacing=False):
            good[old] = new
            others.append(new)
    renamed = [good.get(name, name) for name in columns]
    return Step("rename", good), dict(zip(renamed, columns.values(), strict=True))


def _select(
    names: list[str], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    known_columns(names, columns, where, source)
    return Step("select", names), {name: columns[name] for name in names if name in columns}


def _drop(
    names: list[str], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    known_columns(names, columns, where, source)
    return _select([name for name in columns if name not in names], columns, where, source)


def _python(
    name: str, columns: Types, python: PythonSteps, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    """Python steps tell their columns by being called with no rows."""
    problem = problem_of(python, name)
    if problem is not None:
        _add(problem, where, source)
        return Step("python", name), columns
    empty = pa.schema([*columns.items(), (ROW_NUMBER, pa.int64())]).empty_table()
    batch = pa.RecordBatch.from_arrays(
        [column.combine_chunks() for column in empty.columns], schema=empty.schema
    )
    try:
        made = python.apply(batch, name)
    except Exception as error:
        source.error(where, f"{name}: {error}")
        return Step("python", name), columns
    types = {field.name: field.type for field in made.schema if field.name != ROW_NUMBER}
    return Step("python", name), types


def _add(problem: StepProblem, where: Location, source: YamlSource) -> None:
    """Add an error about a Python step, in `steps.py` if a line there is at fault."""
    if problem.line is None:
        source.error(where, problem.message)
        return
    steps = YamlSource(source.path.with_name(STEPS_FILE), marks={(): Mark(problem.line, 1)})
    steps.error((), problem.message)
    source.findings += steps.findings


_COMPILERS: Final[dict[str, Callable[[Any, Types, Location, YamlSource], tuple[Step, Types]]]] = {
    "derive": _derive,
    "filter": _filter,
    "rename": _rename,
    "select": _select,
    "drop": _drop,
    "cast": cast_step,
    "split": split_step,
    "explode": explode_step,
    "unpivot": unpivot_step,
}
