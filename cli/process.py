"""Processes that an earlier command started: whether they live, and are really ours."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


def command_line(pid: int) -> str:
    """Command line of a process; empty if there is none (or if it is a zombie)."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    asked = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


def is_ours(pid: int, marks: tuple[str, ...]) -> bool:
    """Whether `pid` lives and its command line carries all our marks.

    A pid file outlives its process, and the system gives the number to another one.
    """
    line = command_line(pid)
    return bool(line) and all(mark in line for mark in marks)


def stop_group(pid: int, *, grace_seconds: float = 0.5) -> None:
    """Stop a session leader together with everything it started.

    The grace is short: the local cloud keeps nothing that it could save in more time.
    """
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, signal_number)
        except ProcessLookupError:
            return
        if _group_gone(pid, grace_seconds):
            return


def _group_gone(group: int, seconds: float) -> bool:
    """Whether no process of the group is left within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        # A child of this very process stays a zombie, and so "alive", until it is waited for.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(group, os.WNOHANG)
        time.sleep(0.05)
    return False
