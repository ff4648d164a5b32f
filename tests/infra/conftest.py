from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from pipeline.authoring.dataset import compiled_dataset
from tests.infra.synthesis import Template, definition, synthesised
from tests.infra.things import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.plan import Plan
    from tests.infra.things import PlanOf


@pytest.fixture(scope="session")
def aws_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(tmp_path_factory.mktemp("aws"))


@pytest.fixture(scope="session")
def dev_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(tmp_path_factory.mktemp("dev"), environment="dev")


@pytest.fixture(scope="session")
def local_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(tmp_path_factory.mktemp("local"), target="local")


@pytest.fixture(scope="session")
def states(aws_template: Template) -> dict[str, Any]:
    return dict(definition(aws_template)["States"])


@pytest.fixture(scope="session")
def customer_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(tmp_path_factory.mktemp("customer"), encryption="customer")


@pytest.fixture
def plan_of(tmp_path: Path) -> PlanOf:
    """Compile a dataset of one more column, described by YAML, and of these steps."""

    def plan(column: str, steps: str = "write: {partition_by: [x]}") -> Plan:
        folder = tmp_path / "things"
        folder.mkdir(exist_ok=True)
        (folder / "contract.odcs.yaml").write_text(CONTRACT.format(column=column), "utf-8")
        (folder / "pipeline.yaml").write_text(steps + "\n", "utf-8")
        compiled = compiled_dataset(folder)
        assert compiled.plan is not None, compiled.findings
        return compiled.plan

    return plan
