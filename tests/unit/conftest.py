"""Unit tests reach no network: what they need stands in them or in files beside them."""

from __future__ import annotations

import socket
from typing import Any, NoReturn

import pytest


class NetworkUsedError(AssertionError):
    """A unit test opened a connection."""


def _refuse(_socket: socket.socket, address: Any) -> NoReturn:
    raise NetworkUsedError(f"a unit test connects to {address}; see the tiers in CONTRIBUTING.md")


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("network") is None:
        monkeypatch.setattr(socket.socket, "connect", _refuse)
        monkeypatch.setattr(socket.socket, "connect_ex", _refuse)
