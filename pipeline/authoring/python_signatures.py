"""What a function of `steps.py` must look like to be a step, seen before it runs on any row."""

from __future__ import annotations

import inspect
import traceback
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.errors import PipelineError
from pipeline.python_steps import STEPS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.python_steps import PythonSteps

_FRAMES: Final = frozenset({"DataFrame", "Any"})
_RESULTS: Final = _FRAMES | {"Series"}
_UNIONS: Final = (typing.Union, types.UnionType)


class StepProblem(NamedTuple):
    """What is wrong with a step, and the line of `steps.py` that says so; None: no line of it."""

    message: str
    line: int | None


def problem_of(python: PythonSteps, step: str) -> StepProblem | None:
    """Return what keeps a function from being a step; None if nothing does."""
    try:
        function = python.function(step)
    except PipelineError as error:
        return StepProblem(str(error), None)
    except Exception as error:  # whatever the dataset's own module raises
        said = f"{STEPS_FILE} cannot be imported: {type(error).__name__}: {error}"
        return StepProblem(said, _line_of(error))
    if not inspect.isfunction(function):
        return StepProblem(f"{step} is no function: a step is `def {step}(frame)`", None)
    for message in _problems(function):
        return StepProblem(f"{step}: {message}", function.__code__.co_firstlineno)
    return None


def _line_of(error: Exception) -> int:
    if isinstance(error, SyntaxError) and Path(error.filename or "").name == STEPS_FILE:
        return error.lineno or 1
    calls = traceback.extract_tb(error.__traceback__)
    lines = [call.lineno for call in calls if Path(call.filename).name == STEPS_FILE]
    return (lines[-1] if lines else None) or 1


def _problems(function: types.FunctionType) -> Iterator[str]:
    parameters = inspect.signature(function).parameters.values()
    required = [each for each in parameters if _is_required(each)]
    if len(required) != 1 or required[0].kind is inspect.Parameter.KEYWORD_ONLY:
        names = ", ".join(each.name for each in required) or "none"
        yield f"a step has one required parameter, the frame; this one has: {names}"
        return
    hints = _hints(function)
    parameter = required[0].name
    if parameter in hints and not _names(hints[parameter]) <= _FRAMES:
        yield f"its parameter {parameter} is annotated as something else than a pandas DataFrame"
    if "return" in hints and not _names(hints["return"]) <= _RESULTS:
        yield "its result is annotated as something else than a pandas DataFrame or Series"


def _is_required(parameter: inspect.Parameter) -> bool:
    collects = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and parameter.kind not in collects


def _hints(function: types.FunctionType) -> dict[str, Any]:
    """Annotations, evaluated where they can be: what stands under TYPE_CHECKING is not there."""
    try:
        return typing.get_type_hints(function)
    except Exception:  # an annotation may be any expression
        return function.__annotations__


def _names(hint: Any) -> set[str]:
    """Names of the classes that an annotation allows, without their modules and parameters."""
    if isinstance(hint, str):
        return {each.strip(" '\"").split("[")[0].rpartition(".")[2] for each in hint.split("|")}
    if typing.get_origin(hint) in _UNIONS:
        return {name for each in typing.get_args(hint) for name in _names(each)}
    origin = typing.get_origin(hint) or hint
    return {getattr(origin, "__name__", str(origin))}
