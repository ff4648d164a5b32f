"""Row accounting: every row read is written, or stands in exactly one column of the loss side.

`read + expanded = written + rejected + duplicates + filtered + dropped_by_lookup`, for the whole
run; for each stage, rows in and those that it made of them are rows out plus the rows that it took
out.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import UnbalancedBooksError


@dataclass
class RowCounts:
    """Rows of a run (or of one batch in one stage), by what became of them.

    `expanded` are the rows that `explode` and `unpivot` have made beyond those that came in.
    """

    read: int = 0
    expanded: int = 0
    written: int = 0
    rejected: int = 0
    duplicates: int = 0
    filtered: int = 0
    dropped_by_lookup: int = 0

    @property
    def taken_out(self) -> int:
        """Rows that were read (or made of such) and will not be written."""
        return self.rejected + self.duplicates + self.filtered + self.dropped_by_lookup

    def add(self, other: RowCounts) -> None:
        """Add another count, column by column."""
        for name, rows in vars(other).items():
            setattr(self, name, getattr(self, name) + rows)

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return {**vars(self)}


def check_stage_books(stage: str, *, rows_in: int, rows_out: int, counts: RowCounts) -> None:
    """Raise unless a stage's rows in, with those it made, are its rows out and those it took out.

    Raises
    ------
    UnbalancedBooksError
        With the figures, if a row is missing or one too many.
    """
    missing = rows_in + counts.expanded - rows_out - counts.taken_out
    if missing:
        made = f"{counts.expanded:,} made of them, " if counts.expanded else ""
        raise UnbalancedBooksError(
            f"Stage {stage}: {rows_in:,} rows in, {made}{rows_out:,} out, {counts.taken_out:,} "
            f"accounted for: {missing:+,} rows are missing."
        )


def check_run_books(counts: RowCounts) -> None:
    """Raise unless the rows read, and made of them, are the rows written plus those taken out.

    Raises
    ------
    UnbalancedBooksError
        With the figures, if they are not.
    """
    if counts.read + counts.expanded != counts.written + counts.taken_out:
        raise UnbalancedBooksError(f"The run's books do not balance: {counts.to_json()}.")
