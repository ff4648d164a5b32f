"""What a whole process takes: wall and CPU seconds and peak memory, as the kernel counts them."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from resource import struct_rusage

_KB: Final = 1024
_SHOWN: Final = 3
"""How many lines of what a failed process said are shown, from its end."""


class ProcessError(Exception):
    """A measured process failed; the text is its command and the end of what it said."""


@dataclass(frozen=True)
class Spent:
    """Wall seconds, CPU seconds (user and system) and the peak of resident memory, in MiB."""

    wall: float
    cpu: float
    peak_mb: float

    @classmethod
    def in_turn(cls, parts: Iterable[Spent]) -> Spent:
        """Return what processes took that ran one after the other."""
        each = list(parts)
        return cls(
            sum(part.wall for part in each),
            sum(part.cpu for part in each),
            max(part.peak_mb for part in each),
        )


def spent_by(
    command: Sequence[str], variables: Mapping[str, str], given: str = ""
) -> tuple[Spent, str]:
    """Run a command with these variables in addition; return what it took and what it printed.

    `given` is what it may read from its standard input.

    On Linux a process's peak begins at the memory that its parent held: whoever calls this keeps
    itself small.

    Raises
    ------
    ProcessError
        If it cannot be started, or ends with another status than 0.
    """
    with (
        tempfile.TemporaryFile() as read,
        tempfile.TemporaryFile() as printed,
        tempfile.TemporaryFile() as said,
    ):
        read.write(given.encode())
        read.seek(0)
        began = time.perf_counter()
        child = _started(command, variables, (read, printed, said))
        status, usage = _ended(child)
        wall = time.perf_counter() - began
        if status:
            end = _text(said).splitlines()[-_SHOWN:]
            raise ProcessError("\n".join([" ".join(command), *end]))
        spent = Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _KB)
        return spent, _text(printed)


def _started(
    command: Sequence[str], variables: Mapping[str, str], streams: Iterable[IO[bytes]]
) -> int:
    """Process of a command with its three standard streams.

    Raises
    ------
    ProcessError
        If there is no such program.
    """
    actions = [
        (os.POSIX_SPAWN_DUP2, stream.fileno(), number) for number, stream in enumerate(streams)
    ]
    try:
        environment = {**os.environ, **variables}
        return os.posix_spawnp(command[0], list(command), environment, file_actions=actions)
    except OSError as error:
        raise ProcessError(f"cannot start {command[0]}: {error}") from error


def _ended(child: int) -> tuple[int, struct_rusage]:
    """Status and usage of a child process, which does not outlive an interrupt of this one."""
    try:
        _, status, usage = os.wait4(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    return status, usage


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
