"""Pieces of YAML text: values that read back as what they were, and comments that stay comments."""

from __future__ import annotations

import math
from typing import Any, Final

import yaml

_LONGEST_SHOWN: Final = 60
_WIDTH: Final = 100


class _OneLine(yaml.SafeDumper):
    """Writes text that holds more than printable characters in double quotes, with escapes."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values again, rather than refer to the first."""
        return True


def _text(dumper: _OneLine, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_OneLine.add_representer(str, _text)


def flow(value: Any) -> str:
    """Return a value as YAML on one line, fit to stand anywhere, in a flow sequence too."""
    dumped: str = yaml.dump(
        [value],
        Dumper=_OneLine,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=math.inf,
    )
    return dumped.strip().removeprefix("[").removesuffix("]")


def shown(value: object) -> str:
    """Return a value for a comment or a message: on one line, printable, not too long."""
    text = "".join(one if one.isprintable() else repr(one)[1:-1] for one in str(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def comment(text: str, indent: int = 0) -> list[str]:
    """Return comment lines of a text, broken between words."""
    lines: list[str] = []
    room = _WIDTH - indent - 2
    line = ""
    for word in shown_line(text).split(" "):
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [f"{' ' * indent}# {one}" for one in (*lines, line)]


def shown_line(text: str) -> str:
    """Return a text with everything that could end a line made visible."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
