"""Whether a cleaning step suits a column, and the type that it leaves behind."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import scalar_of
from pipeline.cleaning import FILL, STEPS
from pipeline.errors import InvalidPlanError
from pipeline.text_parsing import PARSERS

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Location, YamlSource
    from pipeline.plan_steps import Step

_QUOTED: Final = re.compile("'[^']*'")
_OF_A_DAY: Final = re.compile("[HhmsSaXxZ]")


def step_type(step: Step, kind: pa.DataType, where: Location, source: YamlSource) -> pa.DataType:
    """Return the type of a column after a step; what is wrong with it goes to the source."""
    problem = _problem(step, kind)
    if problem:
        source.error(where, problem if problem.startswith(step.name) else f"{step.name}: {problem}")
        return kind
    return PARSERS[step.name].type if step.name in PARSERS else kind


def _problem(step: Step, kind: pa.DataType) -> str | None:
    """What is wrong with a step for values of a type; None if nothing is."""
    try:
        json.dumps(step.argument)  # plans are JSON, and YAML has types that JSON has not
        if step.name == FILL:
            return _problem_of_fill(step, kind)
        if step.name in PARSERS:
            return _problem_of_parsing(step, kind)
        return _problem_of_values(step, kind)
    except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
        return str(error)
    except InvalidPlanError as error:
        return error.message


def _problem_of_values(step: Step, kind: pa.DataType) -> str | None:
    text_only = STEPS[step.name].text_only
    if text_only and not pa.types.is_string(kind):
        return f"{step.name} is for text, and the column is {kind}"
    if not text_only and not _is_number(kind):
        return f"{step.name} is for numbers, and the column is {kind}"
    if pa.types.is_integer(kind) and _has_fraction(step.argument):
        return "the column holds whole numbers; write bounds without a fraction"
    if step.name == "replace" and ("text" in step.argument) == ("pattern" in step.argument):
        return "say what to replace by either text or pattern"
    if step.name == "clip" and _is_empty_range(step.argument):
        return "min is more than max"
    STEPS[step.name].apply(pa.nulls(1, kind), step.argument)
    return None


def _problem_of_parsing(step: Step, kind: pa.DataType) -> str | None:
    if not pa.types.is_string(kind):
        return f"{step.name} is for text, and the column is {kind}"
    if step.name == "parse_number":
        return _problem_of_marks(step.argument)
    if letter := _OF_A_DAY.search(_QUOTED.sub("", step.argument["format"])):
        return (
            f"the format has a time of day ({letter[0]}); declare the column as a timestamp "
            "with this format in the contract"
        )
    PARSERS[step.name].apply(pa.array(["1"]), step.argument)
    return None


def _problem_of_marks(form: dict[str, Any]) -> str | None:
    decimal, group = form.get("decimal", "."), form.get("group", "")
    if decimal == group:
        return f"decimal and group are both {decimal!r}; name two different marks"
    for mark in (decimal, group):
        if mark.isalnum() or mark in ("+", "-"):
            return f"{mark!r} may be part of a number; it can be no mark in it"
    if any(not word.strip() or re.search("[0-9]", word) for word in form.get("ignore", ())):
        return "ignore: a word to pass over has at least one sign, and no digits"
    return None


def _problem_of_fill(step: Step, kind: pa.DataType) -> str | None:
    if step.fills_from == "statistic":
        return _problem_of_statistic(step.argument["statistic"], kind)
    if step.fills_from:
        return None
    if pa.types.is_integer(kind) and _has_fraction(step.argument):
        return "the column holds whole numbers; write one without a fraction"
    if isinstance(step.argument, bool) == pa.types.is_boolean(kind) and _suits(step.argument, kind):
        return None
    hint = "; put it in quotes" if pa.types.is_string(kind) else ""
    return f"{json.dumps(step.argument)} is no {kind}, which the column is{hint}"


def _suits(value: Any, kind: pa.DataType) -> bool:
    try:
        scalar_of(value, kind)
    except (pa.ArrowException, TypeError, OverflowError):
        return False
    return True


def _problem_of_statistic(statistic: str, kind: pa.DataType) -> str | None:
    if statistic == "mode":
        return None
    if statistic == "mean" and pa.types.is_integer(kind):
        return (
            "the mean of whole numbers is none; use the median, or declare the column as a number"
        )
    if statistic == "mean" and not _is_number(kind):
        return f"the mean is for numbers, and the column is {kind}"
    if pa.types.is_boolean(kind) or (statistic == "median" and pa.types.is_string(kind)):
        return f"the {statistic} is for what has an order, and the column is {kind}; use the mode"
    return None


def _is_empty_range(bounds: dict[str, float]) -> bool:
    return bounds.get("min", -math.inf) > bounds.get("max", math.inf)


def _has_fraction(argument: Any) -> bool:
    numbers = argument.values() if isinstance(argument, dict) else [argument]
    return any(isinstance(number, float) and not number.is_integer() for number in numbers)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
