"""The part of the Amazon States Language that this project uses, as strict as its specification.

The local engine reads a path that leads nowhere as null. In AWS it ends the execution past every
Catch. So whether every read is guarded can be seen here alone; that the definition is understood
by an engine, and told to a queue and a topic, is tested in `tests/state_machine/`.
https://states-language.net
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT: dict[str, Any] = {
    "Execution": {
        "Id": "arn:aws:states:us-east-1:123456789012:execution:Pipeline:name",
        "Name": "name",
        "StartTime": "2026-01-31T12:00:00Z",
    }
}
"""The context object; a task finds its own `State` there."""
_STEP = re.compile(r"\.(\w+)|\['([^']+)'\]")
_ARGUMENT = re.compile(r"\s*(?:'((?:\\.|[^'\\])*)'|(States\.\w+)\(|(\$[^,)]*))")


class StatesRuntimeError(Exception):
    """What no Catch sees."""


class TaskFailedError(Exception):
    """Answer of a task that failed; `cause` None is none."""

    def __init__(self, error: str, cause: str | None = None) -> None:
        super().__init__(error)
        self.output = {"Error": error} if cause is None else {"Error": error, "Cause": cause}


@dataclass
class Trace:
    """All that an execution did."""

    states: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    """What each task was given at its last attempt."""
    attempts: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    cause: str | None = None
    output: Any = None


def executed(
    states: dict[str, Any], start: str, data: Any, answer: Callable[[str, Any], Any]
) -> Trace:
    """Trace of an execution whose tasks answer what `answer` returns or raises.

    Raises
    ------
    StatesRuntimeError
        The execution ends where no Catch sees it.
    """
    trace, name = Trace(), start
    while True:
        state = states[name]
        trace.states.append(name)
        match state["Type"]:
            case "Succeed":
                trace.output = value_at(state["OutputPath"], data)
                return trace
            case "Fail":
                trace.error = _text_at(state["ErrorPath"], data)
                trace.cause = _text_at(state["CausePath"], data)
                return trace
            case "Choice":
                name = _chosen(state, data)
            case "Pass":
                data = _placed(data, state, shaped(state["Parameters"], data))
                name = state["Next"]
            case "Task":
                data, name = _after_task(name, state, data, answer, trace)


def _after_task(
    name: str, state: dict[str, Any], data: Any, answer: Callable[[str, Any], Any], trace: Trace
) -> tuple[Any, str]:
    while True:
        CONTEXT["State"] = {"Name": name, "RetryCount": trace.attempts.get(name, 0)}
        parameters = trace.parameters[name] = shaped(state["Parameters"], data)
        trace.attempts[name] = trace.attempts.get(name, 0) + 1
        try:
            result = answer(name, parameters)
        except TaskFailedError as failed:
            if trace.attempts[name] > _retries(state, failed.output["Error"]):
                caught = _catcher(state, failed.output["Error"])
                return _placed(data, caught, failed.output), caught["Next"]
        else:
            selector = state.get("ResultSelector")
            shape = result if selector is None else shaped(selector, result)
            return _placed(data, state, shape), state["Next"]


def _retries(state: dict[str, Any], error: str) -> int:
    (retrier,) = state["Retry"]
    return int(retrier["MaxAttempts"]) if _matches(retrier, error) else 0


def _catcher(state: dict[str, Any], error: str) -> dict[str, Any]:
    for catcher in state["Catch"]:
        if _matches(catcher, error):
            return dict(catcher)
    raise StatesRuntimeError(error)


def _matches(branch: dict[str, Any], error: str) -> bool:
    return error in branch["ErrorEquals"] or "States.ALL" in branch["ErrorEquals"]


def _chosen(state: dict[str, Any], data: Any) -> str:
    for choice in state["Choices"]:
        if _holds(choice, data):
            return str(choice["Next"])
    return str(state["Default"])


def _holds(rule: dict[str, Any], data: Any) -> bool:
    """Whether a rule holds; every test but that for presence needs a value to be there."""
    match rule:
        case {"And": rules}:
            return all(_holds(one, data) for one in rules)
        case {"Or": rules}:
            return any(_holds(one, data) for one in rules)
        case {"Variable": path, "IsPresent": wanted}:
            return _is_present(path, data) is wanted
        case {"Variable": path, "IsString": wanted}:
            return isinstance(value_at(path, data), str) is wanted
        case {"Variable": path, "StringEquals": wanted}:
            return bool(value_at(path, data) == wanted)
        case {"Variable": path, "StringMatches": pattern}:
            value = value_at(path, data)
            parts = (re.escape(part) for part in pattern.split("*"))
            return isinstance(value, str) and bool(re.fullmatch(".*".join(parts), value, re.DOTALL))
    raise NotImplementedError(rule)


def _is_present(path: str, data: Any) -> bool:
    try:
        value_at(path, data)
    except StatesRuntimeError:
        return False
    return True


def value_at(path: str, data: Any) -> Any:
    """Value at a reference path: it must be there."""
    if path.startswith("$$"):
        path, data = path[1:], CONTEXT
    steps = _STEP.findall(path[1:])
    assert "$" + "".join(f".{plain}" if plain else f"['{odd}']" for plain, odd in steps) == path
    for plain, odd in steps:
        step = plain or odd
        if not isinstance(data, dict) or step not in data:
            raise StatesRuntimeError(f"{path} leads nowhere")
        data = data[step]
    return data


def _text_at(path: str, data: Any) -> str:
    value = value_at(path, data)
    if not isinstance(value, str):
        raise StatesRuntimeError(f"{path} is no text")
    return value


def shaped(template: Any, data: Any) -> Any:
    """Payload template with its values: fields whose names end in `.$` are paths or functions."""
    if not isinstance(template, dict):
        return template
    return {
        name.removesuffix(".$"): _evaluated(value, data)
        if name.endswith(".$")
        else shaped(value, data)
        for name, value in template.items()
    }


def _evaluated(expression: str, data: Any) -> Any:
    if not expression.startswith("States."):
        return copy.deepcopy(value_at(expression, data))
    value, end = _called(expression, data)
    assert end == len(expression), expression
    return value


def _called(expression: str, data: Any, start: int = 0) -> tuple[Any, int]:
    """Value of the function call that starts there, and where the call ends."""
    name, _, _ = expression[start:].partition("(")
    position, arguments = start + len(name) + 1, []
    while expression[position - 1] != ")":
        found = _ARGUMENT.match(expression, position)
        assert found, expression[position:]
        literal, function, path = found.groups()
        if function:
            argument, position = _called(expression, data, found.start(2))
        else:
            text = literal is not None
            argument = re.sub(r"\\(.)", r"\1", literal) if text else value_at(path.strip(), data)
            position = found.end()
        arguments.append(argument)
        assert expression[position] in ",)", expression[position:]
        position += 1
    return _FUNCTIONS[name](*arguments), position


def _formatted(template: str, *values: Any) -> str:
    places = template.split("{}")
    if len(places) != len(values) + 1:
        raise StatesRuntimeError(f"{len(values)} values for {template!r}")
    if any(isinstance(value, dict | list) for value in values):
        raise StatesRuntimeError("States.Format takes no objects and no arrays")
    told = (value if isinstance(value, str) else json.dumps(value) for value in values)
    return places[0] + "".join(value + place for value, place in zip(told, places[1:], strict=True))


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise StatesRuntimeError(f"no JSON: {text!r}") from error


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "States.Format": _formatted,
    "States.JsonToString": lambda value: json.dumps(value, ensure_ascii=False),
    "States.StringToJson": _from_json,
}


def _placed(data: Any, state: dict[str, Any], result: Any) -> Any:
    """Input of a state with its result at the state's `ResultPath`."""
    steps = [plain for plain, _ in _STEP.findall(state.get("ResultPath", "$")[1:])]
    if not steps:
        return result
    placed = within = copy.deepcopy(data)
    for step in steps[:-1]:
        within = within.setdefault(step, {})
    within[steps[-1]] = result
    return placed
