"""Templates, and how values are written in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from cli.datasets import known_datasets
from cli.figures import UNKNOWN, count, duration, size
from console.workspace import console_of

if TYPE_CHECKING:
    from starlette.requests import Request

TEMPLATES: Final = Path(__file__).parent / "templates"
LEAST_SHORT: Final = 0.0001


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


def local_time(moment: datetime) -> str:
    """Date and time of day, to the second, in the zone of the console's machine."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def iso_time(moment: datetime) -> str:
    """The moment in UTC, as machines read it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def dollars(amount: float | None) -> str:
    """An amount in US dollars with two figures that count; a dash for what is not known."""
    if amount is None:
        return UNKNOWN
    return f"${amount:.2g}" if amount >= LEAST_SHORT else f"${amount:.6f}"


def file_name(key: str) -> str:
    """Last part of an object's key; all of it, if there is none."""
    return key.rstrip("/").rsplit("/", 1)[-1] or key


def pretty_json(document: Any) -> str:
    """A document as indented JSON; what is no JSON is written as text."""
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (count, duration, local_time, iso_time, dollars, file_name, size, pretty_json)
    environment.filters |= {each.__name__: each for each in filters}
    environment.globals["known_datasets"] = known_datasets
    return environment


_ENVIRONMENT: Final = _environment()
