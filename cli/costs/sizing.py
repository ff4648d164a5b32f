"""Whether a stage's function has the right memory size, by the most that it held.

Memory is bought for processors here. Lambda gives a function processors in proportion to its
memory, a whole one at 1,769 MB ("Configure Lambda function memory", AWS Lambda Developer Guide). A
stage that computes takes as many times longer as its share is smaller, for the same GB-seconds. So
a smaller size is cheaper only for the time in which a stage waits, and a larger one than a whole
processor only pays if the stage has work for the second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

WHOLE_CPU_MB: Final = 1769
TIGHT_SHARE: Final = 0.8
"""Of the memory size; at 0.92 a stage is stopped (`pipeline/guard.py`)."""
ROOM: Final = 1.3
"""A size is proposed with this much more than the peak."""
STEP_MB: Final = 64
LEAST_MB: Final = 128

KEEP, RAISE, TRY = "keep", "raise", "try"


@dataclass(frozen=True)
class Hint:
    """What to do about a memory size: `keep` it, `raise` it, or `try` the one that is named."""

    advice: str
    memory_mb: int
    reason: str


def sizing_hint(*, peak_mb: int, memory_mb: int) -> Hint | None:
    """Return the hint for a function of a size whose stage held `peak_mb` at most.

    None if one of the two is not known (0).
    """
    if not peak_mb or not memory_mb:
        return None
    said = f"peak {peak_mb:,} MB of {memory_mb:,} MB"
    enough = roomy(peak_mb)
    if peak_mb > TIGHT_SHARE * memory_mb:
        return Hint(RAISE, enough, f"{said}: little room is left; {enough:,} MB leaves some")
    least = max(enough, WHOLE_CPU_MB)
    if memory_mb > least:
        return Hint(
            TRY,
            least,
            f"{said}: {memory_mb / WHOLE_CPU_MB:.1f} vCPU are paid for; {least:,} MB "
            f"({least / WHOLE_CPU_MB:.1f} vCPU) is cheaper unless the stage keeps the others busy",
        )
    return Hint(KEEP, memory_mb, f"{said}; {_smaller(memory_mb, enough)}")


def roomy(peak_mb: int) -> int:
    """Return the least memory size that leaves room above a peak."""
    return max(LEAST_MB, math.ceil(peak_mb * ROOM / STEP_MB) * STEP_MB)


def _smaller(memory_mb: int, enough: int) -> str:
    """What the least size that would do means for the stage's time."""
    if enough >= memory_mb:
        return "the size fits"
    slower = memory_mb / enough
    share = enough / WHOLE_CPU_MB
    return (
        f"the rest buys CPU: at {enough:,} MB ({share:.2f} vCPU) what computes takes {slower:.1f} "
        "times as long for the same money, and only waiting gets cheaper"
    )
