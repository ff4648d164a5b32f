"""What each step of a dataset does, in words."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from console.reading.rule_words import listed, shortened
from pipeline.authoring.words import pipeline_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.plan_steps import Clean, Dedupe, Dependency, Lookup, Step

SHOWN_CODE: Final = 2_000
"""Characters of an expression or a function that are shown."""
_MISSED: Final = {
    "keep": "a row whose key is in none of its rows stays, with no values",
    "reject": "a row whose key is in none of its rows is rejected",
    "fail": "a key that is in none of its rows fails the run",
}
_CONFLICT: Final = {
    "fill": "; fills what has no value",
    "replace": "; takes the place of what is there",
}


@dataclass(frozen=True)
class StepWords:
    """One step: what it is called, what it does, and its code if it has any."""

    title: str
    text: str = ""
    code: str = ""


# --- clean -------------------------------------------------------------------------------------


def clean_all_words(step: Step) -> StepWords:
    """Return what a step does to every column of text."""
    return StepWords(step.name, f"every text column: {_cleaning(step)}")


def clean_column_words(column: str, step: Step) -> StepWords:
    """Return what a step does to one column."""
    return StepWords(f"{step.name} {column}", _cleaning(step))


def dependency_words(one: Dependency) -> StepWords:
    """Return how rows that agree in some columns come to agree in another."""
    return StepWords(
        f"repair {one.determines}",
        f"of rows with the same {', '.join(one.columns)}, the value that {one.min_share:.0%} of "
        f"them have, and {one.min_rows:,} at least, replaces the others",
    )


def dedupe_words(dedupe: Dedupe) -> StepWords:
    """Return which of several rows with one key is kept."""
    order = f" in the order of {', '.join(dedupe.order_by)}" if dedupe.order_by else ""
    by = ", ".join(dedupe.by)
    return StepWords("dedupe", f"of rows with the same {by}, the {dedupe.keep}{order} is kept")


def clean_words(clean: Clean) -> Iterator[StepWords]:
    """Return all that the clean stage does, in its order."""
    yield from (clean_all_words(step) for step in clean.all)
    for column, steps in clean.columns.items():
        yield from (clean_column_words(column, step) for step in steps)
    yield from map(dependency_words, clean.dependencies)
    if clean.dedupe:
        yield dedupe_words(clean.dedupe)


def _cleaning(step: Step) -> str:
    if step.argument is None:
        return _description(f"clean.columns.{step.name}")
    if step.name == "fill":
        return f"{_filling(step)} where there is no value"
    if isinstance(step.argument, dict) and step.name == "map":
        pairs = [f"{old} becomes {new or 'no value'}" for old, new in step.argument.items()]
        return shortened(listed(pairs))
    if isinstance(step.argument, list):
        said = listed(step.argument)
    elif isinstance(step.argument, dict):
        said = ", ".join(f"{word} {value!r}" for word, value in step.argument.items())
    else:
        said = str(step.argument)
    return shortened(f"{_description(f'clean.columns.{step.name}')} ({said})")


def _filling(step: Step) -> str:
    if step.fills_from is None:
        return str(step.argument)
    if step.fills_from == "previous":
        return "the value of the row before"
    other = step.argument[step.fills_from]
    is_column = step.fills_from == "column"
    return f"the value of {other}" if is_column else f"the {other} of the file's values"


@cache
def _descriptions() -> dict[str, str]:
    return {word.path: word.description for word in pipeline_words()}


def _description(path: str) -> str:
    """What the reference says of a word, as a part of a sentence."""
    said = _descriptions().get(path, "").partition(". ")[0].rstrip(".")
    return said[:1].lower() + said[1:]


# --- transform ---------------------------------------------------------------------------------


def derive_words(column: str, sql: str) -> StepWords:
    """Return the expression that makes a column."""
    return StepWords(f"derive {column}", code=_cut(sql))


def cast_words(column: str, cast: Mapping[str, Any]) -> StepWords:
    """Return the type that a column is turned into."""
    return StepWords(
        f"cast {column}", f"to {cast['type']}; a value that cannot be is rejected with its row"
    )


def python_words(name: str, code: str | None) -> StepWords:
    """Return the first paragraph of a function's docstring, and its code."""
    node = _function(name, code)
    if node is None or code is None:
        return StepWords(f"python {name}", "a function of steps.py")
    said = (ast.get_docstring(node) or "a function of steps.py without a docstring").split("\n\n")
    return StepWords(
        f"python {name}", " ".join(said[0].split()), _cut(ast.get_source_segment(code, node) or "")
    )


def makes_a_series(name: str, code: str | None) -> bool:
    """Whether a function's annotation says that it makes one column, and leaves the others."""
    node = _function(name, code)
    said = ast.unparse(node.returns) if node and node.returns else ""
    return said.strip("'\"").rpartition(".")[2] == "Series"


def transform_words(step: Step, code: str | None = None) -> list[StepWords]:
    """Return what a step of the transform stage does; `code` is the text of `steps.py`."""
    argument = step.argument
    if step.name == "derive":
        return [derive_words(name, sql) for name, sql in argument["columns"].items()]
    if step.name == "cast":
        return [cast_words(name, cast) for name, cast in argument["columns"].items()]
    if step.name == "python":
        return [python_words(argument, code)]
    if step.name == "filter":
        return [StepWords("filter", "rows stay where this is true", _cut(argument["where"]))]
    if step.name == "rename":
        return [StepWords(f"rename {old}", f"it is called {new}") for old, new in argument.items()]
    return [StepWords(step.name, _reshaping(step))]


def _reshaping(step: Step) -> str:
    argument = step.argument
    if step.name == "select":
        return f"these columns stay, in this order: {listed(argument)}"
    if step.name == "split":
        return f"{argument['column']} at {argument['by']!r} into {listed(argument['into'])}"
    if step.name == "explode":
        how = f"at {argument['by']!r}" if argument.get("by") else "which is a JSON array"
        place = argument.get("position")
        counted = f"; {place} is its place in the list" if place else ""
        return f"a row for each part of {argument['column']}, {how}{counted}"
    if step.name == "unpivot":
        return (
            f"a row for each of {listed(argument['columns'])}: its name in {argument['name']}, "
            f"its value in {argument['value']}"
        )
    return _description(f"transform.{step.name}")


def _function(name: str, code: str | None) -> ast.FunctionDef | None:
    try:
        nodes = ast.parse(code or "").body
    except SyntaxError:
        return None
    found = (node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == name)
    return next(found, None)


def _cut(code: str) -> str:
    return code if len(code) <= SHOWN_CODE else f"{code[:SHOWN_CODE]}\n… {len(code):,} characters"


# --- enrich ------------------------------------------------------------------------------------


def lookup_words(lookup: Lookup, rows: int | None = None) -> StepWords:
    """Return what is joined from where; `rows` are those of a table in the dataset's folder."""
    keys = ", ".join(
        left if left == right else f"{left} = {right}" for left, right in lookup.on.items()
    )
    added = listed([new if new == old else f"{new} ({old})" for new, old in lookup.add.items()])
    shipped = "" if rows is None else f" of {rows:,} rows"
    where = f"the newest object below {lookup.prefix}" if lookup.prefix else f"a table{shipped}"
    return StepWords(
        f"lookup {lookup.name}",
        f"{where}, joined by {keys}, adds {added}{_CONFLICT.get(lookup.conflict, '')}; "
        f"{_MISSED[lookup.when_missing]}",
    )


def constant_words(column: str, value: Any) -> StepWords:
    """Return the one value of a column."""
    return StepWords(f"constant {column}", f"always {shortened(str(value))}")


def context_words(column: str, fact: str) -> StepWords:
    """Return the fact about the run that a column tells."""
    return StepWords(f"context {column}", f"the run's {fact.replace('_', ' ')}")
