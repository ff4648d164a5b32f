"""Templates, and how values are written in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse

from cli import render
from cli.datasets import known_datasets
from cli.figures import UNKNOWN, count, duration, iso_time, local_time, size
from cli.templating import environment
from console.workspace import console_of

if TYPE_CHECKING:
    from starlette.requests import Request

TEMPLATES: Final = Path(__file__).parent / "templates"


def page(
    request: Request, template: str, *, status_code: int = 200, **context: Any
) -> HTMLResponse:
    """Return a page made of a template; every template has `request`, `console` and `theme`."""
    theme = request.cookies.get("theme")
    html = _ENVIRONMENT.get_template(template).render(
        request=request,
        console=console_of(request),
        theme=theme if theme in ("light", "dark") else None,
        **context,
    )
    # What a page shows is of this moment, and may be nobody else's business on this machine.
    # JSON may tell of halves of characters, which UTF-8 has not.
    return HTMLResponse(
        html.encode(errors="replace"),
        status_code=status_code,
        headers={"Cache-Control": "no-store"},
    )


def dollars(amount: float | None) -> str:
    """An amount in US dollars, as the commands write it; a dash for what is not known."""
    return UNKNOWN if amount is None else render.dollars(amount)


def file_name(key: str) -> str:
    """Last part of an object's key; all of it, if there is none."""
    return key.rstrip("/").rsplit("/", 1)[-1] or key


def pretty_json(document: Any) -> str:
    """A document as indented JSON; what is no JSON is written as text."""
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)


_ENVIRONMENT: Final = environment(
    TEMPLATES, count, duration, local_time, iso_time, dollars, file_name, size, pretty_json
)
_ENVIRONMENT.globals["known_datasets"] = known_datasets
