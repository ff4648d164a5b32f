"""What the process that a function runs in tells of itself."""

from __future__ import annotations

import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Final

_HIGH_WATER_MARK: Final = re.compile(rb"VmHWM:\s+(\d+) kB")
_START_AFTER_NAME: Final = 19
"""`starttime` is the 22nd field of proc(5)'s `stat`, the 20th after the process's name."""


def peak_memory_mb() -> int:
    """Return the process's peak resident memory so far, in MiB.

    Linux hands what `getrusage` tells down from the process that started this one; the high-water
    mark of its own memory is in `/proc`.
    """
    try:
        found = _HIGH_WATER_MARK.search(Path("/proc/self/status").read_bytes())
    except OSError:
        found = None
    if found is not None:
        return int(found.group(1)) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def seconds_since_start() -> float:
    """Return for how long this process has been there (in steps of 10 ms), 0 without `/proc`."""
    try:
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    started = int(fields[_START_AFTER_NAME]) / os.sysconf("SC_CLK_TCK")
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
