"""Reading a body while its reader works: the network and the computing overlap."""

from __future__ import annotations

from contextlib import closing, suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, Final

BLOCK_BYTES: Final = 262144
_BLOCKS_AHEAD: Final = 8


class ReadAhead:
    """A body of which the next blocks are fetched by a thread, from the first read on.

    What the body raises is raised by the read that comes to it.
    """

    def __init__(self, body: Any) -> None:
        self._body = body
        self._fetched: Queue[bytes | Exception] = Queue(_BLOCKS_AHEAD)
        self._rest = memoryview(b"")
        self._end: bytes | Exception | None = None
        self._closed = Event()
        self._thread: Thread | None = None

    def read(self, size: int | None = None) -> bytes:
        """Return `size` bytes, fewer only before the end or an error; all of them, if None."""
        taken: list[memoryview] = []
        left = size
        while (left is None or left > 0) and self._has_more():
            block = self._rest[:left]
            self._rest = self._rest[len(block) :]
            taken.append(block)
            left = None if left is None else left - len(block)
        if isinstance(self._end, Exception) and (size is None or (size and not taken)):
            raise self._end
        return b"".join(taken)

    def close(self) -> None:
        """Stop fetching; a request under way ends by itself, and nobody waits for it."""
        self._closed.set()
        if self._thread is None:
            self._body.close()
            return
        with suppress(Empty):
            while True:  # a thread that waits for room in the queue finds it, and that all is over
                self._fetched.get_nowait()
        # Not the end: who reads on, in another thread perhaps, must not take a part for the whole.
        self._fetched.put_nowait(ValueError("read of a closed body"))

    def _has_more(self) -> bool:
        """Whether bytes are at hand; waits for them."""
        if self._rest:
            return True
        if self._thread is None:
            self._thread = Thread(target=self._fetch, daemon=True)
            self._thread.start()
        if self._end is None:
            block = self._fetched.get()
            if block and isinstance(block, bytes):
                self._rest = memoryview(block)
                return True
            self._end = block
        return False

    def _fetch(self) -> None:
        last: bytes | Exception = b""
        try:
            with closing(self._body):
                while not self._closed.is_set() and (block := self._body.read(BLOCK_BYTES)):
                    self._fetched.put(block)
        except Exception as error:
            last = error
        finally:
            self._fetched.put(last)
