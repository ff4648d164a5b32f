"""The contract of a dataset's output, for those who read it: in the same standard, generated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import arrow_type
from pipeline.authoring.output_origins import Origin, origins
from pipeline.constants import PROCESSED_PREFIX
from pipeline.lineage import LINEAGE_TYPES, PROCESSED_DATE, STATUS
from pipeline.plan import EXTRA

if TYPE_CHECKING:
    from pipeline.authoring.version import Version

API_VERSION: Final = "v3.1.0"
_EXTENSIONS: Final = {"parquet": "parquet", "csv": "csv", "json": "jsonl"}
_CARRIED: Final = ("businessName", "description", "classification", "tags", "examples")
"""What describes a column, whatever was done to its values."""
_BOUNDS: Final = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "pattern"}
)
"""Options that speak of values, not of how they are written."""
_ADDED: Final = {
    PROCESSED_DATE: "When the run began that wrote the row.",
    STATUS: "What became of the row; rows that were not processed are in the quarantine.",
    EXTRA: "What the file has beyond the contract's columns, as a JSON object.",
}
_TYPES: Final = (
    (pa.types.is_boolean, "boolean", "BOOLEAN"),
    (pa.types.is_uint64, "integer", "DECIMAL(20,0)"),
    (pa.types.is_uint32, "integer", "BIGINT"),
    (pa.types.is_int64, "integer", "BIGINT"),
    (pa.types.is_integer, "integer", "INTEGER"),
    (pa.types.is_float64, "number", "DOUBLE"),
    (pa.types.is_floating, "number", "FLOAT"),
    (pa.types.is_date, "date", "DATE"),
    (pa.types.is_time, "time", "TIME"),
    (pa.types.is_timestamp, "timestamp", "TIMESTAMP_NTZ"),
    (pa.types.is_string, "string", "VARCHAR"),
)
_TITLES: Final = ("domain", "tenant", "tags", "description")
"""What the input's contract says that is as true of the output."""


def output_contract(version: Version, location: str | None = None) -> dict[str, Any]:
    """Return the contract of a dataset's output as an ODCS document.

    Parameters
    ----------
    location
        URL of the output's files; that of the output bucket, with its name left open, if None.
    """
    plan, declared = version.plan, version.contract.data
    columns = origins(version)
    table = {
        "name": plan.dataset,
        "physicalType": "table",
        "description": declared["schema"][0].get("description"),
        "properties": [
            _property(name, kind, columns.get(name), version)
            for name, kind in plan.schemas["enrich"].items()
        ],
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"{declared['id']}-output",
        "name": f"{plan.dataset} (processed)",
        "version": plan.contract_version,
        "status": declared.get("status", "active"),
        **{word: declared[word] for word in _TITLES if word in declared},
        "servers": [_server(version, location)],
        "schema": [_without_none(table)],
    }


def _server(version: Version, location: str | None) -> dict[str, Any]:
    plan = version.plan
    extension = _EXTENSIONS[plan.write.format]
    folders = "*/" * len(plan.write.partition_by)
    files = f"s3://OUTPUT_BUCKET/{PROCESSED_PREFIX}{plan.dataset}/{folders}*.{extension}"
    where = location or files
    kind = {"type": "s3", "location": where} if "://" in where else {"type": "local", "path": where}
    return {"server": "processed", **kind, "format": plan.write.format}


def _property(name: str, printed: str, origin: Origin | None, version: Version) -> dict[str, Any]:
    kind = arrow_type(printed)
    logical, physical = _types(kind)
    described = origin.declared if origin else {}
    found: dict[str, Any] = {
        "name": name,
        "logicalType": logical,
        "physicalType": physical,
        "description": _ADDED.get(name),
        **{word: described[word] for word in _CARRIED if word in described},
    }
    if name in LINEAGE_TYPES or (origin and origin.untouched and origin.required):
        found["required"] = True
    options = _options(kind, origin)
    if options:
        found["logicalTypeOptions"] = options
    partitions = version.plan.write.partition_by
    if name in partitions:
        found |= {"partitioned": True, "partitionKeyPosition": partitions.index(name) + 1}
    return _without_none(found)


def _types(kind: pa.DataType) -> tuple[str, str]:
    if pa.types.is_decimal(kind):
        return "number", f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind) and kind.tz:
        return "timestamp", "TIMESTAMP_TZ"
    for is_kind, logical, physical in _TYPES:
        if is_kind(kind):
            return logical, physical
    return "string", str(kind).upper()


def _options(kind: pa.DataType, origin: Origin | None) -> dict[str, Any]:
    """Bounds that still hold, since nothing was done to the values; whether moments have a zone."""
    options: dict[str, Any] = {}
    if pa.types.is_timestamp(kind):
        options["timezone"] = kind.tz is not None
    if origin and origin.untouched and not pa.types.is_temporal(kind):
        declared = origin.declared.get("logicalTypeOptions") or {}
        options |= {word: value for word, value in declared.items() if word in _BOUNDS}
    return options


def _without_none(document: dict[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in document.items() if value is not None}
