from __future__ import annotations

import io
import time
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import read_ahead
from pipeline.errors import StorageUnavailableError
from pipeline.read_ahead import BLOCK_BYTES, ReadAhead
from pipeline.storage import ObjectReader, StoredObject

SECONDS = 10
"""How long a test waits for a thread before it fails."""


class Body(io.BytesIO):
    """A body that counts what was taken of it, and fails where it is told to."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        super().__init__(data)
        self.taken = 0
        self.error = error
        self.was_closed = Event()

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        if not block and self.error is not None:
            raise self.error
        self.taken += len(block)
        return block

    def close(self) -> None:
        self.was_closed.set()


def until(holds: Any) -> bool:
    """Wait until something holds."""
    end = time.monotonic() + SECONDS
    while not holds() and time.monotonic() < end:
        time.sleep(0.001)
    return bool(holds())


@given(
    st.binary(max_size=100),
    st.lists(st.integers(0, 40) | st.none(), max_size=20),
    st.integers(1, 9),
)
def test_it_reads_as_the_body_itself_does(data: bytes, sizes: list[int | None], block: int) -> None:
    plain = io.BytesIO(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_ahead, "BLOCK_BYTES", block)
        body = ReadAhead(io.BytesIO(data))
        assert [body.read(size) for size in sizes] == [plain.read(size) for size in sizes]
        body.close()


def test_only_a_few_blocks_are_fetched_before_they_are_asked_for() -> None:
    # GIVEN a body far longer than what is kept
    body = Body(bytes(100 * BLOCK_BYTES))
    ahead = ReadAhead(body)
    assert body.taken == 0

    # WHEN its first byte is read
    ahead.read(1)

    # THEN the next blocks come, and no more
    kept = 1 + 8 + 1  # the one that is read, those in the queue, one that waits for room there
    assert until(lambda: body.taken == kept * BLOCK_BYTES)
    time.sleep(0.02)
    assert body.taken == kept * BLOCK_BYTES
    ahead.close()


def test_what_the_body_raises_comes_after_what_it_gave() -> None:
    ahead = ReadAhead(Body(b"abc", ZeroDivisionError()))

    assert ahead.read(10) == b"abc"
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            ahead.read(10)


def test_a_connection_that_breaks_off_is_an_error_of_storage() -> None:
    from botocore.exceptions import ResponseStreamingError

    stored = StoredObject("b", "k", None, "e", 2 * BLOCK_BYTES)
    error = ResponseStreamingError(error="reset")
    reader = ObjectReader(stored, ReadAhead(Body(bytes(BLOCK_BYTES + 1), error)))

    assert len(reader.read(BLOCK_BYTES)) == BLOCK_BYTES
    with pytest.raises(StorageUnavailableError, match="s3://b/k"):
        reader.read(BLOCK_BYTES)


@pytest.mark.parametrize("size", [0, 3, 100 * BLOCK_BYTES])
def test_closing_ends_the_thread_and_closes_the_body(size: int) -> None:
    body = Body(bytes(size))
    ahead = ReadAhead(body)
    ahead.read(1)

    ahead.close()

    assert body.was_closed.wait(SECONDS)
    assert body.taken <= 11 * BLOCK_BYTES
    assert until(lambda: ahead._thread is not None and not ahead._thread.is_alive())


def test_closing_does_not_wait_for_a_request_under_way() -> None:
    # GIVEN a body that gives nothing for a long time
    answered = Event()

    class Silent(Body):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.taken:
                answered.wait(SECONDS)
            return super().read(size)

    body = Silent(bytes(2 * BLOCK_BYTES))
    ahead = ReadAhead(body)
    ahead.read(1)

    # WHEN
    began = time.monotonic()
    ahead.close()

    # THEN
    assert time.monotonic() - began < SECONDS / 2
    assert not body.was_closed.is_set()
    answered.set()
    assert body.was_closed.wait(SECONDS)


@pytest.mark.parametrize("read", [0, 1])
def test_closing_lets_go_of_a_reader_in_another_thread(read: int) -> None:
    # GIVEN a reader that waits for what is still to come, and a body that gives it after the end
    answered = Event()

    class Silent(Body):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.taken >= read * BLOCK_BYTES:
                answered.wait(SECONDS)
            return super().read(size)

    ahead = ReadAhead(Silent(bytes(read * BLOCK_BYTES)))
    refused: list[ValueError] = []

    def read_all() -> None:
        try:
            ahead.read()
        except ValueError as error:
            refused.append(error)

    reader = Thread(target=read_all, daemon=True)
    reader.start()
    assert until(lambda: ahead._thread is not None and not ahead._rest)

    # WHEN
    ahead.close()

    # THEN it has not taken a part for the whole
    reader.join(SECONDS / 2)
    assert not reader.is_alive()
    assert len(refused) == 1
    answered.set()


def test_what_goes_wrong_in_closing_is_told_at_the_end() -> None:
    class Stuck(Body):
        def close(self) -> None:
            raise OSError("stuck")

    ahead = ReadAhead(Stuck(b"abc"))

    assert ahead.read(3) == b"abc"
    with pytest.raises(OSError, match="stuck"):
        ahead.read(1)


def test_a_part_is_not_taken_for_all() -> None:
    ahead = ReadAhead(Body(bytes(BLOCK_BYTES), StorageUnavailableError("gone")))

    with pytest.raises(StorageUnavailableError):
        ahead.read()


def test_a_body_that_nobody_reads_is_closed_without_a_thread() -> None:
    body = Body(b"abc")
    ahead = ReadAhead(body)

    ahead.close()

    assert body.was_closed.is_set()
    assert body.taken == 0


def test_fetching_goes_on_while_the_reader_works() -> None:
    # GIVEN a body and a reader that take 10 ms for each of 20 blocks
    class Slow(Body):
        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(0.01)
            return super().read(size)

    ahead = ReadAhead(Slow(bytes(20 * BLOCK_BYTES)))
    waited = 0.0

    # WHEN
    for _ in range(20):
        began = time.monotonic()
        assert len(ahead.read(BLOCK_BYTES)) == BLOCK_BYTES
        waited += time.monotonic() - began
        time.sleep(0.01)

    # THEN it has waited for less than the half of the body's 0.2 seconds
    assert waited < 0.1
