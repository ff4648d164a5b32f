"""The run report as a page of the console, and as a file to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route

from cli.report import PALETTE, STYLE
from console.reading.execution import execution_view
from console.reading.report import report_of
from console.rendering import page
from console.workspace import workspace_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

FILE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Of the file: it brings its styles, may do nothing, and is of no origin."""
SHEETS: Final = {"/sheets/report.css": STYLE, "/sheets/palette.css": PALETTE}


def shown(request: Request) -> Response:
    """Show the report in the console's own frame and colours."""
    target = workspace_of(request).target
    view = execution_view(target, request.path_params["name"])
    return page(request, "report.html", view=view, body=report_of(target, view.described).body())


def kept(request: Request) -> Response:
    """Send the report as the one file that `pipeline report` writes."""
    target = workspace_of(request).target
    view = execution_view(target, request.path_params["name"])
    report = report_of(target, view.described)
    return HTMLResponse(
        report.page(),
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{report.file_name}"',
            "Content-Security-Policy": FILE_POLICY,
        },
    )


def sheet(request: Request) -> Response:
    """Send a stylesheet that the file has in it."""
    return FileResponse(SHEETS[request.url.path], media_type="text/css")


ROUTES: Final = [
    Route("/executions/{name}/report", shown, name="report"),
    Route("/executions/{name}/report.html", kept, name="report_file"),
    *[Route(path, sheet) for path in SHEETS],
]
