"""What a run has put right by its own judgement: counts, files and a sample, as its summary has it.

`{"counts": [{"stage", "column", "repair", "cells"}], "files": [addresses], "sample": [records]}`;
the files hold every repair, with what undoes it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.findings import Repair

Repairs = dict[str, list[Any]]

MAX_SAMPLE: Final = 20
MAX_COUNTS: Final = 50
OTHERS: Final = "others"
"""Stands for the kinds and columns beyond the `MAX_COUNTS` most frequent ones of a stage."""
_TEXT_CHARACTERS: Final = 80
_MESSAGE_CHARACTERS: Final = 200


def no_repairs() -> Repairs:
    """Return the entry of a run that has repaired nothing."""
    return {"counts": [], "files": [], "sample": []}


def repairs_of_stage(
    stage: str, counts: Counter[tuple[str | None, str]], sample: list[Repair], address: str
) -> Repairs:
    """Return the entry of one stage: its cells by column and kind of repair."""
    frequent = counts.most_common(MAX_COUNTS)
    others = counts.total() - sum(cells for _, cells in frequent)
    if others:
        frequent.append(((None, OTHERS), others))
    return {
        "counts": [
            {"stage": stage, "column": column, "repair": repair, "cells": cells}
            for (column, repair), cells in frequent
        ],
        "files": [address],
        "sample": [sampled({"stage": stage, **repair.to_json()}) for repair in sample],
    }


def joined(one: Repairs, other: Repairs) -> Repairs:
    """Return the entries of two stages, or of a file's run and a merge into it, as one."""
    cells: Counter[tuple[str, str | None, str]] = Counter()
    for found in (*one["counts"], *other["counts"]):
        cells[found["stage"], found["column"], found["repair"]] += found["cells"]
    return {
        "counts": [
            {"stage": stage, "column": column, "repair": repair, "cells": number}
            for (stage, column, repair), number in cells.items()
        ],
        "files": [*one["files"], *other["files"]],
        "sample": [*one["sample"], *other["sample"]][:MAX_SAMPLE],
    }


def repairs_of_stages(repairs: Repairs, stages: Collection[str]) -> Repairs:
    """Return what the given stages have of an entry."""
    return {
        "counts": [found for found in repairs["counts"] if found["stage"] in stages],
        "files": [
            address
            for address in repairs["files"]
            if address.rpartition("/")[2].removesuffix(".jsonl") in stages
        ],
        "sample": [found for found in repairs["sample"] if found["stage"] in stages],
    }


def sampled(record: dict[str, Any]) -> dict[str, Any]:
    """Return a repair's record with its texts shortened, of all that it may hold.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the record is none of a repair.
    """
    line = record["line"]
    return {
        "stage": str(record["stage"]),
        "row_number": int(record["row_number"]),
        "line": line if line is None else int(line),
        "column": _text(record["column"]),
        "repair": _shortened(str(record["repair"])),
        "before": _value(record["before"]),
        "after": _value(record["after"]),
        "message": _shortened(str(record["message"]), _MESSAGE_CHARACTERS),
    }


def _text(column: Any) -> str | None:
    return column if column is None else str(column)


def _value(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _shortened(str(value))


def _shortened(text: str, characters: int = _TEXT_CHARACTERS) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"
