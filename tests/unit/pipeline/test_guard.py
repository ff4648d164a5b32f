from __future__ import annotations

import math
import mmap
import os
import subprocess
import sys
import timeit
from dataclasses import dataclass, field
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import guard as module
from pipeline.errors import CapacityError, MemoryLimitError, TimeLimitError
from pipeline.guard import (
    ResourceGuard,
    is_out_of_memory,
    memory_limit_error,
    release_memory,
    resident_bytes,
)

MB = 1024 * 1024


@dataclass
class Machine:
    """A clock, and a process whose memory is what the test says."""

    now: float = 1000.0
    held_mb: float = 0.0
    unused_mb: float = 0.0
    releases: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def resident(self) -> int:
        return round((self.held_mb + self.unused_mb) * MB)

    def release(self) -> None:
        self.releases.append(self.unused_mb)
        self.unused_mb = 0.0

    def guard(self, *, remaining_s: float | None = None, memory_mb: int | None = None):  # type: ignore[no-untyped-def]
        return ResourceGuard(
            remaining_s=remaining_s,
            memory_mb=memory_mb,
            clock=self.clock,
            resident=self.resident,
            release=self.release,
        )


# timeout, seconds that must be left: ten, or a tenth where that is less
@pytest.mark.parametrize(
    ("timeout", "margin"), [(900, 10), (300, 10), (100, 10), (60, 6), (3, 0.3)]
)
def test_a_stage_stops_a_margin_before_its_timeout(timeout: float, margin: float) -> None:
    machine = Machine()
    guard = machine.guard(remaining_s=timeout)

    machine.now += timeout - margin - 0.01
    guard.check("after 1 row")

    machine.now += 0.02
    with pytest.raises(TimeLimitError):
        guard.check("after 2 rows")


def test_a_slow_stage_says_how_far_it_came_and_what_to_do() -> None:
    machine = Machine()
    guard = machine.guard(remaining_s=299.998)
    machine.now += 291.5

    with pytest.raises(TimeLimitError) as raised:
        guard.check("after 1,234,567 rows")

    assert str(raised.value) == (
        "The stage stopped after 1,234,567 rows: 8.5 s were left of its timeout of 300 s. "
        "Deploy with a larger `--context timeout_s=600`, or split the file."
    )
    assert raised.value.status_code == 500


def test_a_large_stage_says_how_far_it_came_and_what_to_do() -> None:
    machine = Machine(held_mb=1700)

    with pytest.raises(MemoryLimitError) as raised:
        machine.guard(memory_mb=1769).check("after 1,234,567 rows")

    assert str(raised.value) == (
        "The stage stopped after 1,234,567 rows: it held 1,700 MB of its memory size of 1,769 MB. "
        "Deploy with a larger `--context memory_mb=3538`, or split the file."
    )


def test_where_lambda_has_nothing_larger_only_the_file_can_be_smaller() -> None:
    machine = Machine(held_mb=10_000)
    guard = machine.guard(remaining_s=900, memory_mb=10_240)

    with pytest.raises(MemoryLimitError, match=r"10240\): split the file\.$"):
        guard.check("at once")
    machine.now += 895
    with pytest.raises(TimeLimitError, match=r"900\): split the file\.$"):
        guard.check("at once")


@pytest.mark.parametrize(("size", "larger"), [(1769, 3538), (8000, 10_240)])
def test_the_size_to_try_is_one_that_lambda_has(size: int, larger: int) -> None:
    with pytest.raises(MemoryLimitError, match=f"memory_mb={larger}`"):
        Machine(held_mb=size).guard(memory_mb=size).check("at once")


def test_the_threshold_is_a_share_of_the_memory_size() -> None:
    machine = Machine(held_mb=919.9)
    guard = machine.guard(memory_mb=1000)

    guard.check("just below 92 %")
    assert machine.releases == []

    machine.held_mb = 920.1
    with pytest.raises(MemoryLimitError):
        guard.check("just above")
    assert len(machine.releases) == 1


def test_memory_that_is_not_used_is_given_back_before_anything_is_said() -> None:
    machine = Machine(held_mb=500, unused_mb=450)

    machine.guard(memory_mb=1000).check("after 1 row")

    assert machine.releases == [450]


def test_a_stage_that_falls_far_below_may_give_back_as_often_as_it_likes() -> None:
    machine = Machine(held_mb=500)
    guard = machine.guard(memory_mb=1000)

    for _ in range(5):
        machine.unused_mb = 450
        guard.check("on and on")

    assert len(machine.releases) == 5


def test_a_stage_that_stays_close_to_the_threshold_gives_back_once() -> None:
    machine = Machine(held_mb=910, unused_mb=20)
    guard = machine.guard(memory_mb=1000)

    for _ in range(100):
        guard.check("on and on")
    assert machine.releases == [20]

    machine.unused_mb = 20
    with pytest.raises(MemoryLimitError):
        guard.check("and up again")
    assert machine.releases == [20]


@given(st.lists(st.tuples(st.integers(0, 1100), st.integers(0, 300)), max_size=30))
def test_whatever_memory_does_no_stage_goes_on_above_the_threshold(
    steps: list[tuple[int, int]],
) -> None:
    machine = Machine()
    guard = machine.guard(memory_mb=1000)
    for held, unused in steps:
        machine.held_mb, machine.unused_mb = held, unused
        tries = len(machine.releases)
        try:
            guard.check("so far")
        except MemoryLimitError:
            assert held + unused > 920
            assert held > 920 or len(machine.releases) == tries
        else:
            assert machine.held_mb + machine.unused_mb <= 920


def test_without_limits_nothing_is_ever_said() -> None:
    machine = Machine(held_mb=1e9)
    guard = machine.guard()
    machine.now = 1e12

    guard.check("for ever")

    assert machine.releases == []


def test_a_system_that_does_not_tell_its_memory_is_not_checked() -> None:
    ResourceGuard(memory_mb=1, resident=lambda: None).check("after 1 row")


def test_the_limits_are_those_of_the_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([60_000])
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: next(left))

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
    guard = ResourceGuard.of_function(context)
    assert (guard._timeout_s, guard._memory_mb) == (60, 1769)

    monkeypatch.setattr(module.time, "monotonic", lambda: math.inf)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1")
    small = ResourceGuard.of_function(None)
    with pytest.raises(MemoryLimitError, match="memory size of 1 MB"):
        small.check("at once")


@pytest.mark.parametrize("declared", ["", "0", "much"])
def test_without_a_memory_size_there_is_no_memory_limit(
    monkeypatch: pytest.MonkeyPatch, declared: str
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", declared)

    assert module.function_memory_mb() is None
    ResourceGuard.of_function(object()).check("at once")


def test_the_memory_of_this_process_is_known() -> None:
    before = resident_bytes()
    assert before is not None
    with mmap.mmap(-1, 32 * MB) as ballast:  # the allocator may have that much left over
        for _ in range(32):  # not as one value, whose memory the allocator may keep besides
            ballast.write(os.urandom(MB))
        held = resident_bytes()

    assert held is not None
    assert 24 * MB < held - before < 48 * MB


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_process_knows_its_own_memory() -> None:
    code = (
        "import os, pipeline.guard as g\n"
        "g.resident_bytes()\n"
        "if os.fork() == 0:\n"
        "    ballast = b'x' * 50_000_000\n"
        "    os._exit(0 if g.resident_bytes() > 50_000_000 else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_system_without_proc_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STATM", "/no/such/file")
    module._statm.cache_clear()
    try:
        assert resident_bytes() is None
    finally:
        module._statm.cache_clear()


def test_arrow_gives_back_what_it_does_not_use() -> None:
    before = pa.default_memory_pool().bytes_allocated()
    pa.allocate_buffer(64 * MB)
    release_memory()

    assert pa.default_memory_pool().bytes_allocated() < before + 64 * MB


def test_the_guard_imports_no_large_package() -> None:
    code = (
        "import sys, pipeline.guard as g\n"
        "g.release_memory()\n"
        "assert not g.is_out_of_memory(ValueError())\n"
        "raise SystemExit(not {'pyarrow', 'duckdb'}.isdisjoint(sys.modules))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_look_takes_microseconds() -> None:
    guard = ResourceGuard(remaining_s=300, memory_mb=1_000_000)

    taken = min(timeit.repeat(lambda: guard.check("so far"), number=1000, repeat=7)) / 1000

    assert taken < 50e-6  # it is 3 µs here; a batch takes thousands


def arrow_memory_error() -> MemoryError:
    with pytest.raises(pa.ArrowMemoryError) as raised:
        pa.allocate_buffer(1 << 62)
    return raised.value


@pytest.mark.parametrize("error", [MemoryError(), arrow_memory_error()])
def test_memory_errors_become_ours(error: MemoryError, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")

    ours = memory_limit_error(error, "after 7 rows")

    assert isinstance(ours, CapacityError)
    assert str(ours).startswith("The stage ran out of memory after 7 rows")
    assert str(error) in str(ours)
    assert str(ours).endswith(
        "its memory size is 1,769 MB. Deploy with a larger `--context memory_mb=3538`, or split "
        "the file."
    )


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (MemoryError(), True),
        (arrow_memory_error(), True),
        (duckdb.OutOfMemoryException("out of memory"), True),
        (duckdb.BinderException("no such column"), False),
        (pa.ArrowInvalid("no number"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error: BaseException, meant: bool) -> None:
    assert is_out_of_memory(error) is meant


def test_outside_lambda_a_memory_error_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)

    assert str(memory_limit_error(MemoryError(), "at once")) == (
        "The stage ran out of memory at once. "
        "Deploy with a larger `--context memory_mb=...`, or split the file."
    )
