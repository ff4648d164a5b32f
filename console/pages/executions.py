"""The list of executions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from cli.datasets import known_datasets
from console.reading.selection import Selection, selected
from console.rendering import page
from console.workspace import console_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def listing(request: Request) -> Response:
    """Executions, the latest first."""
    console = console_of(request)
    index = console.workspace().index
    executions = index.listed()
    progress = index.progress
    if progress.is_lost:
        console.forget()
    selection = Selection.of(request.query_params)
    named = {one.dataset for one in executions if one.dataset}
    return page(
        request,
        "executions.html",
        selection=selection,
        found=selected(executions, selection),
        progress=progress,
        now=datetime.now(UTC),
        datasets=sorted(named.union(known_datasets(console.datasets))),
    )


ROUTES: Final = [Route("/executions", listing, name="executions")]
