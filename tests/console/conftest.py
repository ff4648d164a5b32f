"""A console over a fake service, and a client of it: no cloud, no sockets.

`open_console(target)` takes any `Target` (tests/unit/cli/moto_target.py makes one of moto's), and
`over(service)` makes one of a `Service`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import pytest
from starlette.testclient import TestClient

from cli.console_process import LOOPBACK
from cli.paths import DATASETS
from cli.target import Cloud, Target, Where
from console.app import application
from console.workspace import Console
from tests.console.service import MACHINE
from tests.unit.cli.moto_target import moto_target
from tests.unit.conftest import _no_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.cli.moto_target import MotoCloud

__all__ = ["_no_network"]

BASE_URL = "http://127.0.0.1"


class OpenConsole(Protocol):
    """Returns a client of a new console, which follows no redirects.

    What no page handles is raised to the test, unless it asks for the page about it.
    """

    def __call__(
        self,
        target: Target,
        *,
        key: str | None = None,
        datasets: Path = DATASETS,
        raising: bool = True,
    ) -> TestClient: ...


def over(service: Any, **clients: Any) -> Target:
    """Return an account whose clients are fakes: `stepfunctions`, and others by their names."""
    session = boto3.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    return Target(
        cloud=Cloud(session, "http://127.0.0.1:9", {"stepfunctions": service} | clients),
        stack="LambdaPipelines",
        input_bucket="in",
        output_bucket="out",
        staging_bucket="staging",
        state_machine_arn=MACHINE,
        dead_letter_queue_url="http://queue",
        undelivered_events_queue_url="http://undelivered",
        alert_topic_arn="arn:topic",
    )


@pytest.fixture
def open_console() -> Iterator[OpenConsole]:
    consoles: list[Console] = []

    def opened(
        target: Target, *, key: str | None = None, datasets: Path = DATASETS, raising: bool = True
    ) -> TestClient:
        where = Where(region="us-east-1")
        console = Console(where, datasets, key=key, opening=lambda _where: target)
        consoles.append(console)
        app = application(console, LOOPBACK)
        return TestClient(
            app, base_url=BASE_URL, follow_redirects=False, raise_server_exceptions=raising
        )

    yield opened
    for console in consoles:
        console.workspace().index.stop()


@pytest.fixture
def target(cloud: MotoCloud) -> Target:
    """An account in moto; a module that asks for it says which by its own `cloud`."""
    return moto_target(cloud)


@pytest.fixture
def client(target: Target, open_console: OpenConsole) -> TestClient:
    return open_console(target)


def token_of(client: TestClient) -> str:
    """Return what the console's forms carry."""
    found = re.search(r'name="token" value="([^"]+)"', client.get("/uploads").text)
    assert found
    return found[1]
