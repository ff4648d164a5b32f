from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import pytest

from tests.faults.catalogue import SCENARIOS
from tests.faults.lab import Lab, running_lab
from tests.faults.suite import Result, results

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A local cloud with the proxy between its functions and S3."""
    with running_lab(tmp_path_factory.mktemp("faults")) as lab:
        yield lab


@pytest.fixture(scope="session")
def found(lab: Lab, request: pytest.FixtureRequest) -> dict[str, Result]:
    """What came of the scenarios that are asked for; they are run together, to be quick."""
    asked = {item.callspec.params["name"] for item in request.session.items if _is_case(item)}
    chosen = [item for item in SCENARIOS if item.name in asked]
    return {result.scenario.name: result for result in results(lab, chosen)}


def _is_case(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and item.originalname == "test_scenario"
