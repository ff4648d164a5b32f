"""Environments of templates: one way to write HTML, for the report and the console's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def environment(templates: Path, *filters: Callable[..., Any]) -> Environment:
    """Return an environment that escapes everything, and takes no unknown name for nothing.

    Parameters
    ----------
    filters
        Functions that the templates call by their names.
    """
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {each.__name__: each for each in filters}
    return made
