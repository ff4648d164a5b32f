"""One execution: its graph, states, events and timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.routing import Route

from console.reading.events import event_page
from console.reading.execution import execution_view
from console.reading.graph import state_machine_graph
from console.reading.logs import invocation_log
from console.reading.state import state_panel
from console.reading.timeline import timeline
from console.rendering import page
from console.workspace import workspace_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from cli.target import Target
    from console.reading.execution import ExecutionView
    from console.reading.logs import InvocationLog
    from console.reading.state import StatePanel

WHOLE: Final = "all"
YES: Final = "yes"


def overview(request: Request) -> Response:
    """Graph, the state that was chosen, timeline and error."""
    target = workspace_of(request).target
    view = execution_view(target, request.path_params["name"])
    asked = request.query_params
    panel = state_panel(
        view, asked.get("state"), _number(asked.get("visit")), _number(asked.get("attempt"))
    )
    whole = asked.get("graph") == WHOLE
    graph = state_machine_graph(
        view.definition,
        view.states,
        now=view.until,
        selected=panel.name if panel else None,
        whole=whole,
    )
    return page(
        request,
        "execution.html",
        view=view,
        panel=panel,
        log=_log(target, view, panel) if panel and asked.get("logs") == YES else None,
        graph=graph,
        whole=whole,
        hidden=len(view.definition.get("States") or ()) - len(graph["nodes"]),
        timeline=timeline(view.states, view.started, view.until),
        here=lambda **parts: _address(view, asked.get("graph"), parts),
    )


def events(request: Request) -> Response:
    """Every event of the history, by pages and by what is searched."""
    view = execution_view(workspace_of(request).target, request.path_params["name"])
    asked = request.query_params
    found = event_page(
        view.events,
        text=asked.get("q", ""),
        page=_number(asked.get("page")) or 1,
        one=_number(asked.get("event")),
    )
    return page(request, "events.html", view=view, found=found)


def _log(target: Target, view: ExecutionView, panel: StatePanel) -> InvocationLog | None:
    if panel.chosen is None:
        return None
    arn, chosen = view.described["executionArn"], panel.chosen
    return invocation_log(target, panel.definition, arn, chosen.number - 1, chosen.attempt)


def _address(view: ExecutionView, graph: str | None, parts: dict[str, Any]) -> str:
    """Address of this page with other parameters; the graph stays as it is."""
    kept = ({"graph": graph} if graph == WHOLE else {}) | parts
    named = {name: value for name, value in kept.items() if value is not None}
    return f"?{urlencode(named)}" if named else f"/executions/{view.name}"


def _number(text: str | None) -> int | None:
    """Return a whole number above 0; None for anything else."""
    is_number = text is not None and text.isascii() and text.isdecimal() and len(text) < 10  # noqa: PLR2004
    return int(text) or None if text and is_number else None


ROUTES: Final = [
    Route("/executions/{name}", overview, name="execution"),
    Route("/executions/{name}/events", events, name="events"),
]
