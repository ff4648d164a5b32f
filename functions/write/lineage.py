"""The OpenLineage event of a commit: the compiled one, with the run's figures in it.

It holds names, counts and the contract's own words; no value of any row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from functions.write.lineage_checks import assertions
from pipeline.lineage_template import (
    BOOKS,
    INPUT_NAMESPACE,
    LINEAGE_FILE,
    OUTPUT_NAMESPACE,
    SOURCE_NAME,
    lookup_name,
)
from pipeline.observability import stage_logger
from pipeline.storage import put_object
from pipeline.telemetry import stack_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.manifest import OutputFile
    from pipeline.run import Run
    from pipeline.stage_context import StageContext


@dataclass(frozen=True)
class Committed:
    """What a commit was: the run's own files, its outcome, the execution, and when (ISO 8601)."""

    files: tuple[OutputFile, ...]
    outcome: str
    execution_arn: str
    at: str


def publish_lineage(context: StageContext, committed: Committed) -> bool:
    """Write the event of a run that has committed; return whether that was possible.

    What cannot be written is logged and not raised: the run's rows are published, and a failed
    execution would say otherwise.
    """
    try:
        event = lineage_event(context, committed)
        body = json.dumps(event, allow_nan=False).encode()
        put_object(context.output_bucket, context.run.lineage_key, body)
    except Exception:
        stage_logger(context.stage).exception("lineage event not written")
        return False
    return True


def lineage_event(context: StageContext, committed: Committed) -> dict[str, Any]:
    """Return the OpenLineage event of a commit.

    The run's id is a UUID made of our own id and the execution: each attempt gives it anew, and
    the same file processed again by another execution is another run.
    """
    folder = context.plan.folder
    assert folder is not None, "a plan that was read has a folder"
    compiled = json.loads((folder / LINEAGE_FILE).read_text("utf-8"))
    event: dict[str, Any] = compiled["event"]
    run = context.run
    event["eventTime"] = committed.at
    event["run"]["runId"] = str(uuid5(NAMESPACE_URL, f"{committed.execution_arn}#{run.run_id}"))
    event["run"]["facets"][BOOKS] |= _books(context, committed)
    event["job"]["namespace"] = stack_name()
    _fill_uploaded(event["inputs"][0], context, compiled["rules"])
    _fill_lookups(event["inputs"][1:], run)
    _fill_output(event["outputs"][0], run, committed.files)
    _name_datasets(event, context)
    return event


def _books(context: StageContext, committed: Committed) -> dict[str, Any]:
    """Our own facet: what became of the rows, and where all is written down."""
    run = context.run
    books = {
        "runId": run.run_id,
        "executionArn": committed.execution_arn,
        "outcome": committed.outcome,
        "contractVersion": context.plan.contract_version,
        "planHash": run.plan_hash,
        "rows": run.rows.to_json(),
        "manifest": f"s3://{context.output_bucket}/{run.manifest_key}",
        "report": f"s3://{context.output_bucket}/{run.report_key}",
        "quarantine": run.rejects["quarantine"],
    }
    if committed.execution_arn == context.execution_arn:
        books["startedAt"] = context.started_at.isoformat()
    if run.merges is not None:
        books["mergedInto"] = run.merges.run_id
    return books


def _fill_uploaded(dataset: dict[str, Any], context: StageContext, rules: list[Any]) -> None:
    run, source = context.run, context.run.source
    dataset["facets"]["datasetVersion"]["datasetVersion"] = source.version_id or source.etag
    found = dataset["inputFacets"]
    read = {"rowCount": run.rows.read, "fileCount": 1}
    found["inputStatistics"] |= read | {"size": source.size}
    found["dataQualityMetrics"] |= read | {
        "bytes": source.size,
        "columnMetrics": _column_metrics(context),
        **({"lastUpdated": source.last_modified} if source.last_modified else {}),
    }
    facet = found["dataQualityAssertions"]
    facet["assertions"] = assertions(facet["assertions"], rules, context)


def _column_metrics(context: StageContext) -> dict[str, Any]:
    """Columns of which the contract has had the values counted."""
    names = context.plan.source_names
    return {
        names[check["columns"][0]]: {"nullCount": check["rows"]}
        for check in context.run.checks
        if check["rule"] == "nullValues" and len(check["columns"]) == 1
    }


def _fill_lookups(datasets: list[dict[str, Any]], run: Run) -> None:
    """Tell which tables of the bucket were read; of the others all is known."""
    by_name = {lookup_name(name): read for name, read in run.lookup_sources.items()}
    for dataset in datasets:
        if read := by_name.get(dataset["name"]):
            version = read["version_id"] or read["etag"]
            dataset["facets"]["datasetVersion"]["datasetVersion"] = version
            dataset["inputFacets"]["inputStatistics"] |= {"rowCount": read["rows"], "fileCount": 1}


def _fill_output(dataset: dict[str, Any], run: Run, files: Sequence[OutputFile]) -> None:
    dataset["facets"]["datasetVersion"]["datasetVersion"] = run.run_id
    dataset["outputFacets"]["outputStatistics"] |= {
        "rowCount": run.rows.written,
        "size": sum(file.bytes for file in files),
        "fileCount": len(files),
    }


def _name_datasets(event: dict[str, Any], context: StageContext) -> None:
    """Put the buckets' and objects' names in the place of those that stand for them."""
    run = context.run
    namespaces = {
        INPUT_NAMESPACE: f"s3://{run.source.bucket}",
        OUTPUT_NAMESPACE: f"s3://{context.output_bucket}",
    }
    names = {SOURCE_NAME: run.source.key}
    names |= {lookup_name(name): read["key"] for name, read in run.lookup_sources.items()}
    datasets = [*event["inputs"], *event["outputs"]]
    for dataset in datasets:
        if address := dataset["facets"].get("dataSource"):
            address["name"] = address["uri"] = namespaces[address["uri"]]
    lineage = event["outputs"][0]["facets"]["columnLineage"]
    fields = [field for column in lineage["fields"].values() for field in column["inputFields"]]
    for named in (*datasets, *fields, *lineage.get("dataset", ())):
        named["namespace"] = namespaces.get(named["namespace"], named["namespace"])
        named["name"] = names.get(named["name"], named["name"])
