"""From the `write` section of `pipeline.yaml` to the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.authoring.steps import known_columns
from pipeline.errors import InvalidPlanError
from pipeline.formats.moment_text import CLOCK, ZONE, letters
from pipeline.plan_steps import Write

if TYPE_CHECKING:
    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import YamlSource

_COMPRESSIONS: Final = {
    "parquet": ("zstd", "snappy", "gzip", "none"),
    "csv": ("gzip", "none"),
    "json": ("gzip", "none"),
}
_FORMATS_OF: Final = {
    "row_group_rows": ("parquet",),
    "delimiter": ("csv",),
    "null_text": ("csv",),
    "formula_guard": ("csv",),
    "date_format": ("csv", "json"),
    "timestamp_format": ("csv", "json"),
}
"""Words that only some formats know."""
_IN_VALUES: Final = frozenset('+-.:"')
"""Signs that stand in numbers, moments and around text, and so delimit nothing."""


def write_of(source: YamlSource, columns: Types) -> Write:
    """Return how the output is written; errors go to the source."""
    declared = source.data.get("write", {})
    words: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in declared.items()
    }
    write = Write(**words)
    _check_columns(write, columns, source)
    _check_format(write, declared, source)
    _check_delimiter(write, source)
    _check_null_text(write, columns, source)
    for word, kinds in _moments(columns).items():
        _check_pattern(word, getattr(write, word), kinds, source)
    return write


def _check_columns(write: Write, columns: Types, source: YamlSource) -> None:
    known_columns(write.partition_by, columns, ("write", "partition_by"), source)
    if len(write.partition_by) >= len(columns):
        source.error(("write", "partition_by"), "at least one column must stay in the files")
    sorted_by = [name.removeprefix("-") for name in write.sort_by]
    known_columns(sorted_by, columns, ("write", "sort_by"), source)
    for at, name in enumerate(sorted_by):
        if name in write.partition_by:
            source.error(
                ("write", "sort_by", at),
                f"{name} is in partition_by, so it has one value in each file: leave it out",
            )
        elif name in sorted_by[:at]:
            source.error(("write", "sort_by", at), f"{name} stands here a second time")


def _check_format(write: Write, declared: dict[str, Any], source: YamlSource) -> None:
    """Words must fit the format: one that does nothing would be passed over in silence."""
    if write.compression not in (None, *_COMPRESSIONS[write.format]):
        source.error(
            ("write", "compression"),
            f"{write.format} files are compressed with gzip or not at all",
        )
    for word, formats in _FORMATS_OF.items():
        if word in declared and write.format not in formats:
            source.error(
                ("write", word),
                f"{word} is for {' and '.join(formats)}; the format is {write.format}",
            )


def _check_delimiter(write: Write, source: YamlSource) -> None:
    sign = write.delimiter
    if sign.isalnum() or sign in _IN_VALUES or not (sign == "\t" or " " < sign < "\x7f"):
        source.error(
            ("write", "delimiter"),
            f"{sign!r} cannot be the delimiter: take a sign such as , ; | or a tab",
        )


def _check_null_text(write: Write, columns: Types, source: YamlSource) -> None:
    """Note where a reader cannot tell a value from none."""
    word = write.null_text
    where = ("write", "null_text")
    if any(sign in word for sign in (write.delimiter, '"', "\n", "\r")):
        source.error(where, "null_text has a delimiter, a quote or a line end, and cannot be told")
        return
    inside = {name: kind for name, kind in columns.items() if name not in write.partition_by}
    if write.format != "csv" or not word:
        return
    alike = [name for name, kind in inside.items() if _is_value(word, kind)]
    texts = [name for name, kind in inside.items() if pa.types.is_string(kind)]
    if alike:
        source.note(
            where, f"{word} may be a value of {', '.join(alike)} too: then it reads as none"
        )
    if texts:
        source.note(
            where,
            f"a text {word} is written in quotes and no value without; readers that make no "
            "difference, such as Athena and spreadsheets, take both for no value",
        )


def _is_value(word: str, kind: pa.DataType) -> bool:
    """Whether a text is how the files write a value of a type that is no text."""
    if pa.types.is_string(kind):
        return False
    try:
        return bool(pa.scalar(word).cast(kind).is_valid)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False


def _moments(columns: Types) -> dict[str, list[pa.DataType]]:
    """Types of the columns that each pattern speaks of."""
    kinds = list(columns.values())
    return {
        "date_format": [kind for kind in kinds if pa.types.is_date(kind)],
        "timestamp_format": [kind for kind in kinds if pa.types.is_timestamp(kind)],
    }


def _check_pattern(
    word: str, pattern: str | None, kinds: list[pa.DataType], source: YamlSource
) -> None:
    if pattern is None:
        return
    try:
        found = letters(pattern)
    except InvalidPlanError as error:
        source.error(("write", word), str(error))
        return
    if not kinds:
        source.note(("write", word), f"no column is written in {word}")
    if word == "date_format" and (clock := sorted(found & CLOCK)):
        source.error(("write", word), f"dates have no time of day: leave out {', '.join(clock)}")
    local = any(pa.types.is_timestamp(kind) and kind.tz is None for kind in kinds)
    if local and (zone := sorted(found & ZONE)):
        source.error(
            ("write", word),
            f"some timestamps have no zone, so no {', '.join(zone)} can be written for them",
        )
