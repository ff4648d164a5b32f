"""The two streams: results go to stdout, everything said on the way goes to stderr."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_A_TERMINAL_WIDTH: Final = 1000
"""Tables in a file or a pipe are as wide as they need to be."""


def stdout() -> Console:
    """Console for results: never wraps, so that addresses stay in one piece when copied."""
    wide = None if sys.stdout.isatty() else NOT_A_TERMINAL_WIDTH
    return Console(soft_wrap=True, highlight=False, width=wide)


def stderr() -> Console:
    """Console for progress and errors."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def print_json(document: Any) -> None:
    """Write one JSON document to stdout; dates become ISO 8601 strings."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False, default=_plain)
    sys.stdout.write("\n")


def _plain(value: Any) -> str:
    """Text of a value that JSON has no word for; times sort as texts, too."""
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


def say(line: str) -> None:
    """Write one line of progress to stderr."""
    stderr().print(line, markup=False)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something takes a while; yields a function that changes the words.

    On a terminal it is a spinner; elsewhere only the first words are written, once.
    """
    console = stderr()
    if not console.is_terminal:
        say(what)
        yield lambda _words: None
        return
    with console.status(what) as status:
        yield status.update
