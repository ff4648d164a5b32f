"""The compiled dataset: what the five stages of one dataset do, as the Lambdas read it.

`pipeline/authoring/` compiles `contract.odcs.yaml` and `pipeline.yaml` into one JSON document,
`plan.json`; this module gives it types. Standard library only: it is read at cold start.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path  # noqa: TC003 - `decoded` reads the annotations
from typing import Any, Final

from pipeline.decoding import decoded
from pipeline.errors import InvalidPlanError, UnknownDatasetError
from pipeline.plan_contract import Check, Column, Limits, Relationship, Source
from pipeline.plan_steps import Clean, Drift, Enrich, Rejects, Step, Write

PLAN_VERSION: Final = 3
PLAN_FILE: Final = "plan.json"
REFERENCES_FOLDER: Final = "references"
"""Where a compiled dataset has the key tables of its relationships, `<lookup>.arrow`."""
ROW_NUMBER: Final = "_row_number"
"""Column that every staged frame carries: the 1-based data row of the source file (int64)."""
EXTRA: Final = "_extra"
"""Column of what a row has beyond the contract's columns, a JSON object; see `Drift`."""


REPLAYED: Final = "_replayed"
"""Mask in the frame of settled rows (docs/adr/0007): the rows that the merge replays."""
REFUSED: Final = "_refused."
"""Raw batches may have, for a column, a mask of the values that the file's own types rule out."""


def is_own_name(name: str) -> bool:
    """Tell whether batches have a column of their own of a name, so that no file's can have it."""
    return name in (ROW_NUMBER, REPLAYED, EXTRA) or name.startswith(REFUSED)


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
    relationships: tuple[Relationship, ...] = ()
    checks: tuple[Check, ...] = ()
    drift: Drift = field(default_factory=Drift)
    limits: Limits = field(default_factory=Limits)
    rejects: Rejects = field(default_factory=Rejects)
    clean: Clean = field(default_factory=Clean)
    transform: tuple[Step, ...] = ()
    enrich: Enrich = field(default_factory=Enrich)
    write: Write = field(default_factory=Write)
    schemas: dict[str, dict[str, str]] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)

    @property
    def source_names(self) -> dict[str, str]:
        """What the file calls each of the columns."""
        return {column.name: column.source_name for column in self.columns}

    @cached_property
    def text_columns(self) -> frozenset[str]:
        """Names of the contract's columns of text."""
        return frozenset(column.name for column in self.columns if column.type == "string")

    @property
    def reading(self) -> str:
        """Hash of how files are taken apart: equal ones number the rows of a file alike.

        Salvage makes several rows of a line of several JSON objects.
        """
        splits = self.drift.salvage and self.source.format == "json"
        return _digest({**asdict(self.source), "missing_values": (), "salvage": splits})

    @property
    def publishing(self) -> str:
        """Hash of what is published: equal ones make files that may lie side by side.

        They do not where one was made with the whole file in sight.
        """
        return _digest(
            {
                "columns": self.schemas.get("enrich"),
                "write": asdict(self.write),
                "whole_file": self.clean.looks_beyond_rows,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the document that `plan_from_json` reads."""
        document = asdict(self)
        document.pop("folder")
        return {"plan_version": PLAN_VERSION, **document}


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]


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
    plain = {name: value for name, value in document.items() if name != "plan_version"}
    try:
        return replace(decoded(Plan, {**plain, "folder": None}), folder=folder)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidPlanError(f"The compiled plan cannot be read: {error!r}.") from error


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
