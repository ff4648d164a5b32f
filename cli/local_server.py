"""Entry point of the local cloud's own process: `python -m cli.local_server HOME`.

A module of ours rather than MiniStack's, so that the process's command line says which local
cloud it is and a stale pid file is never taken for a living one.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Serve until stopped; settings come from the environment (see `cli.local_cloud`)."""
    from ministack.app import main as serve  # noqa: PLC0415 - half a second, wanted only here

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
