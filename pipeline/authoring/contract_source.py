"""How the contract says that files are written: format, dialect, words for no value, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.formats.limits import LIMIT_WORDS
from pipeline.plan import Limits, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.yaml_source import YamlSource

_FORMATS: Final = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}
_DIALECT: Final = {"delimiter": "delimiter", "quoteChar": "quote", "encoding": "encoding"}
_LIMITS: Final = {word: name for name, word in LIMIT_WORDS.items()}
_MOST: Final = {"maxRowBytes": 256 * 1024**2, "maxNesting": 200}
"""What the readers can do at most: a row is held several times over, JSON's parsers recurse."""


def _is_encoding(name: Any) -> bool:
    try:
        return "".encode(name) is not None
    except (LookupError, TypeError):
        return False


_DIALECT_VALUES: Final[dict[str, Callable[[Any], bool]]] = {
    "delimiter": lambda word: isinstance(word, str) and len(word.encode()) == 1,
    "quoteChar": lambda word: isinstance(word, str) and len(word.encode()) <= 1,
    "encoding": _is_encoding,
}


def file_source(source: YamlSource) -> Source:
    """Return how files are written; errors go to the source."""
    custom = _custom_properties(source)
    dialect = _dialect(*custom.get("csvDialect", (0, {})), source)
    return Source(
        format=_format(source),
        missing_values=_missing_values(*custom.get("missingValues", (0, [""])), source),
        **{_DIALECT[word]: value for word, value in dialect.items() if word in _DIALECT},
    )


def file_limits(source: YamlSource) -> Limits:
    """Return what a file may demand at once; errors go to the source."""
    at, words = _custom_properties(source).get("limits", (0, {}))
    where = ("customProperties", at, "value")
    if not isinstance(words, dict):
        source.error(where, "limits is a mapping of words to numbers")
        return Limits()
    for word, value in words.items():
        if word not in _LIMITS:
            known = ", ".join(_LIMITS)
            source.error((*where, word), f"limits: {word} is not supported; known: {known}")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
            source.error((*where, word), f"limits: {word} is a whole number from 1, not {value!r}")
        elif value > _MOST.get(word, value):
            source.error((*where, word), f"limits: {word} is at most {_MOST[word]:,}")
    return Limits(**{_LIMITS[word]: value for word, value in words.items() if word in _LIMITS})


def _custom_properties(source: YamlSource) -> dict[str, tuple[int, Any]]:
    """Position and value of each custom property by its name."""
    return {
        item["property"]: (at, item.get("value"))
        for at, item in enumerate(source.data.get("customProperties", []))
    }


def _format(source: YamlSource) -> str:
    """Format of the first server."""
    servers = source.data.get("servers") or [{}]
    declared = servers[0].get("format")
    if declared not in _FORMATS:
        source.error(
            ("servers", 0, "format"),
            f"servers[0].format is {declared!r}: say csv, json or jsonl, so that files can be read",
        )
    return _FORMATS.get(declared, "csv")


def _missing_values(at: int, words: Any, source: YamlSource) -> tuple[str, ...]:
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    source.error(("customProperties", at, "value"), "missingValues is a list of quoted words")
    return ()


def _dialect(at: int, dialect: Any, source: YamlSource) -> dict[str, Any]:
    """Words of the dialect and their values, after what is wrong with them was said."""
    where = ("customProperties", at, "value")
    if not isinstance(dialect, dict):
        source.error(where, "csvDialect is a mapping of words to values")
        return {}
    for word, fits in _DIALECT_VALUES.items():
        if word in dialect and not fits(dialect[word]):
            source.error((*where, word), f"csvDialect: {dialect[word]!r} is no {word}")
    for word in dialect.keys() - {*_DIALECT, "header"}:
        source.error((*where, word), f"csvDialect: {word} is not supported")
    if dialect.get("header", True) is not True:
        source.error((*where, "header"), "files need a header row")
    return dialect
