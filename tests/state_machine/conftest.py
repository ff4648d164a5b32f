from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from tests.infra.synthesis import synthesised
from tests.state_machine.engine import Engine, running_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    template = synthesised(tmp_path_factory.mktemp("template"), target="local")
    with running_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield Engine(endpoint, template)
