"""Words of `csvDialect` that contradict each other."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.authoring.yaml_source import Location, YamlSource

_MARKS: Final = ("delimiter", "quoteChar", "escapeChar", "commentChar", "lineTerminator")
"""Words whose characters have a meaning of their own: no two may be the same."""
_ONE_BYTE: Final = ("delimiter", "quoteChar", "escapeChar")
_LINE_ENDS: Final = ("\n", "\r\n", "\r")


def dialect_conflicts(dialect: dict[str, Any], where: Location, source: YamlSource) -> None:
    """Add an error for each word that another one, or its own meaning, rules out."""
    for word, message in _conflicts(dialect):
        source.error((*where, word), f"csvDialect: {message}")


def _conflicts(dialect: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _unfit_marks(dialect)
    yield from _equal_marks(dialect)
    yield from _quoting(dialect)
    yield from _header(dialect)


def _unfit_marks(dialect: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for word in _ONE_BYTE:
        mark = dialect.get(word, "")
        if not mark.isascii() or mark in ("\n", "\r"):
            yield word, f"{mark!r} is no {word}: it is one ASCII character, and no line end"
    terminator = dialect.get("lineTerminator", "\n")
    if len(terminator) > 1 and terminator not in _LINE_ENDS:
        yield "lineTerminator", f"{terminator!r} is neither a line end nor one other character"
    if dialect.get("commentChar") in ("\n", "\r"):
        yield "commentChar", "a line end is no commentChar"


def _equal_marks(dialect: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is not declared has its default's meaning: a quote, and no delimiter yet."""
    marks = {word: dialect[word] for word in _MARKS if dialect.get(word)}
    if "quoteChar" not in dialect:
        marks["quoteChar"] = '"'
    for one, other in combinations([word for word in _MARKS if word in marks], 2):
        # An escape character that is the quote is a doubled quote, and has a word of its own.
        if marks[one] == marks[other]:
            word = other if other in dialect else one
            yield word, f"{one} and {other} are both {marks[one]!r}; a character means one thing"
    if dialect.get("skipInitialSpace") and dialect.get("delimiter") == " ":
        yield "skipInitialSpace", "the delimiter is a space itself; leave skipInitialSpace out"


def _quoting(dialect: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not dialect.get("doubleQuote"):
        return
    if "escapeChar" in dialect:
        yield "doubleQuote", "quotes are doubled or escaped: leave doubleQuote or escapeChar out"
    elif dialect.get("quoteChar") == "":
        yield "doubleQuote", "without a quoteChar there is no quote to double"


def _header(dialect: dict[str, Any]) -> Iterator[tuple[str, str]]:
    several = len(dialect.get("headerRows", [1])) > 1
    if not dialect.get("header", True):
        for word in ("headerRows", "headerJoin"):
            if word in dialect:
                yield word, f"with header: false there is no header; leave {word} out"
    elif "headerJoin" in dialect and not several:
        yield "headerJoin", "headerJoin joins several headerRows, and there is one; leave it out"
