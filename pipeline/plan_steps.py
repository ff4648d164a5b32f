"""What a compiled plan has from `pipeline.yaml`: what each stage does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One declared operation: a registered name and its argument (any JSON value)."""

    name: str
    argument: Any = None

    @property
    def fills_from(self) -> str | None:
        """Whence a `fill` takes values, if not its own: `column`, `previous`, `statistic`."""
        if self.name != "fill" or not isinstance(self.argument, dict):
            return None
        return str(next(iter(self.argument)))


@dataclass(frozen=True)
class Drift:
    """What becomes of a file whose columns are not the contract's.

    `extra_column` is `ignore`, `keep` (as JSON in the column `_extra`) or `reject-file`;
    `missing_column`, which speaks of optional columns, `nulls` or `reject-file`. With `salvage`,
    rows are repaired where only one repair is possible.
    """

    extra_column: str = "ignore"
    missing_column: str = "reject-file"
    salvage: bool = False


@dataclass(frozen=True)
class Rejects:
    """How many rejected rows a run may have: a share of the rows read, a number of rows, or both.

    Above either the run fails; the quarantine is written all the same. Below, `notify` has a
    person told of the rows that were rejected.
    """

    max_share: float = 0.5
    max_rows: int | None = None
    notify: bool = False


@dataclass(frozen=True)
class Dedupe:
    """Of the rows with equal values in `by` one is kept: the `first`, the `last`, or by an order.

    With `order_by`, rows are compared by these columns (a leading `-` turns a column's order
    around; null is the lowest), then by their order in the file; `keep` says which end of the order
    counts.
    """

    by: tuple[str, ...]
    keep: str = "first"
    order_by: tuple[str, ...] = ()

    @property
    def looks_ahead(self) -> bool:
        """Whether a row that is kept may come after those that are not."""
        return self.keep != "first" or bool(self.order_by)


@dataclass(frozen=True)
class Dependency:
    """A functional dependency: rows that agree in `columns` agree in `determines`.

    Where a value has at least `min_share` of its group's rows (those without a value not
    counted), and at least `min_rows` rows, the group's other values are replaced by it.
    """

    columns: tuple[str, ...]
    determines: str
    min_share: float = 0.9
    min_rows: int = 3


@dataclass(frozen=True)
class Clean:
    """Cleaning: `all` applies to every text column, then `columns`, `dependencies`, `dedupe`."""

    all: tuple[Step, ...] = ()
    columns: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    dedupe: Dedupe | None = None

    @property
    def looks_beyond_rows(self) -> bool:
        """Whether what becomes of a row depends on others, beyond that it repeats an earlier one.

        Then rows of a file cannot be cleaned apart from the rest (docs/adr/0009).
        """
        if self.dependencies or (self.dedupe is not None and self.dedupe.looks_ahead):
            return True
        steps = (step for steps in self.columns.values() for step in steps)
        return any(step.fills_from in ("previous", "statistic") for step in steps)


@dataclass(frozen=True)
class Duplicates:
    """Of a lookup's rows with one key, the `first` or `last` counts, in file order or by a column.

    A leading `-` turns the order of `order_by` around.
    """

    keep: str = "first"
    order_by: str | None = None


@dataclass(frozen=True)
class Lookup:
    """A left join onto a small table.

    `on` maps frame columns to the lookup's key columns, `add` output names to its columns.
    `when_missing` is what happens to a row whose key is in no row: `keep` (nulls), `reject`
    (to the quarantine, counted as dropped by lookup) or `fail` (the run stops). `conflict` says
    what an added column does to one of its name: `replace` it, or `fill` it where it has no value.

    `prefix` is where the lookup lies in the input bucket, if not in the dataset's folder: the
    newest object below it counts. `columns` are then the types of its columns, as Arrow prints
    them, and `duplicates` says which row of several with one key counts.
    """

    name: str
    on: dict[str, str]
    add: dict[str, str]
    when_missing: str = "keep"
    conflict: str = "error"
    prefix: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    duplicates: Duplicates | None = None
    missing_values: tuple[str, ...] = ("", "NA")


@dataclass(frozen=True)
class Enrich:
    """Lookups in order, then columns of one value: constants, and facts about the run."""

    lookups: tuple[Lookup, ...] = ()
    constants: dict[str, Any] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Write:
    """The output: `format` is `parquet`, `csv` or `json`; partition columns leave the files.

    `sort_by` orders the rows of each file (a leading `-` turns a column's order around; nulls come
    last). The text formats write no value as `null_text`, dates and timestamps in JDK patterns;
    `formula_guard` keeps spreadsheets from running a CSV cell as a formula.
    """

    format: str = "parquet"
    partition_by: tuple[str, ...] = ()
    sort_by: tuple[str, ...] = ()
    compression: str | None = None
    row_group_rows: int | None = None
    delimiter: str = ","
    null_text: str = ""
    date_format: str | None = None
    timestamp_format: str | None = None
    formula_guard: bool = False
