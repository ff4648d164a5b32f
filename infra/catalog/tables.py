"""Tables of the catalogue, as Glue wants them: columns, SerDe and partitions of one dataset.

Where the files' own types are not the plan's (every CSV cell is text to Athena), the files get a
table `<dataset>__files`, and a view of the dataset's name makes of it what the plan says.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from infra.catalog.athena_types import athena_type, has_type, in_query, trino_type
from infra.catalog.projection import Projection, projection
from pipeline.constants import FILES_TABLE_SUFFIX, PROCESSED_PREFIX
from pipeline.formats.moment_text import ZONE, fields, in_pattern
from pipeline.formats.writers import extension

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.plan import Plan
    from pipeline.plan_steps import Write

_TEXT_INPUT: Final = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT: Final = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_PARQUET: Final = "org.apache.hadoop.hive.ql.io.parquet"
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "parquet": {
        "inputFormat": f"{_PARQUET}.MapredParquetInputFormat",
        "outputFormat": f"{_PARQUET}.MapredParquetOutputFormat",
        "serdeInfo": {"serializationLibrary": f"{_PARQUET}.serde.ParquetHiveSerDe"},
    },
    "csv": {
        "inputFormat": _TEXT_INPUT,
        "outputFormat": _TEXT_OUTPUT,
        "serdeInfo": {
            "serializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
            "parameters": {"quoteChar": '"', "escapeChar": "\\"},
        },
    },
    "json": {
        "inputFormat": _TEXT_INPUT,
        "outputFormat": _TEXT_OUTPUT,
        "serdeInfo": {"serializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
    },
}
"""How Athena reads what `pipeline.formats.writers` writes."""
_FORMAT_PARAMETERS: Final = {"csv": {"skip.header.line.count": "1"}}
_JSON_TEXTS: Final = ("date32", "time64", "timestamp", "binary", "uint64")
"""Types whose values are text in JSON files, by the beginnings of their names."""
_EPOCH: Final = pa.array([0], pa.timestamp("us", tz="UTC"))


@dataclass(frozen=True)
class _Column:
    """A column of the output: its types in the files' table and to people, in Hive's words.

    `view` is the SQL that makes the one of the other, None where they are the same.
    """

    name: str
    stored: str
    shown: str
    view: str | None = None


def catalog_tables(plan: Plan, *, database: str, bucket: str) -> list[dict[str, Any]]:
    """Return the `TableInput` of each table that makes a dataset's output queryable.

    Parameters
    ----------
    bucket
        Name of the output bucket, or the reference that stands for it.

    Raises
    ------
    InvalidPlanError
        If a column is of a type that Athena has nothing for.
    """
    projections = {name: projection(plan, name) for name in plan.write.partition_by}
    columns = _columns(plan, projections)
    views = any(column.view for column in columns)
    name = plan.dataset.lower()
    files = _files_table(plan, columns, projections, bucket)
    files["name"] = f"{name}{FILES_TABLE_SUFFIX}" if views else name
    return [files, _view(name, columns, database)] if views else [files]


def _columns(plan: Plan, projections: Mapping[str, Projection]) -> list[_Column]:
    """Columns that Athena can show, in the plan's order but for partition columns at the end."""
    kinds = plan.schemas["enrich"]
    inside = {name.lower(): kind for name, kind in kinds.items() if name not in projections}
    if plan.write.format == "parquet":  # of whose columns those that nobody names are not read
        found = [
            _Column(name, athena_type(kind), athena_type(kind))
            for name, kind in inside.items()
            if has_type(kind)
        ]
    else:
        found = [_text_column(name, kind, plan.write) for name, kind in inside.items()]
    for name, each in projections.items():
        shown = athena_type(kinds[name]) if each.view else each.kind
        found.append(_Column(name.lower(), each.kind, shown, each.view))
    return found


def _text_column(name: str, kind: str, write: Write) -> _Column:
    """Column of a file of text, read as text where the SerDe cannot read it as what it is."""
    form = write.format
    if form == "json" and not kind.startswith(_JSON_TEXTS):
        return _Column(name, athena_type(kind), athena_type(kind))
    plain = f'"{name}"'
    sql = plain if form == "json" else f"nullif({plain}, {_literal(write.null_text)})"
    if kind in ("string", "binary") or not has_type(kind):
        return _Column(name, "string", "string", None if sql == plain else sql)
    if kind in ("float", "double"):  # the words of Arrow's writer into those that Java reads
        sql = f"replace(replace({sql}, 'nan', 'NaN'), 'inf', 'Infinity')"
    if kind.startswith("timestamp["):
        sql = _moment(sql, write.timestamp_format) or f"from_iso8601_timestamp({sql})"
    elif kind.startswith("date32"):
        sql = _moment(sql, write.date_format) or sql
    return _Column(name, "string", athena_type(kind), f"CAST({sql} AS {trino_type(kind)})")


def _moment(sql: str, pattern: str | None) -> str | None:
    """SQL that reads a moment in a JDK pattern, None without one: Athena's letters are Joda's."""
    if pattern is None:
        return None
    parts = (_joda(letter, text) for letter, text in fields(pattern))
    return f"parse_datetime({sql}, {_literal(''.join(parts))})"


def _joda(letter: str, text: str) -> str:
    """Part of a pattern in Joda's letters; the offset is UTC's, the same text in every value."""
    if letter in ZONE:
        return _quoted(str(in_pattern(_EPOCH, text)[0]))
    if letter:
        return text.replace("u", "y")
    return _quoted(text)


def _quoted(text: str) -> str:
    """Text of a pattern, in quotes where it could be taken for letters of it."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'" if any(sign.isalpha() for sign in text) else quoted


def _literal(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _files_table(
    plan: Plan, columns: list[_Column], projections: Mapping[str, Projection], bucket: str
) -> dict[str, Any]:
    """Table over a dataset's files; the name is still to come."""
    location = f"s3://{bucket}/{PROCESSED_PREFIX}{plan.dataset}/"
    partitions = {name.lower() for name in projections}
    stored = [{"name": column.name, "type": column.stored} for column in columns]
    return {
        "tableType": "EXTERNAL_TABLE",
        "parameters": _parameters(plan, projections, location),
        "partitionKeys": [column for column in stored if column["name"] in partitions],
        "storageDescriptor": {
            "columns": [column for column in stored if column["name"] not in partitions],
            "location": location,
            "compressed": extension(plan.write).endswith(".gz"),
            **_storage_format(plan.write),
        },
    }


def _storage_format(write: Write) -> dict[str, Any]:
    """How Athena reads the files; for CSV with the dataset's own delimiter."""
    described = _FORMATS[write.format]
    if write.format != "csv":
        return described
    serde = described["serdeInfo"]
    parameters = {"separatorChar": write.delimiter, **serde["parameters"]}
    return {**described, "serdeInfo": {**serde, "parameters": parameters}}


def _parameters(plan: Plan, projections: Mapping[str, Projection], location: str) -> dict[str, str]:
    """Properties of a files' table, among them where Athena looks for each partition.

    The template names the folders as they are written: Athena's own way to make a path of
    a value escapes other characters than ours, and knows lower case only.
    """
    parameters = {
        "EXTERNAL": "TRUE",
        "classification": plan.write.format,
        **_FORMAT_PARAMETERS.get(plan.write.format, {}),
    }
    if not projections:
        return parameters
    folders = "".join(f"{name}=${{{name.lower()}}}/" for name in projections)
    parameters |= {"projection.enabled": "true", "storage.location.template": location + folders}
    for name, found in projections.items():
        for word, value in found.properties.items():
            parameters[f"projection.{name.lower()}.{word}"] = value
    return parameters


def _view(name: str, columns: list[_Column], database: str) -> dict[str, Any]:
    """View of a dataset's name over its files' table, encoded as Athena's own CREATE VIEW does."""
    selected = ", ".join(
        f'{column.view} AS "{column.name}"' if column.view else f'"{column.name}"'
        for column in columns
    )
    definition = {
        "originalSql": f'SELECT {selected} FROM "{name}{FILES_TABLE_SUFFIX}"',
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column.name, "type": in_query(column.shown)} for column in columns],
    }
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    return {
        "name": name,
        "tableType": "VIRTUAL_VIEW",
        "parameters": {"presto_view": "true", "comment": "Presto View"},
        "viewOriginalText": f"/* Presto View: {encoded} */",
        "viewExpandedText": "/* Presto View */",
        "partitionKeys": [],
        "storageDescriptor": {
            "columns": [{"name": column.name, "type": column.shown} for column in columns],
            "location": "",
            "serdeInfo": {},
        },
    }
