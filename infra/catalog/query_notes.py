"""What Athena cannot find of a dataset's output, for `pipeline check` to say beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.catalog.projection import projection
from pipeline.authoring.steps import PIPELINE_FILE
from pipeline.authoring.yaml_source import yaml_source

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.authoring.yaml_source import Finding
    from pipeline.plan import Plan


def query_notes(plan: Plan, folder: Path) -> list[Finding]:
    """Return a note for each caveat of a partition column, at its place in `pipeline.yaml`."""
    source = yaml_source(folder / PIPELINE_FILE)
    for at, name in enumerate(plan.write.partition_by):
        for caveat in projection(plan, name).caveats:
            source.note(("write", "partition_by", at), f"Athena, partitioned by {name}: {caveat}")
    return source.findings
