"""Lookups in the input bucket: the newest table under a prefix, typed, and pinned for the run.

See docs/adr/0009. What was read stands in the run summary, and in the manifest: a replay of the
run reads that very version again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.arrow_types import arrow_type
from pipeline.errors import LookupNotFoundError, LookupTableError
from pipeline.lookup_files import (
    ENDINGS,
    UnusableTableError,
    lookup_table,
    one_row_each,
    repeated_keys,
    typed,
)
from pipeline.storage import StoredObject, newest_key, open_object

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.plan import Plan
    from pipeline.plan_steps import Lookup
    from pipeline.run import Run


def bucket_lookups(plan: Plan, run: Run) -> dict[str, pa.Table]:
    """Return the tables of the lookups that lie in the bucket, by name; note what was read.

    `run.lookup_sources` says for each the object, its version and its number of rows; where it
    names one already, that version is read.

    Raises
    ------
    LookupNotFoundError
        If no table lies under a lookup's prefix.
    LookupTableError
        If a table is not as declared, or a key stands in several of its rows.
    TransientError, PermissionDeniedError
        As S3's answer says.
    """
    tables = {}
    for lookup in plan.enrich.lookups:
        if lookup.prefix is not None:
            stored, data = _object(lookup, run)
            table = _table(lookup, data, stored.address)
            tables[lookup.name] = table
            run.lookup_sources[lookup.name] = _pin(stored, table)
    return tables


def _pin(stored: StoredObject, table: pa.Table) -> dict[str, Any]:
    return {
        "bucket": stored.bucket,
        "key": stored.key,
        "version_id": stored.version_id,
        "etag": stored.etag,
        "rows": table.num_rows,
    }


def _object(lookup: Lookup, run: Run) -> tuple[StoredObject, bytes]:
    """The version that the run has read before, else the newest object under the prefix."""
    pinned = run.lookup_sources.get(lookup.name, {})
    bucket = run.source.bucket
    key = pinned.get("key") or newest_key(bucket, str(lookup.prefix), ENDINGS)
    if key is None:
        raise LookupNotFoundError(
            f"There is no table s3://{bucket}/{lookup.prefix}... for the lookup {lookup.name}.",
            remedy=f"Upload one that ends in {', '.join(ENDINGS)}, for example: "
            f"aws s3 cp {lookup.name}.csv s3://{bucket}/{_folder(lookup)}{lookup.name}.csv; "
            "then replay.",
            lookup=lookup.name,
        )
    reader = open_object(bucket, key, version_id=pinned.get("version_id"))
    try:
        return reader.stored, reader.read()
    finally:
        reader.close()


def _folder(lookup: Lookup) -> str:
    """The prefix as the beginning of a key that `NAME.csv` completes."""
    prefix = str(lookup.prefix)
    return prefix if prefix.endswith("/") else f"{prefix}/"


def _table(lookup: Lookup, data: bytes, address: str) -> pa.Table:
    """The needed columns in their declared types, each key in one row."""
    types = {name: arrow_type(kind) for name, kind in lookup.columns.items()}
    try:
        table = typed(
            lookup_table(data, expected=list(types), missing=lookup.missing_values), types
        )
    except UnusableTableError as fault:
        raise LookupTableError(
            f"The table {address} of the lookup {lookup.name} is not as declared: {fault}.",
            remedy="Upload a corrected one, then replay; or correct the lookup's columns in "
            "pipeline.yaml and deploy.",
            lookup=lookup.name,
        ) from fault
    keys = list(dict.fromkeys(lookup.on.values()))
    if lookup.duplicates is None and (repeated := repeated_keys(table, keys)):
        raise LookupTableError(
            f"In {address} of the lookup {lookup.name}, {repeated.count} keys stand in several "
            f"rows, {repeated.example} for one.",
            remedy="Upload a table with one row for each key, then replay; or say in "
            "pipeline.yaml which one counts (duplicate_keys).",
            lookup=lookup.name,
        )
    return one_row_each(table, keys, lookup.duplicates)
