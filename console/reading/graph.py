"""The state machine as a graph: states and what became of them, and what leads from one on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cli.figures import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cli.history import StateRun

NOT_VISITED: Final = "idle"
SHORT: Final = 26
"""Characters of an edge's label; the whole one stands in its title and in the state's panel."""
WORST_FIRST: Final = ("failed", "retrying", "running", "caught", "succeeded")
SAID: Final = {
    "caught": "failed, caught",
    "retrying": "waiting for its next attempt",
    NOT_VISITED: "not visited",
}


@dataclass(frozen=True)
class Edge:
    """What leads from one state to another; `kind` is next, choice, default or catch."""

    source: str
    target: str
    kind: str
    words: str


def state_machine_graph(
    definition: Mapping[str, Any],
    states: Sequence[StateRun],
    *,
    now: datetime,
    selected: str | None,
    whole: bool,
) -> dict[str, Any]:
    """Return nodes and edges, as `graph.js` draws them; both empty without a definition.

    Parameters
    ----------
    selected
        Name of the state whose panel is shown.
    whole
        Show the states, too, that only a failure leads to, and none has led to.
    """
    visits: dict[str, list[StateRun]] = {}
    for state in states:
        visits.setdefault(state.name, []).append(state)
    taken = _taken(states)
    return _level(definition, visits, taken, now=now, selected=selected, whole=whole)


def definition_of(definition: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what the definition says of a state, wherever it stands; empty if nothing."""
    for states in _levels(definition):
        if isinstance(found := states.get(name), dict):
            return found
    return {}


def edges_of(name: str, state: Mapping[str, Any]) -> Iterator[Edge]:
    """What leads out of a state."""
    if isinstance(state.get("Next"), str):
        yield Edge(name, state["Next"], "next", "")
    for number, rule in enumerate(_objects(state.get("Choices")), start=1):
        if isinstance(rule.get("Next"), str):
            yield Edge(name, rule["Next"], "choice", condition(rule) or f"rule {number}")
    if isinstance(state.get("Default"), str):
        yield Edge(name, state["Default"], "default", "otherwise")
    for caught in _objects(state.get("Catch")):
        if isinstance(caught.get("Next"), str):
            errors = ", ".join(map(str, caught.get("ErrorEquals") or []))
            yield Edge(name, caught["Next"], "catch", errors)


def condition(rule: Mapping[str, Any]) -> str:
    """Return a choice's rule in words: `$.rows > 0 and not ($.kind = "late")`."""
    if isinstance(rule.get("Condition"), str):
        return str(rule["Condition"]).strip("{}% ")
    for joined in ("And", "Or"):
        if joined in rule:
            parts = (_nested(part) for part in _objects(rule[joined]))
            return f" {joined.lower()} ".join(parts)
    if "Not" in rule and isinstance(rule["Not"], dict):
        return f"not {_nested(rule['Not'])}"
    tests = [key for key in rule if key not in ("Variable", "Next", "Comment", "Assign", "Output")]
    return f"{rule.get('Variable', '')} {_test(tests[0], rule[tests[0]])}" if tests else ""


def _nested(rule: Mapping[str, Any]) -> str:
    words = condition(rule)
    return f"({words})" if "And" in rule or "Or" in rule else words


def _test(test: str, value: Any) -> str:
    """`NumericGreaterThan` and 0 are `> 0`; `IsPresent` and true are `is present`."""
    if test.startswith("Is"):
        words = {"Is": "is", "IsPresent": "is present"}.get(test, f"is {test[2:].lower()}")
        return words if value else words.replace("is ", "is not ", 1)
    for ending, sign in (
        ("GreaterThanEquals", "≥"),
        ("LessThanEquals", "≤"),
        ("GreaterThan", ">"),
        ("LessThan", "<"),
        ("Matches", "matches"),
        ("Equals", "="),
    ):
        if test.removesuffix("Path").endswith(ending):
            return f"{sign} {value}"
    return f"{test} {value}"


def _level(
    part: Mapping[str, Any],
    visits: Mapping[str, list[StateRun]],
    taken: set[tuple[str, str, bool]],
    *,
    now: datetime,
    selected: str | None,
    whole: bool,
) -> dict[str, Any]:
    """Nodes and edges of one level: the machine's, a branch's, or those of an item's states."""
    states = {name: each for name, each in _states(part).items() if isinstance(each, dict)}
    shown = set(states) if whole else _usual(part, states) | (visits.keys() & states.keys())
    nodes = []
    for name, state in states.items():
        if name not in shown:
            continue
        node = _node(name, state, visits.get(name, []), now)
        node["selected"] = name == selected
        node["parts"] = [
            _level(inner, visits, taken, now=now, selected=selected, whole=True)
            for inner in _parts(state)
        ]
        nodes.append(node)
    edges = [
        _drawn(edge, (edge.source, edge.target, edge.kind == "catch") in taken)
        for name, state in states.items()
        for edge in edges_of(name, state)
        if edge.source in shown and edge.target in shown
    ]
    return {"nodes": nodes, "edges": edges}


def _node(
    name: str, state: Mapping[str, Any], visits: Sequence[StateRun], now: datetime
) -> dict[str, Any]:
    found = {visit.status for visit in visits}
    status = next((each for each in WORST_FIRST if each in found), NOT_VISITED)
    retries = sum(visit.retries for visit in visits)
    seconds = duration(sum(visit.seconds(now) for visit in visits)) if visits else ""
    said = [name, SAID.get(status, status)]
    if retries:
        said[-1] += f" after {retries} {'retry' if retries == 1 else 'retries'}"
    if len(visits) > 1:
        said.append(f"{len(visits)} visits")
    return {
        "name": name,
        "type": str(state.get("Type", "")),
        "status": status,
        "retries": retries,
        "visits": len(visits),
        "seconds": seconds,
        "label": ", ".join([*said, *([seconds] if seconds else [])]),
    }


def _drawn(edge: Edge, is_taken: bool) -> dict[str, Any]:
    words = edge.words if edge.words != "States.ALL" else "any error"
    return {
        "from": edge.source,
        "to": edge.target,
        "kind": edge.kind,
        "label": words if len(words) <= SHORT else words[: SHORT - 1] + "…",
        "title": words,
        "taken": is_taken,
    }


def _taken(states: Iterable[StateRun]) -> set[tuple[str, str, bool]]:
    """Pairs of states of which the second followed the first, and whether it caught its error."""
    levels: dict[int, list[StateRun]] = {}
    for state in states:
        levels.setdefault(id(state.inside), []).append(state)
    return {
        (one.name, other.name, one.status == "caught")
        for level in levels.values()
        for one, other in pairwise(level)
    }


def _usual(part: Mapping[str, Any], states: Mapping[str, Any]) -> set[str]:
    """States that a run can reach in which nothing fails."""
    reached: set[str] = set()
    waiting = [str(part.get("StartAt", ""))]
    while waiting:
        name = waiting.pop()
        if name in states and name not in reached:
            reached.add(name)
            edges = edges_of(name, states[name])
            waiting += [edge.target for edge in edges if edge.kind != "catch"]
    return reached


def _levels(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """States of the machine, and of each part within it."""
    states = _states(part)
    yield states
    for state in _objects(list(states.values())):
        for inner in _parts(state):
            yield from _levels(inner)


def _parts(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Branches of a Parallel state; what a Map state does to an item."""
    item = state.get("ItemProcessor") or state.get("Iterator")
    return _objects(state.get("Branches")) + _objects([item])


def _states(part: Mapping[str, Any]) -> Mapping[str, Any]:
    states = part.get("States")
    return states if isinstance(states, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
