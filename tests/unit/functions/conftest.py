"""How a stage's test gets its plan: the dataset's YAML stands in the test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from pipeline.authoring.build import compile_datasets
from pipeline.plan import Plan, load_plan

if TYPE_CHECKING:
    from pathlib import Path

NAME = "orders"


class PlanOf:
    """Compiles a dataset from YAML texts, as a deployment does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def __call__(
        self,
        columns: str,
        pipeline: str = "{}",
        *,
        quality: str = "[]",
        missing_values: tuple[str, ...] = ("",),
        steps: str | None = None,
        lookups: dict[str, str] | None = None,
    ) -> Plan:
        """Return the plan of a dataset.

        Parameters
        ----------
        columns, quality
            `properties` and `quality` of the contract's table.
        pipeline
            `pipeline.yaml`; several stages' steps may stand in it.
        steps
            `steps.py`.
        lookups
            Text of `lookups/<name>.csv` by name.
        """
        self._made += 1
        source = self._folder / f"datasets{self._made}" / NAME
        (source / "lookups").mkdir(parents=True)
        contract = _contract(yaml.safe_load(columns), yaml.safe_load(quality), missing_values)
        (source / "contract.odcs.yaml").write_text(json.dumps(contract), "utf-8")
        (source / "pipeline.yaml").write_text(pipeline, "utf-8")
        for name, text in (lookups or {}).items():
            (source / "lookups" / f"{name}.csv").write_text(text, "utf-8")
        if steps is not None:
            (source / "steps.py").write_text(steps, "utf-8")
        compiled = self._folder / f"compiled{self._made}"
        compile_datasets(source.parent, compiled)
        return load_plan(compiled, NAME)


def _contract(
    properties: list[object], quality: list[object], missing_values: tuple[str, ...]
) -> dict[str, object]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": NAME,
        "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "s", "type": "s3", "location": "s3://b/*", "format": "csv"}],
        "customProperties": [{"property": "missingValues", "value": list(missing_values)}],
        "schema": [{"name": NAME, "properties": properties, "quality": quality}],
    }


@pytest.fixture(scope="module")
def plan_of(tmp_path_factory: pytest.TempPathFactory) -> PlanOf:
    """`plan_of("- {name: x, logicalType: integer}", "clean: {...}")` is a compiled plan."""
    return PlanOf(tmp_path_factory.mktemp("plans"))
