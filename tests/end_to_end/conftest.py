from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.cloud import Cloud
from tests.end_to_end.copies import Copy, copied_project

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A deployed local cloud beside any that the developer may be running."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud"))
    try:
        cloud.start()
        yield cloud
    finally:
        cloud.stop()


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy of the project, to which tests add datasets, with a local cloud of its own."""
    made = copied_project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("home"))
    yield made
    made.cli("down")
