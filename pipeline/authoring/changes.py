"""What changed between two versions of a dataset, and for whom a change breaks something.

It breaks something for *producers* if a file that passed before could fail now, or lose rows; for
*consumers* if what reads the output as it was could fail, or read something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pipeline.authoring.version import Spot, Version
    from pipeline.authoring.yaml_source import Location

PRODUCERS: Final = "producers"
CONSUMERS: Final = "consumers"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Change:
    """One change: a sentence, whom it breaks something for (None: nobody), and its places."""

    message: str
    breaks: str | None
    new: Spot
    old: Spot

    def __str__(self) -> str:
        """Return it as a line that begins with the new place and ends with the old one."""
        kind = f"breaking for {self.breaks}" if self.breaks else "change"
        return f"{self.new}: {kind}: {self.message} (before: {self.old})"

    def to_json(self) -> dict[str, Any]:
        """Return it by field name."""
        places = {"new": vars(self.new), "old": vars(self.old)}
        return {"message": self.message, "breaks": self.breaks, **places}


class Comparison:
    """Collects the changes from an old version to a new one."""

    def __init__(self, old: Version, new: Version) -> None:
        self.old, self.new = old, new
        self.changes: list[Change] = []

    def of_column(
        self, name: str, message: str, *words: str, breaks: str | None = PRODUCERS
    ) -> None:
        """Add a change of a column of the contract."""
        new, old = (side.spot(side.column(name, *words)) for side in (self.new, self.old))
        self.changes.append(Change(f"{name}: {message}", breaks, new, old))

    def of_contract(self, where: Location, message: str, *, breaks: str | None = PRODUCERS) -> None:
        """Add a change of the contract as a whole."""
        self.changes.append(Change(message, breaks, self.new.spot(where), self.old.spot(where)))

    def of_steps(self, where: Location, message: str, *, breaks: str | None) -> None:
        """Add a change of what the stages do."""
        new, old = (side.spot(where, steps=True) for side in (self.new, self.old))
        self.changes.append(Change(message, breaks, new, old))


def suggested_version(old: str, new: str, changes: list[Change]) -> str | None:
    """Return the version that the changes ask for; None if `new` will do, or is none to count."""
    before, after = _numbers(old), _numbers(new)
    if before is None or after is None or not changes:
        return None
    major, minor, _ = before
    breaking = any(change.breaks for change in changes)
    wanted = (major + 1, 0, 0) if breaking else (major, minor + 1, 0)
    return None if after >= wanted else ".".join(map(str, wanted))


def _numbers(version: str) -> tuple[int, ...] | None:
    found = _VERSION.match(version)
    return tuple(int(part) for part in found.groups()) if found else None
