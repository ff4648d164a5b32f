"""The compiled dataset: what the five stages of one dataset do, as the Lambdas read it.

`pipeline/authoring/` compiles `contract.odcs.yaml` and `pipeline.yaml` into one JSON document,
`plan.json`; this module gives it types. Standard library only: it is read at cold start.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import InvalidPlanError, UnknownDatasetError

if TYPE_CHECKING:
    from pathlib import Path

PLAN_VERSION: Final = 2
PLAN_FILE: Final = "plan.json"
ROW_NUMBER: Final = "_row_number"
"""Column that every staged frame carries: the 1-based data row of the source file (int64)."""


REPLAYED: Final = "_replayed"
"""Mask in the frame of settled rows (docs/adr/0007): the rows that the merge replays."""
REFUSED: Final = "_refused."
"""Raw batches may have, for a column, a mask of the values that the file's own types rule out."""


@dataclass(frozen=True)
class Step:
    """One declared operation: a registered name and its argument (any JSON value)."""

    name: str
    argument: Any = None


@dataclass(frozen=True)
class Column:
    """A column of the input, as its contract describes it.

    `type` is an ODCS logical type (`string`, `integer`, `number`, `boolean`, `date`,
    `timestamp`, `time`); `format` a JDK date pattern or None for ISO 8601; `rules` are checked
    on values that are present, in order.
    """

    name: str
    type: str
    required: bool = False
    format: str | None = None
    timezone: bool = True
    rules: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Source:
    """How the file is written: `format` is `csv` or `json` (array of objects or JSON Lines)."""

    format: str
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    missing_values: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Limits:
    """What a file may demand at once; beyond any of them it is refused.

    `max_bytes` and `max_row_bytes` count UTF-8 text, unpacked; `max_compression_ratio` is the
    text's size over the compressed one; `max_nesting` the depth of JSON values, the row itself
    being 1.
    """

    max_bytes: int = 20 * 1024**3
    max_compression_ratio: int = 400
    max_columns: int = 5_000
    max_row_bytes: int = 4 * 1024**2
    max_nesting: int = 100


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
class Clean:
    """Cleaning: `all` applies to every text column, then `columns`, then `dedupe` by key."""

    all: tuple[Step, ...] = ()
    columns: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    dedupe: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lookup:
    """A left join onto a small table.

    `on` maps frame columns to the lookup's key columns, `add` output names to its columns.
    `when_missing` is what happens to a row whose key is in no row: `keep` (nulls), `reject`
    (to the quarantine, counted as dropped by lookup) or `fail` (the run stops).
    """

    name: str
    on: dict[str, str]
    add: dict[str, str]
    when_missing: str = "keep"


@dataclass(frozen=True)
class Write:
    """The output: `format` is `parquet`, `csv` or `json`; partition columns leave the files."""

    format: str = "parquet"
    partition_by: tuple[str, ...] = ()
    compression: str | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that the stages know about one dataset.

    `schemas` maps each stage to its output's columns and Arrow types, written as Arrow prints
    them (`int64`, `timestamp[us, tz=UTC]`); the row-number column is not listed.
    """

    dataset: str
    hash: str
    contract_version: str
    source: Source
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    limits: Limits = field(default_factory=Limits)
    rejects: Rejects = field(default_factory=Rejects)
    clean: Clean = field(default_factory=Clean)
    transform: tuple[Step, ...] = ()
    enrich: tuple[Lookup, ...] = ()
    write: Write = field(default_factory=Write)
    schemas: dict[str, dict[str, str]] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)

    @property
    def reading(self) -> str:
        """Hash of how files are taken apart: equal ones number the rows of a file alike."""
        return _digest({**asdict(self.source), "missing_values": ()})

    @property
    def publishing(self) -> str:
        """Hash of what is published: equal ones make files that may lie side by side."""
        return _digest({"columns": self.schemas.get("enrich"), "write": asdict(self.write)})

    def to_json(self) -> dict[str, Any]:
        """Return the document that `plan_from_json` reads."""
        document = asdict(self)
        document.pop("folder")
        return {"plan_version": PLAN_VERSION, **document}


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]


def _steps(items: list[dict[str, Any]]) -> tuple[Step, ...]:
    return tuple(Step(**item) for item in items)


def plan_from_json(document: dict[str, Any], *, folder: Path | None = None) -> Plan:
    """Return the plan of a JSON document.

    Raises
    ------
    InvalidPlanError
        If the document was written for another version of this code, or is no plan.
    """
    if document.get("plan_version") != PLAN_VERSION:
        raise InvalidPlanError(
            f"The compiled plan has version {document.get('plan_version')!r}, this code reads "
            f"version {PLAN_VERSION}.",
            remedy="Deploy again, so that code and datasets come from the same build.",
        )
    try:
        return _plan(document, folder)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidPlanError(f"The compiled plan cannot be read: {error!r}.") from error


def _plan(document: dict[str, Any], folder: Path | None) -> Plan:
    clean = document["clean"]
    plain = {item.name for item in fields(Plan)} - {"folder"}
    values = {name: document[name] for name in plain}
    values |= {
        "source": Source(
            **{**document["source"], "missing_values": tuple(document["source"]["missing_values"])}
        ),
        "columns": tuple(
            Column(**{**column, "rules": _steps(column["rules"])}) for column in document["columns"]
        ),
        "key": tuple(document["key"]),
        "unique": tuple(tuple(names) for names in document["unique"]),
        "limits": Limits(**document["limits"]),
        "rejects": Rejects(**document["rejects"]),
        "clean": Clean(
            all=_steps(clean["all"]),
            columns={name: _steps(steps) for name, steps in clean["columns"].items()},
            dedupe=tuple(clean["dedupe"]),
        ),
        "transform": _steps(document["transform"]),
        "enrich": tuple(Lookup(**lookup) for lookup in document["enrich"]),
        "write": Write(
            **{**document["write"], "partition_by": tuple(document["write"]["partition_by"])}
        ),
    }
    return Plan(**values, folder=folder)


@cache
def load_plan(datasets: Path, dataset: str) -> Plan:
    """Return the compiled plan of a dataset; read once per process.

    Raises
    ------
    UnknownDatasetError
        If there is no such dataset among the compiled ones.
    InvalidPlanError
        If its plan is no JSON, or not one of this version of the code.
    """
    path = datasets / dataset / PLAN_FILE
    if dataset not in known_datasets(datasets):
        known = ", ".join(known_datasets(datasets)) or "none"
        raise UnknownDatasetError(
            f"There is no dataset {dataset!r}; this stack knows: {known}.",
            remedy="Upload to input/<dataset>/<name>, or add the dataset and deploy.",
        )
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidPlanError(f"The compiled plan cannot be read: {error!r}.") from error
    return plan_from_json(document, folder=path.parent)


def known_datasets(datasets: Path) -> tuple[str, ...]:
    """Return the names of the compiled datasets in a folder, sorted."""
    return tuple(sorted(path.parent.name for path in datasets.glob(f"*/{PLAN_FILE}")))
