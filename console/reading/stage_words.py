"""What the five stages do with a file of a dataset, in words and in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.figures import count
from console.reading.rule_words import listed, missing_words
from console.reading.step_words import (
    StepWords,
    clean_words,
    constant_words,
    context_words,
    lookup_words,
    transform_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.reading.definitions import Definition
    from pipeline.plan import Plan
    from pipeline.plan_contract import Source
    from pipeline.plan_steps import Write

_EXTRA: Final = {
    "ignore": "is left out",
    "keep": "is kept, with others of its kind, as JSON in the column _extra",
    "reject-file": "has the file refused",
}
_MISSING: Final = {"nulls": "is read as no values", "reject-file": "has the file refused"}


@dataclass(frozen=True)
class Stage:
    """A stage, and what it does."""

    name: str
    steps: tuple[StepWords, ...]


def stages(definition: Definition) -> list[Stage]:
    """Return the stages of a sound definition; none of one with errors."""
    plan = definition.plan
    if plan is None:
        return []
    enrich = plan.enrich
    joined = [lookup_words(one, definition.table_rows.get(one.name)) for one in enrich.lookups]
    constants = [constant_words(name, value) for name, value in enrich.constants.items()]
    facts = [context_words(name, fact) for name, fact in enrich.context.items()]
    made = [words for step in plan.transform for words in transform_words(step, definition.steps)]
    return [
        Stage("validate", tuple(_validate(plan))),
        Stage("clean", tuple(clean_words(plan.clean))),
        Stage("transform", tuple(made)),
        Stage("enrich", (*joined, *constants, *facts)),
        Stage("write", tuple(_write(plan.write))),
    ]


def format_words(source: Source) -> str:
    """`csv`, `csv, gzip`: what kind of files there are."""
    return f"{source.format}, {source.compression}" if source.compression else source.format


def output_words(write: Write) -> str:
    """`parquet, by month`."""
    return (
        f"{write.format}, by {', '.join(write.partition_by)}"
        if write.partition_by
        else write.format
    )


def _validate(plan: Plan) -> Iterator[StepWords]:
    yield StepWords("read", ", ".join(_reading(plan.source)))
    yield StepWords("no value", f"is written as {missing_words(plan.source.missing_values)}")
    yield StepWords("unknown column", _EXTRA[plan.drift.extra_column])
    yield StepWords("missing optional column", _MISSING[plan.drift.missing_column])
    if plan.drift.salvage:
        yield StepWords("salvage", "broken rows are repaired where only one repair is possible")
    share = (
        f"{100 * plan.rejects.max_share:.4g} % of the rows" if plan.rejects.max_share < 1 else ""
    )
    number = f"{plan.rejects.max_rows:,} rows" if plan.rejects.max_rows is not None else ""
    most = " or ".join(filter(None, (share, number)))
    text = (
        f"the run fails if more than {most} are rejected" if most else "any number of rows may be"
    )
    told = "; fewer are told to a person" if plan.rejects.notify else ""
    yield StepWords("rejected rows", text + told)


def _reading(source: Source) -> Iterator[str]:
    yield format_words(source)
    if source.format != "csv":
        return
    yield f"delimiter {source.delimiter!r}" if source.delimiter else "delimiter found out"
    yield f"encoding {source.encoding}" if source.encoding else "encoding found out"
    if not source.header_rows:
        yield "no header: the columns in the contract's order"
    elif source.header_rows != (1,):
        yield f"columns named in line {' and '.join(map(str, source.header_rows))}"
    if source.comment:
        yield f"lines that begin with {source.comment} are comments"
    if source.footer_rows:
        yield f"the last {count(source.footer_rows)} lines are no data"


def _write(write: Write) -> Iterator[StepWords]:
    compression = write.compression or ("zstd" if write.format == "parquet" else "none")
    yield StepWords("format", f"{write.format}, compression {compression}")
    if write.partition_by:
        yield StepWords("partitions", f"a folder for each value of {listed(write.partition_by)}")
    if write.sort_by:
        order = [f"{name[1:]} descending" if name[0] == "-" else name for name in write.sort_by]
        yield StepWords("order", f"the rows of each file by {listed(order)}")
    if write.format == "csv":
        guard = "; text that a spreadsheet would run is guarded" if write.formula_guard else ""
        yield StepWords("csv", f"delimiter {write.delimiter!r}, {_nothing(write)}{guard}")
    for word, pattern in (("dates", write.date_format), ("moments", write.timestamp_format)):
        if pattern:
            yield StepWords(word, f"written as {pattern}")


def _nothing(write: Write) -> str:
    return f"no value as {write.null_text}" if write.null_text else "no value as an empty cell"
