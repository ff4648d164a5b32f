"""What `init` guessed, as a table, and what to do next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from cli.paths import DATASETS, command
from pipeline.authoring.init_contract import shown_observed
from pipeline.authoring.init_yaml import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.authoring.profile import ColumnProfile, Profile


def column_table(profile: Profile) -> Table:
    """Return a row for each column: what it is taken to be, and why."""
    table = Table("column", "type", "required", "rule", "evidence", box=None, pad_edge=False)
    for column in profile.columns:
        kind = "left out" if column.left_out else _type(column)
        evidence = f"it {column.left_out}" if column.left_out else _evidence(column)
        required = "yes" if column.required and not column.left_out else ""
        cells = (shown(column.name), kind, required, _rule(column, profile), evidence)
        table.add_row(*map(escape, cells))
    return table


def _type(column: ColumnProfile) -> str:
    kind = column.typed.physical or column.typed.type
    return " ".join([kind, *filter(None, [column.typed.format]), *_written(column)])


def _written(column: ColumnProfile) -> list[str]:
    """How values are written, as far as it takes a word: `1.234,5`, ja or nein."""
    words = column.typed.written
    if "trueValues" in words:
        return [f"{words['trueValues'][0]}/{words['falseValues'][0]}"]
    number = f"1{words.get('groupChar', '')}234{words.get('decimalChar', '.')}5"
    return [number] if {"groupChar", "decimalChar"} & words.keys() else []


def _rule(column: ColumnProfile, profile: Profile) -> str:
    """The rules in words."""
    parts = ["key"] if column.name in profile.key else []
    options = column.rules.options
    if "minimum" in options or "maximum" in options:
        parts.append(f"{options.get('minimum', '')}..{options.get('maximum', '')}")
    if "pattern" in options:
        parts.append(options["pattern"])
    if (listed := column.rules.valid_values) is not None:
        parts.append(f"one of {', '.join(map(shown, listed[:4]))}{' …' * (len(listed) > 4)}")  # noqa: PLR2004
    return ", ".join(parts)


def _evidence(column: ColumnProfile) -> str:
    missing = f"{column.missing:,} missing" if column.missing else ""
    said = (shown_observed(column.rules.observed), missing, column.typed.note)
    return "; ".join(filter(None, said))


def what_next(paths: Sequence[Path], dataset: str, file: Path, into: Path) -> list[str]:
    """Return the lines that say what was written and what to type."""
    lines = ["", f"Wrote {' and '.join(map(str, paths))}: guesses. Read them, and correct them."]
    if into.resolve() != DATASETS:
        return [*lines, f"Move them to {DATASETS / dataset} to have them checked and deployed."]
    run = command(f"run {shlex.quote(str(file))} --dataset {dataset}")
    return [*lines, "Then:", f"  {command(f'check {dataset}')}", f"  {run}"]
