"""A dataset's OpenLineage event as far as it is known before any run.

It is put together by openlineage-python's own models, so that its facets have the names, fields and
schema addresses of the standard; `pipeline/lineage_template.py` names what a run fills in.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version as version_of_package
from typing import TYPE_CHECKING, Any, Final

import attr
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    RunFacet,
    dataset_type_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    documentation_job,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    processing_engine_run,
    set_producer,
    sql_job,
    storage_dataset,
)
from openlineage.client.facet_v2 import data_quality_assertions_dataset as rules
from openlineage.client.facet_v2 import data_quality_metrics_input_dataset as quality
from openlineage.client.serde import Serde

from pipeline.authoring.dataset import ipc_bytes
from pipeline.authoring.lineage_facets import (
    assertions_of,
    column_lineage,
    input_tags,
    output_tags,
    schema_of_input,
    schema_of_output,
    schema_of_table,
)
from pipeline.constants import PROCESSED_PREFIX
from pipeline.lineage_template import (
    BOOKS,
    INPUT_NAMESPACE,
    NEVER,
    NOT_RUN,
    OUTPUT_NAMESPACE,
    SOURCE_NAME,
    lookup_name,
)
from pipeline.sql import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from pipeline.authoring.version import Version
    from pipeline.plan import Plan

PACKAGE: Final = "lambda-pipelines"
PRODUCER: Final = f"urn:{PACKAGE}:{version_of_package(PACKAGE)}"
INTEGRATION: Final = "LAMBDA_PIPELINES"
BOOKS_SCHEMA: Final = f"urn:{PACKAGE}:facets:books:1-0-0#/$defs/LambdaPipelinesBooksRunFacet"
SHIPPED: Final = "file"
"""Namespace of tables that lie in a dataset's folder, and go with the functions."""
_VERSION_DIGITS: Final = 16


@attr.define
class BooksRunFacet(RunFacet):
    """Our own facet: what became of the run's rows; the run adds the figures."""

    @staticmethod
    def _get_schema() -> str:
        return BOOKS_SCHEMA


def lineage_of(version: Version, tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Return what `lineage.json` holds: the event of a dataset, and what its assertions are about.

    Parameters
    ----------
    tables
        Compiled tables by lookup, those of relationships' keys among them.
    """
    set_producer(PRODUCER)
    assertions, about = assertions_of(version.plan)
    inputs = [_uploaded(version, assertions), *_lookups(version, tables)]
    addresses = {"": (INPUT_NAMESPACE, SOURCE_NAME)}
    addresses |= {one.name: _address(version, one.name) for one in version.plan.enrich.lookups}
    event = RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=NEVER,
        producer=PRODUCER,
        run=Run(NOT_RUN, {"processing_engine": _engine(), BOOKS: BooksRunFacet()}),
        job=_job(version),
        inputs=inputs,
        outputs=[_output(version, addresses)],
    )
    return {"event": Serde.to_dict(event), "rules": about}


def _engine() -> processing_engine_run.ProcessingEngineRunFacet:
    return processing_engine_run.ProcessingEngineRunFacet(
        version=version_of_package(PACKAGE),
        name="Lambda Pipelines",
        openlineageAdapterVersion=version_of_package("openlineage-python"),
    )


def _job(version: Version) -> Job:
    facets: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration=INTEGRATION, jobType="PIPELINE"
        ),
    }
    if purpose := _purpose(version):
        facets["documentation"] = documentation_job.DocumentationJobFacet(purpose)
    if queries := "\n\n".join(_queries(version.plan)):
        facets["sql"] = sql_job.SQLJobFacet(query=queries, dialect="duckdb")
    return Job("", version.plan.dataset, facets)


def _purpose(version: Version) -> str:
    """What the contract says of the data as a whole."""
    described = version.contract.data.get("description") or {}
    words = (described.get(word) for word in ("purpose", "usage", "limitations"))
    return "\n".join(word for word in words if word)


def _queries(plan: Plan) -> Iterator[str]:
    """What DuckDB is asked about each batch, one query a step; other steps are no SQL."""
    for step in plan.transform:
        if step.name == "derive":
            made = ",\n       ".join(
                f"({sql}) AS {quoted(name)}" for name, sql in step.argument["columns"].items()
            )
            yield f"SELECT {made}\nFROM batch;"
        elif step.name == "filter":
            yield f"SELECT * FROM batch\nWHERE {step.argument['where']};"


def _uploaded(version: Version, assertions: list[rules.Assertion]) -> InputDataset:
    """Return the uploaded object; the run says which it is, and what was found in it."""
    facets = {
        "schema": schema_of_input(version),
        "dataSource": datasource_dataset.DatasourceDatasetFacet(INPUT_NAMESPACE, INPUT_NAMESPACE),
        "datasetVersion": dataset_version_dataset.DatasetVersionDatasetFacet(""),
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet("FILE"),
        "storage": storage_dataset.StorageDatasetFacet("s3", version.plan.source.format),
        **_described(version.contract.data["schema"][0].get("description")),
        **_facet("tags", input_tags(version)),
    }
    found = {
        "inputStatistics": _read(),
        "dataQualityMetrics": quality.DataQualityMetricsInputDatasetFacet({}),
        "dataQualityAssertions": rules.DataQualityAssertionsDatasetFacet(assertions),
    }
    return InputDataset(INPUT_NAMESPACE, SOURCE_NAME, found, facets=facets)


def _lookups(version: Version, tables: Mapping[str, pa.Table]) -> Iterator[InputDataset]:
    """Yield the tables that rows are joined with, and those that their keys must be in."""
    plan = version.plan
    for lookup in plan.enrich.lookups:
        namespace, name = _address(version, lookup.name)
        if lookup.prefix is None:
            yield _shipped(namespace, name, tables[lookup.name])
            continue
        facets = {
            "schema": schema_of_table(lookup.columns),
            "dataSource": datasource_dataset.DatasourceDatasetFacet(namespace, namespace),
            "datasetVersion": dataset_version_dataset.DatasetVersionDatasetFacet(""),
            "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet("FILE"),
        }
        yield InputDataset(namespace, name, {"inputStatistics": _read()}, facets=facets)
    joined = {lookup.name for lookup in plan.enrich.lookups}
    for other in sorted({one.lookup for one in plan.relationships} - joined):
        yield _shipped(*_address(version, other), tables[other])


def _shipped(namespace: str, name: str, table: pa.Table) -> InputDataset:
    """Return a table of the dataset's folder, of which all is known."""
    digest = hashlib.sha256(ipc_bytes(table)).hexdigest()[:_VERSION_DIGITS]
    columns = {field.name: str(field.type) for field in table.schema}
    facets = {
        "schema": schema_of_table(columns),
        "datasetVersion": dataset_version_dataset.DatasetVersionDatasetFacet(digest),
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet("FILE"),
    }
    return InputDataset(namespace, name, {"inputStatistics": _read(table.num_rows)}, facets=facets)


def _address(version: Version, lookup: str) -> tuple[str, str]:
    """Namespace and name of a lookup's table: in the bucket, or in the dataset's folder."""
    if any(one.name == lookup and one.prefix for one in version.plan.enrich.lookups):
        return INPUT_NAMESPACE, lookup_name(lookup)
    declared = (one for one in version.steps.data.get("enrich") or () if "file" in one)
    said = next((one["file"] for one in declared if one["lookup"] == lookup), None)
    folder = version.steps.path.parent
    there = sorted(path.relative_to(folder) for path in folder.glob(f"lookups/{lookup}.*"))
    return SHIPPED, f"datasets/{version.plan.dataset}/{said or there[0]}"


def _output(version: Version, addresses: Mapping[str, tuple[str, str]]) -> OutputDataset:
    plan = version.plan
    facets = {
        "schema": schema_of_output(version),
        "dataSource": datasource_dataset.DatasourceDatasetFacet(OUTPUT_NAMESPACE, OUTPUT_NAMESPACE),
        "datasetVersion": dataset_version_dataset.DatasetVersionDatasetFacet(""),
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet("TABLE"),
        "storage": storage_dataset.StorageDatasetFacet("s3", plan.write.format),
        "columnLineage": column_lineage(plan, addresses),
        **_described(version.contract.data["schema"][0].get("description")),
        **_facet("tags", output_tags(version)),
    }
    written = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(0, 0, 0)
    return OutputDataset(
        OUTPUT_NAMESPACE,
        f"{PROCESSED_PREFIX}{plan.dataset}",
        {"outputStatistics": written},
        facets=facets,
    )


def _read(rows: int | None = None) -> Any:
    return input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rows)


def _described(text: str | None) -> dict[str, Any]:
    facet = documentation_dataset.DocumentationDatasetFacet(text) if text else None
    return _facet("documentation", facet)


def _facet(key: str, facet: Any) -> dict[str, Any]:
    """Return a facet under its key, nothing for none."""
    return {} if facet is None else {key: facet}
