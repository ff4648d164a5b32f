"""What a query gives, and which tables it may name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True)
class Answer:
    """Rows of a query, in its order; `cut` if there are more than were asked for.

    `numeric` tells for each column whether it holds numbers.
    """

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: list[tuple[Any, ...]]
    cut: bool

    @property
    def names(self) -> list[str]:
        """Names of the columns, the second `month` as `month_2`: two cannot have one name."""
        seen: dict[str, int] = {}
        names = []
        for column in self.columns:
            seen[column] = seen.get(column, 0) + 1
            names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
        return names


def check_dataset(name: str, known: Collection[str]) -> None:
    """Refuse a name that is no dataset.

    Raises
    ------
    CliError
        With the names of those that there are.
    """
    if name.lower() not in {each.lower() for each in known}:
        there_are = ", ".join(sorted(known)) or "none"
        raise CliError(f"there is no dataset {name}", f"There are: {there_are}")
