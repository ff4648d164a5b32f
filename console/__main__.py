"""`python -m console`: the process of the local cloud's console (`cli/console_process.py`)."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser
from pathlib import Path

from cli.console_process import ENV_KEY, address, listening_at
from cli.local_cloud import ADDRESS
from cli.paths import DATASETS, ENV_HOME, home
from cli.target import Where
from console.server import serve
from console.workspace import Console
from pipeline.constants import DEFAULT_STACK_NAME


def main() -> None:
    """Serve on the socket that was passed on; without one, on a free port, which is printed."""
    options = ArgumentParser(prog="python -m console", description=main.__doc__)
    options.add_argument("--home", type=Path, default=home())
    options.add_argument("--stack", default=DEFAULT_STACK_NAME)
    options.add_argument("--host", default=ADDRESS)
    options.add_argument("--descriptor", type=int)
    given = options.parse_args()
    os.environ[ENV_HOME] = str(given.home)
    if given.descriptor is None:
        listening = listening_at(given.host, None)
        print(address(given.host, listening.getsockname()[1]), flush=True)
    else:
        listening = socket.socket(fileno=given.descriptor)
    key = os.environ.pop(ENV_KEY, None)
    serve(Console(Where(stack=given.stack), DATASETS, key=key), listening, given.host)


if __name__ == "__main__":
    main()
