"""Every fault, on the deployed stack: what is seen must be what the scenario says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.catalogue import SCENARIOS

if TYPE_CHECKING:
    from tests.faults.suite import Result


@pytest.mark.parametrize("name", [item.name for item in SCENARIOS])
def test_scenario(found: dict[str, Result], name: str) -> None:
    assert not found[name].problems, "\n".join(found[name].problems)
