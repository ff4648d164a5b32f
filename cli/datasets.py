"""Which dataset a file belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.errors import CliError

if TYPE_CHECKING:
    from pathlib import Path


def known_datasets(datasets_dir: Path) -> list[str]:
    """Names of the working copy's datasets: the folders that hold a contract."""
    return sorted(contract.parent.name for contract in datasets_dir.glob("*/contract.odcs.yaml"))


def dataset_of(file: Path, known: list[str]) -> str:
    """Return the dataset that a file's name, else its folder's name, says.

    `flights.csv`, `flights.2013.csv.gz` and `flights/january.csv` are all flights.
    """
    named = dataset_named_by(file.name, known)
    folder = file.resolve().parent.name
    if named or folder in known:
        return named or folder
    raise CliError(
        f"neither the name nor the folder of {file} is a dataset",
        f"Add --dataset NAME, one of: {', '.join(known) or 'none is defined yet'}",
    )


def dataset_named_by(file_name: str, known: list[str]) -> str | None:
    """Return the dataset that stands before the first dot of a file's name; None if none does."""
    stem = file_name.split(".", maxsplit=1)[0]
    return stem if stem in known else None
