"""Serves the console until it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from cli.console_process import ANY_ADDRESS, LOOPBACK
from console.app import application

if TYPE_CHECKING:
    import socket

    from console.workspace import Console


def serve(console: Console, listening: socket.socket, host: str) -> None:
    """Answer requests on a listening socket until the process is told to stop."""
    app = application(console, names_of(host))
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


def names_of(host: str) -> tuple[str, ...] | None:
    """Names by which a server that listens on `host` is called; None for any.

    One that listens on all addresses has names that nobody here knows; it has a key.
    """
    if host in ANY_ADDRESS:
        return None
    return LOOPBACK if host in LOOPBACK else (*LOOPBACK, host.lower())
