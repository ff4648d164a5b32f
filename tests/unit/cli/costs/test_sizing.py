from __future__ import annotations

import pytest

from cli.costs.sizing import KEEP, RAISE, TRY, roomy, sizing_hint


def test_memory_that_is_not_held_is_kept_because_it_buys_cpu() -> None:
    # GIVEN a stage that holds 240 MB of the least size with a whole processor
    hint = sizing_hint(peak_mb=240, memory_mb=1769)
    # THEN the size that would hold it (312 MB, in steps of 64) is told with what it means:
    # 320 / 1769 = 0.18 of a processor, 5.5 times the time
    assert hint is not None
    assert (hint.advice, hint.memory_mb) == (KEEP, 1769)
    assert "at 320 MB (0.18 vCPU)" in hint.reason
    assert "5.5 times as long for the same money" in hint.reason


def test_a_peak_near_the_limit_is_told() -> None:
    hint = sizing_hint(peak_mb=1_500, memory_mb=1_769)

    assert hint is not None
    assert (hint.advice, hint.memory_mb) == (RAISE, 1_984)


def test_a_second_processor_that_memory_does_not_need_is_told() -> None:
    hint = sizing_hint(peak_mb=300, memory_mb=3_538)

    assert hint is not None
    assert (hint.advice, hint.memory_mb) == (TRY, 1_769)
    assert "2.0 vCPU are paid for" in hint.reason


def test_memory_beyond_a_processor_is_kept_if_the_peak_needs_it() -> None:
    hint = sizing_hint(peak_mb=2_000, memory_mb=2_624)

    assert hint is not None
    assert hint.advice == KEEP
    assert "the size fits" in hint.reason


@pytest.mark.parametrize(("peak_mb", "memory_mb"), [(0, 1_769), (200, 0), (0, 0)])
def test_what_nobody_knows_makes_no_hint(peak_mb: int, memory_mb: int) -> None:
    assert sizing_hint(peak_mb=peak_mb, memory_mb=memory_mb) is None


@pytest.mark.parametrize(("peak_mb", "size"), [(1, 128), (98, 128), (99, 192), (1_000, 1_344)])
def test_room_is_left_in_steps(peak_mb: int, size: int) -> None:
    assert roomy(peak_mb) == size
