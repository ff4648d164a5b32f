from __future__ import annotations

from typing import Any

import pytest

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from tests.infra.synthesis import Template, definition, synthesised


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
