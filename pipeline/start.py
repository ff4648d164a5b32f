"""What a function's start is spared: threads that nobody uses, and looking for garbage.

All that a stage imports is some 200,000 objects, which stay for as long as the process.
"""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_USUAL: Final = gc.get_threshold()
_SELDOM: Final = (100_000, *_USUAL[1:])
"""So many new objects, not 700, before Python looks for garbage."""


def prepare_imports() -> None:
    """Set what makes the imports of a function cheaper, before the first of them.

    The linear algebra that comes with numpy starts threads, which spin for a while: nearly as much
    CPU time (0.06 s) as importing numpy takes. No stage multiplies matrices; a deployment whose
    steps do may set the number of threads in the function's environment.

    Arrow's own allocator keeps what it has freed: at a million rows its peaks are 25 to 75 MB above
    those of the C library's, and the kernel's zeroing of its new pages takes 0.1 s of a run.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(*_SELDOM)


def settle_imports() -> None:
    """Look for garbage as usual from now on, but no more among what has been imported.

    That would take 20 ms of an invocation now and then, and more at the end of the process.
    """
    gc.freeze()
    gc.set_threshold(*_USUAL)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Make much that stays, without looking for garbage in it meanwhile."""
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
