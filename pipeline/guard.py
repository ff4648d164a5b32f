"""A stage's look at its own limits: the function's timeout and its memory size.

What is deterministic must have a name (docs/adr/0005-what-is-retried.md): a stage that is too slow
or too large for its file stops by itself, shortly before the platform would end it without a word.
"""

from __future__ import annotations

import gc
import math
import os
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Final

from pipeline.errors import MemoryLimitError, TimeLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

ENV_MEMORY_MB: Final = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
"""Set by Lambda: the function's memory size in MB."""
MARGIN_S: Final = 10.0
MARGIN_SHARE: Final = 0.1
"""Time kept for cleaning up and for saying what happened: the smaller of seconds and share."""
MEMORY_SHARE: Final = 0.92
"""Share of the memory size that a stage may hold: the rest is what grows between two looks."""
REARM_SHARE: Final = 0.85
_MOST_MEMORY_MB: Final = 10_240
_MOST_TIMEOUT_S: Final = 900
_MB: Final = 1024 * 1024
_STATM: Final = "/proc/self/statm"
_STATM_BYTES: Final = 128


class ResourceGuard:
    """Stops a stage that comes near its function's timeout or memory size.

    Parameters
    ----------
    remaining_s
        Seconds that the invocation has left now; None where there is no timeout.
    memory_mb
        The function's memory size; None where there is none.
    clock
        Seconds from any beginning.
    resident
        Bytes of memory that the process holds; None where the system does not tell.
    release
        Gives back memory that is kept and not used.
    """

    def __init__(
        self,
        *,
        remaining_s: float | None = None,
        memory_mb: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        resident: Callable[[], int | None] | None = None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._clock = clock
        self._resident = resident or resident_bytes
        self._release = release or release_memory
        self._memory_mb = memory_mb
        self._timeout_s = math.inf if remaining_s is None else remaining_s
        self._deadline = clock() + self._timeout_s
        self._last_moment = self._deadline - min(MARGIN_S, MARGIN_SHARE * self._timeout_s)
        self._most_bytes = math.inf if memory_mb is None else memory_mb * _MB * MEMORY_SHARE
        self._may_release = True

    @classmethod
    def of_function(cls, context: object) -> ResourceGuard:
        """Return the guard of a function's invocation, at its beginning.

        `context` is Lambda's; one that knows no remaining time sets no timeout.
        """
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return cls(
            remaining_s=None if remaining is None else remaining() / 1000,
            memory_mb=function_memory_mb(),
        )

    def check(self, progress: str) -> None:
        """Raise if little is left; to be called between batches, it takes microseconds.

        Parameters
        ----------
        progress
            How far the stage has come, to stand in the message: `after 1,234,567 rows`.

        Raises
        ------
        TimeLimitError
            If less is left of the timeout than 10 seconds, or a tenth of it.
        MemoryLimitError
            If the process holds more than 92 % of the memory size.
        """
        if self._clock() > self._last_moment:
            raise self._out_of_time(progress)
        if self._memory_mb is not None and self._holds_too_much():
            raise self._out_of_memory(progress)

    def _holds_too_much(self) -> bool:
        """Whether the process holds too much, after a try to give back what it does not use.

        The try costs as much as a small batch. It is made again only after memory was seen well
        below the threshold, so that a stage that stays close to it is not slowed at each batch.
        """
        held = self._held()
        if held > self._most_bytes and self._may_release:
            self._release()
            self._may_release = False
            held = self._held()
        if held < self._most_bytes * REARM_SHARE / MEMORY_SHARE:
            self._may_release = True
        return held > self._most_bytes

    def _held(self) -> int:
        return self._resident() or 0

    def _out_of_time(self, progress: str) -> TimeLimitError:
        left = max(0.0, self._deadline - self._clock())
        timeout = math.ceil(self._timeout_s)  # milliseconds had passed when it was asked for
        return TimeLimitError(
            f"The stage stopped {progress}: {left:,.1f} s were left of its timeout of "
            f"{timeout:,} s.",
            remedy=_remedy("timeout_s", timeout, _MOST_TIMEOUT_S),
        )

    def _out_of_memory(self, progress: str) -> MemoryLimitError:
        return MemoryLimitError(
            f"The stage stopped {progress}: it held {self._held() / _MB:,.0f} MB of its memory "
            f"size of {self._memory_mb:,} MB.",
            remedy=_remedy("memory_mb", self._memory_mb, _MOST_MEMORY_MB),
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception says that memory ran out: Python's, Arrow's or DuckDB's."""
    duckdb = sys.modules.get("duckdb")  # Arrow's is a MemoryError, DuckDB's is not
    return isinstance(error, MemoryError) or (
        duckdb is not None and isinstance(error, duckdb.OutOfMemoryException)
    )


def memory_limit_error(error: BaseException, progress: str) -> MemoryLimitError:
    """Return what an exception means that says that memory ran out.

    Parameters
    ----------
    progress
        How far the stage has come, to stand in the message: `after 1,234,567 rows`.
    """
    said = f" ({error})" if str(error) else ""
    memory_mb = function_memory_mb()
    size = "" if memory_mb is None else f"; its memory size is {memory_mb:,} MB"
    return MemoryLimitError(
        f"The stage ran out of memory {progress}{said}{size}.",
        remedy=_remedy("memory_mb", memory_mb, _MOST_MEMORY_MB),
    )


def function_memory_mb() -> int | None:
    """Return the function's memory size in MB; None outside Lambda."""
    declared = os.environ.get(ENV_MEMORY_MB, "")
    return int(declared) if declared.isdigit() and int(declared) else None


def resident_bytes() -> int | None:
    """Return the resident memory of this process; None where there is no `/proc`."""
    statm = _statm()
    if statm is None:
        return None
    return int(os.pread(statm, _STATM_BYTES, 0).split()[1]) * _page_bytes()


@cache
def _statm() -> int | None:
    """The open file of this process's memory; to open it costs more than all else of a look."""
    try:
        return os.open(_STATM, os.O_RDONLY)
    except OSError:
        return None


os.register_at_fork(after_in_child=_statm.cache_clear)  # an open one tells of the parent


@cache
def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE")


def release_memory() -> None:
    """Give unused memory back to the system: Python's cycles, and what Arrow keeps for later."""
    gc.collect()
    arrow = sys.modules.get("pyarrow")  # not imported, there is nothing of it to give back
    if arrow is not None:
        arrow.default_memory_pool().release_unused()


def _remedy(setting: str, size: int | None, most: int) -> str:
    """What to do: a larger function where there is one, else a smaller file."""
    if size is not None and size >= most:
        return f"It is the largest that Lambda has ({setting}={most}): split the file."
    larger = "..." if size is None else min(2 * size, most)
    return f"Deploy with a larger `--context {setting}={larger}`, or split the file."
