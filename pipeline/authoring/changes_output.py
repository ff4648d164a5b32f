"""What changed in what comes out, and in how much a file may get wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipeline.authoring.changes import Comparison
    from pipeline.authoring.yaml_source import Location

_OUTPUT: Final = "enrich"
"""The stage whose columns are the output's."""
_TEXT_WORDS: Final = (
    "delimiter",
    "null_text",
    "date_format",
    "timestamp_format",
    "formula_guard",
)
_QUIET_WORDS: Final = ("compression", "sort_by", "row_group_rows")


def compare_outputs(found: Comparison) -> None:
    """Add what changed in the output's columns and files."""
    _compare_columns(found)
    _compare_files(found)


def _compare_columns(found: Comparison) -> None:
    old, new = found.old.plan.schemas[_OUTPUT], found.new.plan.schemas[_OUTPUT]
    added = [name for name in new if name not in old]
    for name, kind in old.items():
        where = _step_of(name, found)
        if name not in new:
            same = [other for other in added if new[other] == kind]
            hint = f"; {same[0]} is new, of the same type" if len(same) == 1 else ""
            said = f"{name}: the output has no such column any more{hint}"
            found.of_steps(where, said, breaks="consumers")
        elif new[name] != kind:
            said = f"{name}: the output's type is {new[name]}, and was {kind}"
            found.of_steps(where, said, breaks="consumers")
    for name in added:
        found.of_steps(_step_of(name, found), f"{name}: the output has a new column", breaks=None)


def _step_of(name: str, found: Comparison) -> Location:
    """The first step that names the column, in the new version or else in the old one."""
    for side in (found.new, found.old):
        for section in ("transform", "enrich"):
            for at, step in enumerate(side.steps.data.get(section) or []):
                if any(name in words for words in step.values() if isinstance(words, (dict, list))):
                    return (section, at)
    return ("transform",)


def _compare_files(found: Comparison) -> None:
    old, new = found.old.plan.write, found.new.plan.write
    for word in ("format", "partition_by", *_TEXT_WORDS, *_QUIET_WORDS):
        before, after = getattr(old, word), getattr(new, word)
        textual = word in _TEXT_WORDS and new.format == "parquet"
        if before != after and not textual:
            found.of_steps(
                ("write", word),
                f"write.{word} is {_said(after)}, and was {_said(before)}",
                breaks=None if word in _QUIET_WORDS else "consumers",
            )


def _said(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else repr(value)


def compare_tolerance(found: Comparison) -> None:
    """Add what changed in how much a file may get wrong."""
    old, new = found.old.plan, found.new.plan
    for word in ("max_share", "max_rows"):
        before, after = getattr(old.rejects, word), getattr(new.rejects, word)
        if before != after:
            unlimited = float("inf")
            stricter = (unlimited if after is None else after) < (
                unlimited if before is None else before
            )
            found.of_steps(
                ("rejects", word),
                f"rejects.{word} is {after}, and was {before}",
                breaks="producers" if stricter else None,
            )
    for word in ("extra_column", "missing_column"):
        before, after = getattr(old.drift, word), getattr(new.drift, word)
        if before != after:
            found.of_steps(
                ("drift", word),
                f"drift.{word} is {after}, and was {before}",
                breaks="producers" if after == "reject-file" else None,
            )
    if old.drift.salvage != new.drift.salvage:
        found.of_steps(
            ("salvage",),
            "rows are salvaged now" if new.drift.salvage else "rows are no longer salvaged",
            breaks=None if new.drift.salvage else "producers",
        )
