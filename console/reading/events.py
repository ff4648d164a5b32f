"""The events of an execution's history, by pages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.history import followed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

SHOWN: Final = 200
"""Events on a page."""
SHOWN_CHARACTERS: Final = 2000
"""Of an event's details in the list; alone, it shows them up to `LONGEST`."""
LONGEST: Final = 300_000
FRAME: Final = ("id", "type", "timestamp", "previousEventId")


@dataclass(frozen=True)
class EventRow:
    """One event; `cut` tells how long its details are if not all are shown."""

    id: int
    time: datetime
    type: str
    state: str | None
    details: str
    cut: int | None


@dataclass(frozen=True)
class EventPage:
    """A page of those events that a text was found in; pages count from 1."""

    rows: Sequence[EventRow]
    text: str
    page: int
    pages: int
    matching: int
    total: int
    one: int | None


def event_page(
    events: Sequence[Mapping[str, Any]], *, text: str, page: int, one: int | None
) -> EventPage:
    """Return a page of the events in which a text stands, or the `one` with this id.

    Type, state and details are searched; upper and lower case are the same.
    """
    _, owners = followed(events)
    states = {event_id: run.name for event_id, run in owners.items()}
    wanted = text.casefold()
    if one is not None:
        found = [event for event in events if event["id"] == one]
    elif wanted:
        found = [event for event in events if wanted in _searched(event, states).casefold()]
    else:
        found = list(events)
    pages = max(1, -(-len(found) // SHOWN))
    page = min(page, pages)
    limit = LONGEST if one is not None else SHOWN_CHARACTERS
    return EventPage(
        rows=[_row(event, states, limit) for event in found[(page - 1) * SHOWN : page * SHOWN]],
        text=text,
        page=page,
        pages=pages,
        matching=len(found),
        total=len(events),
        one=one,
    )


def _searched(event: Mapping[str, Any], states: Mapping[int, str]) -> str:
    parts = [event["type"], states.get(event["id"], "")]
    for field in _details(event).values():
        parts += map(str, field.values()) if isinstance(field, dict) else [str(field)]
    return "\n".join(parts)


def _row(event: Mapping[str, Any], states: Mapping[int, str], limit: int) -> EventRow:
    details = _unfolded(_details(event))
    text = json.dumps(details, indent=2, ensure_ascii=False, default=str) if details else ""
    return EventRow(
        id=event["id"],
        time=event["timestamp"],
        type=event["type"],
        state=states.get(event["id"]),
        details=text[:limit],
        cut=len(text) if len(text) > limit else None,
    )


def _details(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in FRAME}


def _unfolded(details: Mapping[str, Any]) -> Any:
    """Return the one object of details that an event has, with JSON in its texts as documents."""
    only = next(iter(details.values())) if len(details) == 1 else details
    if not isinstance(only, dict):
        return only
    return {name: _document(value) for name, value in only.items() if not name.endswith("Details")}


def _document(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
