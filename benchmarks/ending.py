"""How a measured process ends: at once, the product's and its peers' alike."""

from __future__ import annotations

import os
import sys


def end_process() -> None:
    """End this process, its work done, without taking apart what it holds.

    A function in AWS never does that either: it is frozen, and then it is gone. It takes what
    imports a great deal up to 0.1 s, which is nobody's work.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
