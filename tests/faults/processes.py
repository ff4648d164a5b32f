"""The functions' processes of one local cloud, found in /proc: who asked, and who is to be killed.

Only children of that local cloud's own server are ever looked at.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.end_to_end.cloud import waited_for

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOPBACK = "0100007F"  # 127.0.0.1 as /proc/net/tcp spells it


@dataclass(frozen=True)
class FunctionProcess:
    """A process that runs a stage's function."""

    pid: int
    stage: str

    @property
    def alive(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        state = _text(Path(f"/proc/{self.pid}/stat")).rpartition(")")[2].split()
        return bool(state) and state[0] != "Z"

    def kill(self) -> None:
        """End it at once, as the kernel does when memory is short, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        waited_for(lambda: not self.alive or None, f"the end of process {self.pid}")


def function_processes(server: int) -> Iterator[FunctionProcess]:
    """Yield the functions' processes that the local cloud's server has started."""
    for listing in Path(f"/proc/{server}/task").glob("*/children"):
        for child in _text(listing).split():
            handler = _environment(int(child)).get("_HANDLER", "")
            if handler.startswith("functions."):
                yield FunctionProcess(int(child), handler.split(".")[1])


def process_behind(port: int, *, connected_to: int, server: int) -> FunctionProcess | None:
    """Return the function's process that holds the client's end of a local connection."""
    inode = _socket_of(port, connected_to)
    if inode is None:
        return None
    candidates = function_processes(server)
    return next((found for found in candidates if _holds(found.pid, inode)), None)


def _text(path: Path) -> str:
    """Content of a file in /proc; empty if what it is about has ended meanwhile."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _environment(pid: int) -> dict[str, str]:
    entries = _text(Path(f"/proc/{pid}/environ")).split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def _socket_of(port: int, connected_to: int) -> str | None:
    """Inode of the socket between two ports of this machine."""
    here, there = f"{_LOOPBACK}:{port:04X}", f"{_LOOPBACK}:{connected_to:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (fields[1], fields[2]) == (here, there):
            return fields[9]
    return None


def _holds(pid: int, inode: str) -> bool:
    try:
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return f"socket:[{inode}]" in links
