"""CloudWatch's metric math, as far as this stack uses it, for engines that evaluate none.

Rules and worked examples: "Using metric math" in the Amazon CloudWatch User Guide. A series is a
list with a value for each period, None where there is no data; all series of a call are equally
long. Numbers in an expression, and `SUM`, `AVG`, `MIN` and `MAX` of one series, are scalars.
"""

from __future__ import annotations

import ast
import operator
import re
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Series = list[float | None]
Value = float | Series | tuple[Series, ...]
"""What an expression can be: a scalar, a series, or an array of series."""

_WORDS = {"&&": " and ", "||": " or ", "^": "**"}
_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.And: lambda left, right: bool(left) and bool(right),
    ast.Or: lambda left, right: bool(left) or bool(right),
}
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}


def evaluate(expression: str, series: Mapping[str, Series]) -> Series:
    """Values of an expression, by period, where `series` are the metrics and expressions by id.

    Raises
    ------
    KeyError
        An id that `series` lacks.
    ValueError
        Not an expression, a function that is not known here, or one whose result is no series.
    """
    result = _evaluated(parsed(expression), series)
    if not isinstance(result, list):
        raise ValueError(f"{expression!r} is no single time series")
    return result


def used_ids(expression: str) -> set[str]:
    """Ids of the metrics and expressions that an expression names."""
    names = {node.id for node in ast.walk(parsed(expression)) if isinstance(node, ast.Name)}
    return {name for name in names if name[0].islower()}


def parsed(expression: str) -> ast.expr:
    """Expression as Python's syntax tree: the two languages differ in a few words only."""
    text = re.sub(r"&&|\|\||\^", lambda found: _WORDS[found[0]], expression)
    text = re.sub(r"\b(AND|OR)\b", lambda found: found[0].lower(), text)
    return ast.parse(text.strip(), mode="eval").body


def _evaluated(node: ast.AST, series: Mapping[str, Series]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            value: Value = float(number)
        case ast.Name(id=name):
            value = series[name]
        case ast.List(elts=elements):
            value = _array(_evaluated(element, series) for element in elements)
        case ast.Call(func=ast.Name(id="METRICS"), args=[]):
            value = tuple(series.values())
        case ast.Call(func=ast.Name(id=name), args=arguments):
            value = _called(name, arguments, series)
        case _:
            how, operands = _operation(node)
            value = reduce(
                partial(_combined, how), [_evaluated(operand, series) for operand in operands]
            )
    return value


def _operation(node: ast.AST) -> tuple[Callable[[float, float], float], list[ast.expr]]:
    """Operator and operands of a node that is an operation."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return operator.sub, [ast.Constant(0), operand]
        case ast.BinOp(left=left, op=how, right=right):
            return _OPERATORS[type(how)], [left, right]
        case ast.Compare(left=left, ops=[how], comparators=[right]):
            return _OPERATORS[type(how)], [left, right]
        case ast.BoolOp(op=how, values=operands):
            return _OPERATORS[type(how)], operands
    raise ValueError(f"not known here: {ast.unparse(node)}")


def _called(name: str, arguments: list[ast.expr], series: Mapping[str, Series]) -> Value:
    first, *others = arguments
    value = _evaluated(first, series)
    if name in _STATISTICS:
        return _summarised(_STATISTICS[name], value)
    if name == "FILL" and isinstance(others[0], ast.Name) and others[0].id == "REPEAT":
        return _repeated(value)
    rest = [_evaluated(other, series) for other in others]
    match name, value, rest:
        case "FILL", list(), [filler]:
            fillers = _spread(filler, len(value))
            return [
                one if one is not None else other for one, other in zip(value, fillers, strict=True)
            ]
        case "IF", list() | float(), [chosen, *otherwise]:
            return _chosen(value, chosen, *otherwise)
        case "RUNNING_SUM", list(), []:
            return list(_running(value))
        case "TIME_SERIES", float(), []:
            return _spread(value, len(next(iter(series.values()))))
    raise ValueError(f"not known here: {name} of {len(arguments)} arguments")


def _combined(how: Callable[[float, float], Any], left: Value, right: Value) -> Value:
    """Two values by an operator: what is missing on one side counts as 0, on both as missing.

    A division by zero has no value.
    """
    if isinstance(left, tuple):
        return _array(_combined(how, one, right) for one in left)
    if isinstance(right, tuple):
        return _array(_combined(how, left, one) for one in right)
    if not isinstance(left, list) and not isinstance(right, list):
        return float(how(left, right))
    length = len(left if isinstance(left, list) else right)  # type: ignore[arg-type]
    missing = [
        all(side[at] is None for side in (left, right) if isinstance(side, list))
        for at in range(length)
    ]
    pairs = zip(_spread(left, length), _spread(right, length), missing, strict=True)
    return [None if gone else _result(how, one or 0.0, other or 0.0) for one, other, gone in pairs]


def _result(how: Callable[[float, float], Any], left: float, right: float) -> float | None:
    try:
        return float(how(left, right))
    except ZeroDivisionError:
        return None


def _summarised(how: Callable[[Sequence[float]], float], value: Value) -> Value:
    """Scalar of one series, or series of several, period by period."""
    if isinstance(value, tuple):
        columns = (
            [one for one in column if one is not None] for column in zip(*value, strict=True)
        )
        if how is _STATISTICS["AVG"]:  # AWS: missing values are treated as 0
            return [sum(known) / len(value) if known else None for known in columns]
        return [float(how(known)) if known else None for known in columns]
    if isinstance(value, list):
        known = [one for one in value if one is not None]
        return float(how(known)) if known else 0.0
    raise ValueError("a statistic is of series, not of a number")


def _chosen(condition: Value, chosen: Value, otherwise: Value | None = None) -> Series:
    """Values of `chosen` where `condition` is not 0, else of `otherwise`."""
    lengths = [len(one) for one in (condition, chosen, otherwise) if isinstance(one, list)]
    conditions, yes = _spread(condition, lengths[0]), _spread(chosen, lengths[0])
    no = [None] * lengths[0] if otherwise is None else _spread(otherwise, lengths[0])
    return [
        None if one is None else (yes[at] or 0.0) if one else no[at]
        for at, one in enumerate(conditions)
    ]


def _repeated(value: Value) -> Series:
    """Series whose gaps hold the last value before them."""
    result: Series = []
    for one in _spread(value, 0):
        result.append(one if one is not None or not result else result[-1])
    return result


def _running(series: Series) -> Iterator[float]:
    total = 0.0
    for one in series:
        total += one or 0.0
        yield total


def _array(values: Iterator[Value]) -> tuple[Series, ...]:
    """Array of series from values that are series, or arrays themselves."""
    found: list[Series] = []
    for value in values:
        if isinstance(value, float):
            raise ValueError("an array is of series, not of numbers")
        found.extend(value if isinstance(value, tuple) else [value])
    return tuple(found)


def _spread(value: Value, length: int) -> Series:
    """Scalar as a series of this length; a series stays as it is."""
    if isinstance(value, tuple):
        raise ValueError("one series is wanted, not an array")
    return value if isinstance(value, list) else [value] * length
