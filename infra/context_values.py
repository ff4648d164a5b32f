"""Readers of the context's values: what a value must be, and what to say of one that is not.

The command line gives text, `cdk.json` any JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_cdk import RemovalPolicy

from infra.logs import RETENTION

if TYPE_CHECKING:
    from enum import StrEnum

Reader = Callable[[str, Any], Any]
"""Value of a setting, from its context key and what stands there."""


class SettingsError(ValueError):
    """A context value that this app cannot use; its text is the whole message to the user."""


def choice(kinds: type[StrEnum]) -> Reader:
    """Return the reader of one of several words."""

    def read(key: str, value: Any) -> Any:
        try:
            return kinds(str(value))
        except ValueError:
            known = " or ".join(kinds)
            raise SettingsError(f"context '{key}' must be {known}, not {value!r}") from None

    return read


def matching(pattern: str, wanted: str) -> Reader:
    """Return the reader of a text that a pattern matches as a whole; `wanted` says what it is."""

    def read(key: str, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise SettingsError(f"context '{key}' must be {wanted}, not {value!r}")
        return value

    return read


def list_of(pattern: str, wanted: str) -> Reader:
    """Return the reader of texts with commas, or of a list of them; `wanted` says what one is."""
    read_one = matching(pattern, wanted)

    def read(key: str, value: Any) -> tuple[str, ...]:
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list):
            raise SettingsError(f"context '{key}' must be {wanted}s with commas, not {value!r}")
        return tuple(read_one(key, one.strip() if isinstance(one, str) else one) for one in given)

    return read


def number(bounds: range) -> Reader:
    """Return the reader of a whole number out of a range."""

    def read(key: str, value: Any) -> int:
        text = str(value)
        if not text.isascii() or not text.isdigit():
            raise SettingsError(f"context '{key}' must be a whole number, not {value!r}")
        if int(text) not in bounds:
            allowed = f"{bounds.start} to {bounds[-1]}"
            steps = f" in steps of {bounds.step}" if bounds.step > 1 else ""
            raise SettingsError(f"context '{key}' must be {allowed}{steps}, not {text}")
        return int(text)

    return read


def switch(key: str, value: Any) -> bool:
    """Read a switch."""
    text = str(value).lower()
    if text not in ("true", "false"):
        raise SettingsError(f"context '{key}' must be true or false, not {value!r}")
    return text == "true"


def removal(key: str, value: Any) -> RemovalPolicy:
    """Read what becomes of data when the stack is deleted."""
    policies = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}
    if str(value) not in policies:
        raise SettingsError(f"context '{key}' must be retain or destroy, not {value!r}")
    return policies[str(value)]


def retention(key: str, value: Any) -> int:
    """Read a number of days that CloudWatch Logs can keep a log for."""
    days = number(range(1, max(RETENTION) + 1))(key, value)
    if days not in RETENTION:
        known = ", ".join(map(str, RETENTION))
        raise SettingsError(f"context '{key}' must be one of {known} (days), not {days}")
    return int(days)
