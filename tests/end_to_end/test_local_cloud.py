"""Life and death of the local cloud's process, without a stack."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from cli.errors import CliError
from cli.local_cloud import LocalCloud
from cli.process import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path / "a home with spaces")
    with cloud.locked():
        yield cloud
        cloud.stop()


def test_it_starts_once_and_stops_once(local: LocalCloud) -> None:
    started = local.start()

    assert local.start() == started
    assert local.running() == started
    assert local.stop()
    assert not local.stop()
    assert local.running() is None
    assert not is_ours(started.pid, ())


def test_it_answers_on_this_machine_only_and_checks_keys(local: LocalCloud) -> None:
    started = local.start()

    assert started.endpoint_url == f"http://127.0.0.1:{started.port}"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{started.endpoint_url}/?Action=ListUsers&Version=2010-05-08")
    assert refused.value.code == 403
    refused.value.close()


def test_two_live_side_by_side(local: LocalCloud, tmp_path: Path) -> None:
    other = LocalCloud(tmp_path / "other")
    try:
        with other.locked():
            assert other.start().port != local.start().port
    finally:
        other.stop()
    assert local.running()


def test_one_that_was_killed_is_started_anew(local: LocalCloud) -> None:
    first = local.start()
    os.killpg(first.pid, signal.SIGKILL)

    assert local.running() is None
    assert local.start().pid != first.pid


def test_another_port_than_the_running_ones_is_refused(local: LocalCloud) -> None:
    started = local.start()

    with pytest.raises(CliError, match="already runs on port"):
        local.start(started.port + 1)
