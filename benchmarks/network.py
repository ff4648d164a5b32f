"""How long bytes take to arrive: what a network adds to requests that files answer."""

from __future__ import annotations

import threading
import time
from typing import Final

_WINDOW_BYTES: Final = 4 * 1024 * 1024
"""How much arrives while nobody reads: about what a kernel keeps for a connection."""


class Line:
    """One direction of a function's network, shared by its connections.

    Parameters
    ----------
    bytes_per_second
        None: bytes take no time.
    window
        How many bytes arrive while nobody waits for them.
    """

    def __init__(self, bytes_per_second: float | None, window: int = _WINDOW_BYTES) -> None:
        self._rate = bytes_per_second
        self._window = window
        self._arrived = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, size: int) -> None:
        """Return when so many more bytes have come through."""
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            begun = max(self._arrived, now - self._window / self._rate)
            self._arrived = begun + size / self._rate
            late = self._arrived - now
        if late > 0:
            time.sleep(late)
