"""The text of a `pipeline.yaml` that a profile suggests: little that acts, and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.authoring.init_yaml import comment, flow
from pipeline.authoring.profile_types import snake
from pipeline.lineage import LINEAGE_TYPES
from pipeline.sql import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.authoring.profile import ColumnProfile, Profile

_USUAL_SHARE: Final = 0.1
_LARGE_SHARE: Final = 0.5
_MOST_PARTITIONS: Final = 50
_CALENDAR: Final = ("year", "month")
_BY_TYPE: Final = {
    "timestamp": ("date", "{0}::DATE"),
    "date": ("year", "year({0})"),
    "number": ("rounded", "round({0}, 1)"),
    "integer": ("missing", "{0} IS NULL"),
    "string": ("upper", "upper({0})"),
}


def steps_text(profile: Profile, dataset: str) -> str:
    """Return the steps of a dataset whose files are like the profiled one."""
    return "\n".join(
        [
            "# yaml-language-server: $schema=../../pipeline/authoring/pipeline.schema.json",
            f"# What the five stages do with a file of {dataset}. Drafted by `pipeline init`.",
            *_rejects(profile),
            "",
            *_clean(profile),
            "",
            *_transform(profile),
            "",
            *_enrich(profile),
            "",
            *_write(profile),
            "",
        ]
    )


def _rejects(profile: Profile) -> list[str]:
    many = profile.sample.malformed > _USUAL_SHARE / 2 * profile.sample.seen
    share = _LARGE_SHARE if many else _USUAL_SHARE
    return [
        "rejects:",
        f"  max_share: {share}            # more bad rows than this and the file is not what we "
        "think it is",
        "  # notify: true            # tell a person of runs with rejected rows",
    ]


def _clean(profile: Profile) -> Iterator[str]:
    padded = [column for column in profile.described if column.padded]
    if not padded:
        yield "# clean:"
        yield "#   all: [trim]             # every text column; no value needs it as of now"
    else:
        yield "clean:"
        yield "  columns:"
        for column in padded:
            yield f"    # space around {column.padded:,} of its distinct values"
            yield f"    {flow(column.name)}: [trim]"
    if profile.key:
        yield (
            f"{'  # ' if padded else '#   '}dedupe: {flow(list(profile.key))}"
            "    # keeps the first of equal rows; the contract's key rejects the others"
        )


def _transform(profile: Profile) -> Iterator[str]:
    name, sql = _derived(profile)
    example = [
        "- derive:                 # SQL; each expression sees the columns of its row",
        f"    {flow(name)}: {flow(sql)}",
    ]
    if renamed := _renamed(profile):
        yield "transform:"
        yield from comment("enrich adds columns of these names", 2)
        yield f"  - rename: {flow(renamed)}"
        yield from (f"  # {line}" for line in example)
    else:
        yield "# transform:"
        yield from (f"#   {line}" for line in example)


def _renamed(profile: Profile) -> dict[str, str]:
    """Columns whose names enrich needs for its own, and new names for them."""
    taken = {column.name.lower() for column in profile.described}
    renamed: dict[str, str] = {}
    for column in profile.described:
        if column.name.lower() in LINEAGE_TYPES:
            renamed[column.name] = _free(f"source_{column.name}", taken)
    return renamed


def _free(name: str, taken: set[str]) -> str:
    """The name, with underscores after it until nothing else has it; it is then taken."""
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


def _derived(profile: Profile) -> tuple[str, str]:
    """Name and expression of a column that binds, made of what the columns hold."""
    renamed = _renamed(profile)
    taken = {renamed.get(column.name, column.name).lower() for column in profile.described}
    taken |= set(LINEAGE_TYPES)
    columns = {column.typed.type: column for column in reversed(profile.described)}
    kind = next((kind for kind in _BY_TYPE if kind in columns), "")
    column = columns.get(kind, profile.described[0])
    suffix, template = _BY_TYPE.get(kind, ("missing", "{0} IS NULL"))
    name = _free(f"{snake(column.name) or 'column'}_{suffix}", taken)
    return name, template.format(quoted(renamed.get(column.name, column.name)))


def _enrich(profile: Profile) -> list[str]:
    texts = [column for column in profile.described if column.typed.type == "string"]
    column = next((one for one in texts if one.rules.options or one.rules.valid_values), None)
    chosen = column or (texts or list(profile.described))[0]
    name = _renamed(profile).get(chosen.name, chosen.name)
    return [
        "# enrich:                   # left joins that never multiply rows",
        "#   - lookup: names         # lookups/names.csv, a table with the columns code and name",
        f"#     on: {flow({name: 'code'})}",
        "#     add: {name_of_code: name}",
    ]


def _write(profile: Profile) -> Iterator[str]:
    yield "write:"
    yield "  format: parquet"
    yield "  compression: zstd"
    few = [column for column in profile.described if _partitions(column)]
    if few:
        best = min(few, key=lambda column: (snake(column.name) not in _CALENDAR, column.distinct))
        name = _renamed(profile).get(best.name, best.name)
        yield f"  # partition_by: {flow([name])}    # {best.distinct} folders as of now"


def _partitions(column: ColumnProfile) -> bool:
    """Whether a column's values could name the output's folders."""
    fits = column.typed.type in ("integer", "date") or column.rules.valid_values is not None
    return fits and column.required and 1 < column.distinct <= _MOST_PARTITIONS
