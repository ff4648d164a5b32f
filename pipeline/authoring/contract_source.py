"""How the contract says that files are written: format, dialect, words for no value, limits."""

from __future__ import annotations

import codecs
import difflib
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.contract_dialect import dialect_conflicts
from pipeline.authoring.schemas import check_schema
from pipeline.authoring.words import custom_schema
from pipeline.formats.limits import LIMIT_WORDS
from pipeline.plan_contract import Limits, Source

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Location, YamlSource

_FORMATS: Final = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}
_DIALECT: Final = {
    "delimiter": "delimiter",
    "quoteChar": "quote",
    "doubleQuote": "double_quote",
    "escapeChar": "escape",
    "lineTerminator": "line_terminator",
    "skipInitialSpace": "skip_initial_space",
    "headerJoin": "header_join",
    "commentChar": "comment",
    "footerRows": "footer_rows",
    "encoding": "encoding",
    "compression": "compression",
}
"""Words of the dialect whose values stand in the plan as they are."""
_LIMITS: Final = {word: name for name, word in LIMIT_WORDS.items()}
_FILE_WORDS: Final = ("csvDialect", "missingValues", "limits")


def file_source(source: YamlSource) -> Source:
    """Return how files are written; errors go to the source."""
    custom = _custom_properties(source)
    dialect, where = _value(custom, "csvDialect", {}, source)
    missing, _ = _value(custom, "missingValues", [""], source)
    _check_neighbours(source)
    encoding = _encoding(dialect, where, source)
    dialect_conflicts(dialect, where, source)
    words = {_DIALECT[word]: value for word, value in dialect.items() if word in _DIALECT}
    return Source(
        format=_format(source),
        missing_values=tuple(missing),
        **{"double_quote": "escapeChar" not in dialect, **words, "encoding": encoding},
        header_rows=_header_rows(dialect),
    )


def file_limits(source: YamlSource) -> Limits:
    """Return what a file may demand at once; errors go to the source."""
    words, _ = _value(_custom_properties(source), "limits", {}, source)
    return Limits(**{_LIMITS[word]: value for word, value in words.items()})


def _header_rows(dialect: dict[str, Any]) -> tuple[int, ...]:
    if dialect.get("header", True):
        return tuple(sorted(dialect.get("headerRows", [1])))
    return ()


def _custom_properties(source: YamlSource) -> dict[str, tuple[int, Any]]:
    """Position and value of each custom property by its name."""
    return {
        item["property"]: (at, item.get("value"))
        for at, item in enumerate(source.data.get("customProperties") or [])
    }


def _value(
    custom: dict[str, tuple[int, Any]], name: str, default: Any, source: YamlSource
) -> tuple[Any, Location]:
    """Value of a custom property and its place; the default where it is absent or wrong."""
    at, value = custom.get(name, (0, default))
    where: Location = ("customProperties", at, "value")
    errors = len(source.findings)
    check_schema(source, custom_schema(name) or {}, value, where, name=name)
    return (value if len(source.findings) == errors else default), where


def _check_neighbours(source: YamlSource) -> None:
    """Words that look like the pipeline's own, stand where nobody reads them, or stand twice."""
    known: set[str] = set()
    for at, item in enumerate(source.data.get("customProperties") or []):
        name = item["property"]
        if name in known:
            where = ("customProperties", at, "property")
            source.error(where, f"{name} stands here a second time")
        known |= {name} & {*_FILE_WORDS}
        close = difflib.get_close_matches(name, _FILE_WORDS, n=1, cutoff=0.8)
        if close and name not in _FILE_WORDS:
            where = ("customProperties", at, "property")
            source.warning(where, f"{name!r} is not read here; did you mean {close[0]!r}?")
    for table, described in enumerate(source.data.get("schema") or []):
        for at, item in enumerate(described.get("customProperties") or []):
            if item["property"] in _FILE_WORDS:
                source.error(
                    ("schema", table, "customProperties", at, "property"),
                    f"{item['property']} speaks of files: move it to the contract's own "
                    "customProperties",
                )


def _encoding(dialect: dict[str, Any], where: Location, source: YamlSource) -> str | None:
    """Encoding of the dialect, else the first server's."""
    server = (source.data.get("servers") or [{}])[0].get("encoding")
    declared: str | None = dialect.get("encoding", server)
    place = (*where, "encoding") if "encoding" in dialect else ("servers", 0, "encoding")
    if declared is not None and not _is_encoding(declared):
        source.error(place, f"{declared!r} is no encoding of text that Python knows")
    elif declared is not None and server is not None and not _same_codec(declared, server):
        source.error(
            place, f"csvDialect says encoding {declared!r}, the server {server!r}: say one"
        )
    return declared


def _is_encoding(name: str) -> bool:
    try:
        return "".encode(name) is not None
    except LookupError:
        return False


def _same_codec(one: str, other: str) -> bool:
    return _is_encoding(other) and codecs.lookup(one).name == codecs.lookup(other).name


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
