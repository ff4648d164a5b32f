"""One state of an execution, as its panel shows it: attempts, pauses, errors with their traces."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.history import unfolded
from cli.summary import fault_by_status
from console.reading.graph import definition_of, edges_of
from pipeline import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.history import Attempt, StateRun
    from console.reading.execution import ExecutionView

SHOWN_CHARACTERS: Final = 100_000
"""Of a document; more makes a page that nobody can scroll."""
FILE_LINE: Final = re.compile(r'\s*File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<function>.+)')
OURS: Final = re.compile(r"/(?P<inside>(?:pipeline|functions|datasets)/(?!.*site-packages/).+)$")
LIBRARIES: Final = ("site-packages/", "/lib/python", "/opt/python/", "/var/runtime/")


@dataclass(frozen=True)
class Frame:
    """One line of a stack trace; `place` is the file as this project names it, if it is ours."""

    place: str
    line: str
    function: str
    code: str
    is_ours: bool


@dataclass(frozen=True)
class AttemptView:
    """One attempt; `pause` are the seconds since the one before, None for the first."""

    number: int
    attempt: Attempt
    pause: float | None
    message: str
    status_code: int | None
    trace: Sequence[Frame]
    raw: str

    @property
    def fault(self) -> str:
        """Whose fault the error is."""
        return fault_by_status(self.status_code)


@dataclass(frozen=True)
class Document:
    """A document as text; `cut` is the number of its characters if only some are shown."""

    text: str
    cut: int | None


@dataclass(frozen=True)
class Rule:
    """One way out of a choice."""

    words: str
    target: str
    is_taken: bool


@dataclass(frozen=True)
class StatePanel:
    """A state, and the visit of it that is looked at; `run` is None if there was none.

    `visit` counts from 1; `chosen` is the attempt whose log is shown.
    """

    name: str
    definition: Mapping[str, Any]
    visits: Sequence[StateRun]
    visit: int
    run: StateRun | None
    attempts: Sequence[AttemptView]
    chosen: AttemptView | None
    rules: Sequence[Rule]

    @property
    def kind(self) -> str:
        """The state's type."""
        return str(self.definition.get("Type") or (self.run.kind if self.run else "State"))

    @property
    def input(self) -> Document | None:
        """What the state was given."""
        return document(self.run.input) if self.run else None

    @property
    def output(self) -> Document | None:
        """What its task returned; None as long as there is nothing."""
        return document(self.run.output) if self.run and self.run.output is not None else None


def state_panel(
    view: ExecutionView, name: str | None, visit: int | None, attempt: int | None
) -> StatePanel | None:
    """Return the panel of a state; without a name, that of the one to look at first.

    What is asked for and not there is answered by the last one that is. None if nothing ran.
    """
    name = name or first_to_look_at(view)
    if name is None:
        return None
    visits = [state for state in view.states if state.name == name]
    at = visit if visit and 1 <= visit <= len(visits) else len(visits)
    run = visits[at - 1] if visits else None
    attempts = attempt_views(run.attempts) if run else []
    number = attempt if attempt and 1 <= attempt <= len(attempts) else len(attempts)
    found = definition_of(view.definition, name)
    return StatePanel(
        name=name,
        definition=found,
        visits=visits,
        visit=at,
        run=run,
        attempts=attempts,
        chosen=attempts[number - 1] if attempts else None,
        rules=_rules(found, name, _following(view.states, run)),
    )


def first_to_look_at(view: ExecutionView) -> str | None:
    """Return the state that failed; else the one that runs, else the last one with a stage."""
    erred = [state for state in view.states if state.attempts and state.attempts[-1].error]
    died = [state for state in view.states if state.died]
    running = [state for state in view.states if state.exited is None]
    stages = [state for state in view.states if state.stage]
    if view.result.error:
        candidates = [each for each in erred if each.stage] or erred or died
    else:
        candidates = running
    latest = (candidates or stages or list(view.states))[-1:]
    return latest[0].name if latest else None


def attempt_views(attempts: Sequence[Attempt]) -> list[AttemptView]:
    """Return attempts with what their errors say."""
    views = []
    for number, attempt in enumerate(attempts, start=1):
        before = attempts[number - 2] if number > 1 else None
        message, trace = unfolded(attempt.cause)
        views.append(
            AttemptView(
                number=number,
                attempt=attempt,
                pause=(attempt.started - (before.ended or before.started)).total_seconds()
                if before
                else None,
                message=message,
                status_code=status_code(attempt.error) if attempt.error else None,
                trace=[frame(entry) for entry in trace],
                raw=document(_json(attempt.cause)).text,
            )
        )
    return views


def status_code(error: str) -> int:
    """Return 400 for an error that is the data's or the contract's fault, else 500."""
    return int(getattr(getattr(errors, error, None), "status_code", 500))


def frame(entry: str) -> Frame:
    """Return an entry of a trace in its parts; one of another form stands as code."""
    first, _, code = entry.partition("\n")
    found = FILE_LINE.fullmatch(first)
    if not found:
        return Frame("", "", "", entry.strip("\n"), is_ours=False)
    path = found["path"]
    ours = None if any(part in path for part in LIBRARIES) else OURS.search(path)
    place = ours["inside"] if ours else "/".join(path.split("/")[-3:])
    return Frame(place, found["line"], found["function"], code.strip(), is_ours=bool(ours))


def document(value: Any) -> Document:
    """Return a document as indented JSON, cut when it is very long."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    if isinstance(value, str):
        text = value
    cut = len(text) if len(text) > SHOWN_CHARACTERS else None
    return Document(text[:SHOWN_CHARACTERS], cut)


def _following(states: Sequence[StateRun], run: StateRun | None) -> str | None:
    """Name of the state that came after a visit, on the same level."""
    if run is None:
        return None
    level = [state for state in states if state.inside is run.inside]
    at = next(place for place, state in enumerate(level) if state is run)
    return level[at + 1].name if at + 1 < len(level) else None


def _rules(state: Mapping[str, Any], name: str, following: str | None) -> list[Rule]:
    """Ways out of a Choice state; the first one that leads to where it went is the one taken."""
    edges = [edge for edge in edges_of(name, state) if edge.kind in ("choice", "default")]
    taken = next((edge for edge in edges if edge.target == following), None)
    return [Rule(edge.words, edge.target, edge is taken) for edge in edges]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
