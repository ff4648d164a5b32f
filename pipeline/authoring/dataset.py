"""Compile one dataset: contract and steps to a plan, lookups to tables, everything bound."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.arrow_types import arrow_type, column_type
from pipeline.authoring.clean_steps import clean_of
from pipeline.authoring.contract import Contract, contract_of, contract_path
from pipeline.authoring.contract_relationships import relationships_of
from pipeline.authoring.enrich_steps import enrich_of
from pipeline.authoring.schemas import check_schema
from pipeline.authoring.steps import PIPELINE_FILE, drift_of, rejects_of
from pipeline.authoring.transform_steps import transform_of
from pipeline.authoring.words import pipeline_schema
from pipeline.authoring.write_steps import write_of
from pipeline.authoring.yaml_source import Finding, YamlSource, yaml_source
from pipeline.errors import InvalidPlanError
from pipeline.lineage import LINEAGE_TYPES
from pipeline.masking import masked_names
from pipeline.plan import EXTRA, Plan
from pipeline.python_steps import STEPS_FILE, PythonSteps

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.authoring.frame_schema import Types

_HASH_DIGITS = 16


@dataclass(frozen=True)
class CompiledDataset:
    """What a dataset's folder compiles to; `plan` is None where `findings` hold an error.

    `tables` are the lookups' tables by name, `references` the key tables of relationships.
    """

    name: str
    plan: Plan | None
    tables: dict[str, pa.Table]
    steps: str | None
    findings: tuple[Finding, ...]
    references: dict[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class _Tables:
    lookups: dict[str, pa.Table] = field(default_factory=dict)
    references: dict[str, pa.Table] = field(default_factory=dict)


def compiled_dataset(folder: Path) -> CompiledDataset:
    """Return the plan, lookups and Python steps of a dataset's folder, or what is wrong with it."""
    contract_source = yaml_source(contract_path(folder))
    steps_source = yaml_source(folder / PIPELINE_FILE)
    if steps_source.usable:
        check_schema(steps_source, pipeline_schema())
    contract = contract_of(contract_source)
    plan: Plan | None = None
    tables = _Tables()
    steps_file = folder / STEPS_FILE
    steps = steps_file.read_text("utf-8") if steps_file.is_file() else None
    if contract is not None and steps_source.usable:
        plan, tables = _plan(folder, contract, contract_source, steps_source)
    findings = (*contract_source.findings, *steps_source.findings)
    if plan is None or any(finding.severity == "error" for finding in findings):
        plan = None
    else:
        plan = replace(plan, hash=_hash(plan, tables, steps))
    return CompiledDataset(folder.name, plan, tables.lookups, steps, findings, tables.references)


def _plan(
    folder: Path, contract: Contract, contract_source: YamlSource, source: YamlSource
) -> tuple[Plan, _Tables]:
    drift = drift_of(source)
    validated: Types = {column.name: column_type(column) for column in contract.columns}
    relationships, references = relationships_of(contract_source, source, validated, folder)
    if drift.extra_column == "keep":
        validated[EXTRA] = pa.string()
    clean, cleaned = clean_of(source, validated)
    bare = Plan(
        dataset=folder.name,
        hash="",
        contract_version=contract.version,
        source=contract.source,
        columns=contract.columns,
        key=contract.key,
        unique=contract.unique,
        relationships=relationships,
        checks=contract.checks,
        limits=contract.limits,
        rejects=rejects_of(source),
        drift=drift,
        clean=clean,
        folder=folder,
    )
    transform, transformed = transform_of(source, cleaned, PythonSteps(bare))
    enrich, lookups, joined = enrich_of(source, transformed, folder)
    _check_names(transformed, joined, source)
    enriched = joined | {name: arrow_type(kind) for name, kind in LINEAGE_TYPES.items()}
    _check_types(enriched, source)
    schemas = {
        "validate": validated,
        "clean": cleaned,
        "transform": transformed,
        "enrich": enriched,
    }
    plan = replace(
        bare,
        transform=transform,
        enrich=enrich,
        write=write_of(source, enriched),
        schemas={stage: _names(types) for stage, types in schemas.items()},
    )
    _warn_of_shown(plan, source)
    return plan, _Tables(lookups, references)


def _warn_of_shown(plan: Plan, source: YamlSource) -> None:
    """A partition's value stands in the name of its folder, which logs and listings show."""
    masked = masked_names(plan)
    for at, name in enumerate(plan.write.partition_by):
        if name in masked:
            source.warning(
                ("write", "partition_by", at),
                f"the values of {name} are masked, and partition_by shows them in the names of "
                "the output's files",
            )


def _names(types: Types) -> dict[str, str]:
    return {name: str(kind) for name, kind in types.items()}


def _check_names(transformed: Types, joined: Types, source: YamlSource) -> None:
    """No column may take the place of one that the pipeline adds."""
    for name in joined:
        where = "transform" if name in transformed else "enrich"
        if name.startswith("_") and name != EXTRA:
            source.error((where,), f"{name!r}: names that begin with _ are the pipeline's own")
        if name in LINEAGE_TYPES:
            source.error((where,), f"enrich adds a column {name!r}; rename the other one")


def _check_types(types: Types, source: YamlSource) -> None:
    """Every type must be one that the stages can name; SQL can make stranger ones."""
    for name, kind in types.items():
        try:
            arrow_type(str(kind))
        except InvalidPlanError as error:
            source.error(("transform",), f"{name}: {error}")


def _hash(plan: Plan, tables: _Tables, steps: str | None) -> str:
    """16 hex digits that change with anything that can change the output."""
    digest = hashlib.sha256(json.dumps(plan.to_json()).encode())
    for name, table in (*sorted(tables.lookups.items()), *sorted(tables.references.items())):
        digest.update(name.encode())
        digest.update(ipc_bytes(table))
    digest.update((steps or "").encode())
    return digest.hexdigest()[:_HASH_DIGITS]


def ipc_bytes(table: pa.Table) -> bytes:
    """Return a table as an Arrow IPC file; equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())
