"""Compile one dataset: contract and steps to a plan, lookups to tables, everything bound."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.arrow_types import arrow_type, logical_arrow_type
from pipeline.authoring.contract import Contract, contract_of, contract_path
from pipeline.authoring.lookups import lookups_of
from pipeline.authoring.schemas import check_schema, pipeline_schema
from pipeline.authoring.steps import (
    PIPELINE_FILE,
    clean_of,
    rejects_of,
    transform_of,
    write_of,
)
from pipeline.authoring.yaml_source import Finding, YamlSource, yaml_source
from pipeline.errors import InvalidPlanError
from pipeline.lineage import LINEAGE_TYPES
from pipeline.plan import Plan
from pipeline.python_steps import STEPS_FILE, PythonSteps

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.authoring.frame_schema import Types

_HASH_DIGITS = 16


@dataclass(frozen=True)
class CompiledDataset:
    """What a dataset's folder compiles to; `plan` is None where `findings` hold an error."""

    name: str
    plan: Plan | None
    tables: dict[str, pa.Table]
    steps: str | None
    findings: tuple[Finding, ...]


def compiled_dataset(folder: Path) -> CompiledDataset:
    """Return the plan, lookups and Python steps of a dataset's folder, or what is wrong with it."""
    contract_source = yaml_source(contract_path(folder))
    steps_source = yaml_source(folder / PIPELINE_FILE)
    if steps_source.usable:
        check_schema(steps_source, pipeline_schema())
    contract = contract_of(contract_source)
    plan: Plan | None = None
    tables: dict[str, pa.Table] = {}
    steps_file = folder / STEPS_FILE
    steps = steps_file.read_text("utf-8") if steps_file.is_file() else None
    if contract is not None and steps_source.usable:
        plan, tables = _plan(folder, contract, steps_source)
        if steps_source.usable:
            plan = replace(plan, hash=_hash(plan, tables, steps))
    findings = (*contract_source.findings, *steps_source.findings)
    failed = any(finding.severity == "error" for finding in findings)
    return CompiledDataset(folder.name, None if failed else plan, tables, steps, findings)


def _plan(folder: Path, contract: Contract, source: YamlSource) -> tuple[Plan, dict[str, pa.Table]]:
    validated: Types = {
        column.name: logical_arrow_type(column.type, timezone=column.timezone)
        for column in contract.columns
    }
    bare = Plan(
        dataset=folder.name,
        hash="",
        contract_version=contract.version,
        source=contract.source,
        columns=contract.columns,
        key=contract.key,
        unique=contract.unique,
        limits=contract.limits,
        rejects=rejects_of(source),
        clean=clean_of(source, validated),
        folder=folder,
    )
    transform, transformed = transform_of(source, validated, PythonSteps(bare))
    lookups, tables, joined = lookups_of(source, transformed, folder)
    _check_names(transformed, joined, source)
    enriched = joined | {name: arrow_type(kind) for name, kind in LINEAGE_TYPES.items()}
    _check_types(enriched, source)
    schemas = {
        "validate": validated,
        "clean": validated,
        "transform": transformed,
        "enrich": enriched,
    }
    plan = replace(
        bare,
        transform=transform,
        enrich=lookups,
        write=write_of(source, enriched),
        schemas={stage: _names(types) for stage, types in schemas.items()},
    )
    return plan, tables


def _names(types: Types) -> dict[str, str]:
    return {name: str(kind) for name, kind in types.items()}


def _check_names(transformed: Types, joined: Types, source: YamlSource) -> None:
    """No column may take the place of one that the pipeline adds."""
    for name in joined:
        where = "transform" if name in transformed else "enrich"
        if name.startswith("_"):
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


def _hash(plan: Plan, tables: dict[str, pa.Table], steps: str | None) -> str:
    """16 hex digits that change with anything that can change the output."""
    digest = hashlib.sha256(json.dumps(plan.to_json()).encode())
    for name, table in sorted(tables.items()):
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
