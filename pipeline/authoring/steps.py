"""From `pipeline.yaml` to the plan's steps, with the frame's columns known after each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import scalar_of
from pipeline.authoring.frame_schema import BindingError, Types, bound_types, columns_read
from pipeline.cleaning import FILL, STEPS
from pipeline.plan import ROW_NUMBER, Clean, Rejects, Step, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.authoring.yaml_source import Location, YamlSource
    from pipeline.python_steps import PythonSteps

PIPELINE_FILE: Final = "pipeline.yaml"
_TEXT_COMPRESSION: Final = ("gzip", "none")


def known_columns(
    names: Iterable[str], columns: Types, where: Location, source: YamlSource
) -> bool:
    """Tell whether all names are columns; add an error for those that are not."""
    unknown = [name for name in names if name not in columns]
    if unknown:
        source.error(
            where,
            f"there is no column {', '.join(map(repr, unknown))} here; there are: "
            f"{', '.join(columns)}",
        )
    return not unknown


def rejects_of(source: YamlSource) -> Rejects:
    """Return the limit of rejected rows."""
    return Rejects(**source.data.get("rejects", {}))


def clean_of(source: YamlSource, columns: Types) -> Clean:
    """Return the cleaning steps; errors go to the source."""
    declared = source.data.get("clean", {})
    by_column = declared.get("columns", {})
    known_columns(by_column, columns, ("clean", "columns"), source)
    dedupe = tuple(declared.get("dedupe", ()))
    known_columns(dedupe, columns, ("clean", "dedupe"), source)
    for at, step in enumerate(_cleaning_steps(declared.get("all", []))):
        if step.name == FILL or not STEPS[step.name].text_only:
            source.error(("clean", "all", at), f"{step.name} is for single columns, not for all")
        else:
            _check_cleaning(step, pa.string(), ("clean", "all", at), source)
    for name, steps in by_column.items():
        for at, step in enumerate(_cleaning_steps(steps)):
            _check_cleaning(step, columns.get(name), ("clean", "columns", name, at), source)
    return Clean(
        all=_cleaning_steps(declared.get("all", [])),
        columns={name: _cleaning_steps(steps) for name, steps in by_column.items()},
        dedupe=dedupe,
    )


def _cleaning_steps(items: list[Any]) -> tuple[Step, ...]:
    return tuple(
        Step(item) if isinstance(item, str) else Step(*next(iter(item.items()))) for item in items
    )


def _check_cleaning(
    step: Step, kind: pa.DataType | None, where: Location, source: YamlSource
) -> None:
    if kind is None:
        return
    if step.name != FILL and STEPS[step.name].text_only and not pa.types.is_string(kind):
        source.error(where, f"{step.name} is for text, and the column is {kind}")
        return
    if step.name != FILL and not STEPS[step.name].text_only and not _is_number(kind):
        source.error(where, f"{step.name} is for numbers, and the column is {kind}")
        return
    if pa.types.is_integer(kind) and _has_fraction(step.argument):
        source.error(where, f"{step.name}: the column holds whole numbers")
        return
    try:
        json.dumps(step.argument)  # plans are JSON, and YAML has types that JSON has not
        if step.name == FILL:
            scalar_of(step.argument, kind)
        else:
            STEPS[step.name].apply(pa.nulls(1, kind), step.argument)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        source.error(where, f"{step.name}: {error}")


def _has_fraction(argument: Any) -> bool:
    numbers = argument.values() if isinstance(argument, dict) else [argument]
    return any(isinstance(number, float) and not number.is_integer() for number in numbers)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


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
    for name, _sql in declared.items():
        if name == ROW_NUMBER or name.startswith("_"):
            source.error(
                (*where, name), f"{name!r}: names that begin with _ are the pipeline's own"
            )
            continue
        if alike := _alike(name, (*columns, *made)):
            source.error(
                (*where, name), f"SQL cannot tell {name!r} from {alike!r}: use another name"
            )
            continue
        try:
            # Together with the ones before, which it may use by name.
            so_far = {earlier: declared[earlier] for earlier in (*made, name)}
            made[name] = bound_types(so_far, columns)[name]
        except BindingError as error:
            source.error((*where, name), f"{name}: {error}")
    good = {name: declared[name] for name in made}
    inputs = columns_read(good, columns) if good else []
    return Step("derive", {"columns": good, "inputs": inputs}), columns | made


def _alike(name: str, columns: Iterable[str]) -> str | None:
    """Column that differs from `name` by nothing but case, if there is one."""
    return next((one for one in columns if one != name and one.lower() == name.lower()), None)


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
    renamed = [names.get(name, name) for name in columns]
    twice = sorted({name for name in renamed if renamed.count(name) > 1})
    if twice:
        source.error(where, f"two columns would be called {', '.join(twice)}")
    return Step("rename", names), dict(zip(renamed, columns.values(), strict=True))


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


_COMPILERS: Final[dict[str, Callable[[Any, Types, Location, YamlSource], tuple[Step, Types]]]] = {
    "derive": _derive,
    "filter": _filter,
    "rename": _rename,
    "select": _select,
    "drop": _drop,
}


def write_of(source: YamlSource, columns: Types) -> Write:
    """Return how the output is written; errors go to the source."""
    declared = source.data.get("write", {})
    write = Write(
        format=declared.get("format", "parquet"),
        partition_by=tuple(declared.get("partition_by", ())),
        compression=declared.get("compression"),
    )
    known_columns(write.partition_by, columns, ("write", "partition_by"), source)
    if len(write.partition_by) >= len(columns):
        source.error(("write", "partition_by"), "at least one column must stay in the files")
    if write.format != "parquet" and write.compression not in (None, *_TEXT_COMPRESSION):
        source.error(
            ("write", "compression"),
            f"{write.format} files are compressed with gzip or not at all",
        )
    return write
