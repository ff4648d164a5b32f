"""A dataset's committed output as an Arrow dataset over copies of its files.

The manifests say which versions of which files are committed (docs/adr/0003): what else lies in
the bucket, half a run or somebody's copy, is not looked at.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.json as pajson

from cli.errors import CliError
from cli.manifests import json_object
from functions.write.core import NULL_PARTITION
from pipeline.arrow_types import arrow_type
from pipeline.constants import MANIFEST_PREFIX, PROCESSED_PREFIX
from pipeline.errors import InvalidPlanError
from pipeline.lexical import parsed
from pipeline.manifest import OutputFile
from pipeline.plan_contract import Column, Spelling
from pipeline.run import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from types_boto3_s3 import S3Client

    from cli.target import Target
    from pipeline.plan import Plan

AT_ONCE: Final = 8
"""Objects that are fetched at the same time."""


@dataclass(frozen=True)
class Committed:
    """A dataset's committed files; `otherwise` counts the sources published under another plan."""

    files: tuple[OutputFile, ...]
    sources: int
    otherwise: int


def committed(target: Target, plan: Plan) -> Committed:
    """Return what is committed of a dataset."""
    s3, bucket = target.cloud.s3(), target.output_bucket
    prefix = f"{MANIFEST_PREFIX}{plan.dataset}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda key: json_object(s3, bucket, key), keys)
        manifests = [manifest for manifest in found if manifest is not None]
    outputs = (output for manifest in manifests for output in manifest["outputs"])
    listed = (described(OutputFile, output) for output in outputs)
    # Arrow takes an empty JSON file for a broken one.
    files = [file for file in listed if file.rows]
    otherwise = [one for one in manifests if one.get("publishing") != plan.publishing]
    return Committed(tuple(files), len(manifests), len(otherwise))


def fetched(s3: S3Client, files: Sequence[OutputFile], folder: Path) -> Iterator[Path]:
    """Fetch the versions that the manifests name into a folder; yield each copy, in order."""
    paths = [folder / f"{number}{_endings(file)}" for number, file in enumerate(files)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for path, _ in zip(paths, pool.map(partial(_fetch, s3), files, paths), strict=True):
            yield path


def arrow_dataset(paths: Sequence[Path], files: Sequence[OutputFile], plan: Plan) -> pads.Dataset:
    """Return the rows of fetched files with the plan's columns, those of their keys among them.

    A query on it reads the columns and the partitions that it needs.
    """
    schema = pa.schema([(name, arrow_type(kind)) for name, kind in plan.schemas["enrich"].items()])
    inside = pa.schema([field for field in schema if field.name not in plan.write.partition_by])
    if _needs_typing(plan):
        paths = [_typed(path, inside, plan) for path in paths]
    form = _format(plan, inside)
    local = pafs.LocalFileSystem()
    fragments = [
        form.make_fragment(str(path), local, partition(file.key, plan, schema))
        for path, file in zip(paths, files, strict=True)
    ]
    return pads.FileSystemDataset(fragments, schema, form, local)


def partition(key: str, plan: Plan, schema: pa.Schema) -> pc.Expression:
    """Return what a file's path says of its rows: `month=1/` that month is 1."""
    folders = key.removeprefix(f"{PROCESSED_PREFIX}{plan.dataset}/").split("/")[:-1]
    said = pc.scalar(True)
    for folder in folders:
        name, _, value = folder.partition("=")
        if name not in schema.names:
            continue
        if value == NULL_PARTITION:
            said = said & pc.field(name).is_null()
        else:
            (given,) = _from_text(pa.array([unquote(value)]), schema.field(name).type)
            said = said & (pc.field(name) == given)
    return said


def _fetch(s3: S3Client, file: OutputFile, path: Path) -> None:
    version = {"VersionId": file.version_id} if file.version_id else {}
    s3.download_file(file.bucket, file.key, str(path), ExtraArgs=version)


def _endings(file: OutputFile) -> str:
    """Endings of the file's name, by which Arrow knows a compressed one: `.csv.gz`."""
    return "".join(PurePosixPath(file.key).suffixes)


def _needs_typing(plan: Plan) -> bool:
    """Whether Arrow's readers cannot give the columns their types: JSON, or dates in a pattern."""
    patterns = (plan.write.date_format, plan.write.timestamp_format)
    return plan.write.format == "json" or (plan.write.format == "csv" and any(patterns))


def _format(plan: Plan, inside: pa.Schema) -> pads.FileFormat:
    """Return how Arrow reads what `pipeline.formats.writers` writes."""
    if _needs_typing(plan):
        return pads.IpcFileFormat()
    if plan.write.format == "csv":
        parse, convert = _csv_options(plan, inside)
        return pads.CsvFileFormat(parse_options=parse, convert_options=convert)
    return pads.ParquetFileFormat()


def _csv_options(plan: Plan, types: pa.Schema) -> tuple[pacsv.ParseOptions, pacsv.ConvertOptions]:
    write = plan.write
    convert = pacsv.ConvertOptions(
        column_types=types,
        null_values=[write.null_text],
        strings_can_be_null=True,
        # In a file of one column, an empty line would be no row: no value is "" there.
        quoted_strings_can_be_null=len(types) == 1 and not write.null_text,
    )
    return pacsv.ParseOptions(delimiter=write.delimiter, newlines_in_values=True), convert


def _typed(path: Path, inside: pa.Schema, plan: Plan) -> Path:
    """Return a file's rows as an Arrow file beside it: Arrow reads not every date from text."""
    texts = pa.schema(
        [
            field.with_type(pa.string()) if pa.types.is_temporal(field.type) else field
            for field in inside
        ]
    )
    typed = path.with_suffix(".arrow")
    with (
        _opened(path, texts, plan) as reader,
        pa.ipc.new_file(str(typed), inside) as writer,
    ):
        for batch in reader:
            columns = [_moments(batch.column(field.name), field, plan) for field in inside]
            writer.write_batch(pa.record_batch(columns, schema=inside))
    return typed


def _opened(path: Path, texts: pa.Schema, plan: Plan) -> pa.RecordBatchReader:
    if plan.write.format == "json":
        options = pajson.ParseOptions(explicit_schema=texts, unexpected_field_behavior="ignore")
        return pajson.open_json(path, parse_options=options)
    parse, convert = _csv_options(plan, texts)
    return pacsv.open_csv(path, parse_options=parse, convert_options=convert)


def _moments(values: pa.Array, field: pa.Field, plan: Plan) -> pa.Array:
    """Values of a column's type; moments from text in the pattern that they are written in."""
    date = pa.types.is_date(field.type)
    moment = pa.types.is_timestamp(field.type)
    pattern = plan.write.date_format if date else plan.write.timestamp_format if moment else None
    if pattern is None:
        return _from_text(values, field.type)
    zoned = date or field.type.tz is not None
    column = Column(
        field.name,
        "date" if date else "timestamp",
        timezone=zoned,
        spelling=Spelling(format=pattern),
    )
    try:
        return parsed(values, column).values.cast(field.type)
    except InvalidPlanError as error:
        raise CliError(
            f"{field.name} is written as {pattern}, which cannot be read back", error.reason
        ) from error


def _from_text(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values of a type from their texts; values that are of the type stay as they are."""
    if pa.types.is_time(kind):  # Arrow casts moments to times of day, but no text
        values = pc.binary_join_element_wise("1970-01-01", values, "T").cast(pa.timestamp("us"))
    return values.cast(kind)
