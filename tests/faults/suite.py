"""What a scenario is, and how all of them are run."""

from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.faults.audit import Seen, lost_or_torn, seen_of
from tests.faults.outputs import Listing, listing_of
from tests.faults.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.lab import Lab

OK: Final = "SUCCEEDED_WITH_REJECTS"
"""Outcome of a file in which every fate is met."""
ONE_EACH: Final = "1 1 1 1 1"
AT_ONCE: Final = 4
"""Scenarios under way together: each keeps to keys of its own."""


@dataclass(frozen=True)
class Scenario:
    """A fault, and all that must come of it.

    Parameters
    ----------
    act
        Injects the fault and waits until all is over; asserts what is particular to it.
    alone
        No other scenario may be under way.
    disarms
        It takes the queue or the topic away, so everything else must have been looked at before.
    alike
        Its executions race, so only the set of endings and the most attempts are told.
    """

    name: str
    fault: str
    where: str
    must: str
    expected: Seen
    act: Callable[[Trial], None]
    alone: bool = False
    disarms: bool = False
    alike: bool = False


SCENARIOS: Final[list[Scenario]] = []


def scenario(
    fault: str, where: str, must: str, expected: Seen, **more: bool
) -> Callable[[Callable[[Trial], None]], Callable[[Trial], None]]:
    """Return the decorator that enters a function into the list of scenarios."""

    def enter(act: Callable[[Trial], None]) -> Callable[[Trial], None]:
        SCENARIOS.append(Scenario(act.__name__, fault, where, must, expected, act, **more))
        return act

    return enter


@dataclass
class Result:
    """A scenario that has been run: what was seen, and what was wrong (nothing, if empty)."""

    scenario: Scenario
    seen: Seen
    problems: list[str]


def results(lab: Lab, scenarios: Sequence[Scenario]) -> list[Result]:
    """Run scenarios and return their results, in the order given."""
    found: dict[str, Result] = {}
    together = [item for item in scenarios if not item.alone and not item.disarms]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        trials = dict(
            zip(together, pool.map(lambda item: _tried(lab, item), together), strict=True)
        )
    trials |= {item: _tried(lab, item) for item in scenarios if item.alone}
    listing = listing_of(lab)
    for item, trial in trials.items():
        found[item.name] = _result(item, *trial, listing)
    for item in scenarios:
        if item.disarms:
            found[item.name] = _result(item, *_tried(lab, item), None)
    return [found[item.name] for item in scenarios]


def _tried(lab: Lab, item: Scenario) -> tuple[Trial, list[str]]:
    trial = Trial(item.name, lab)
    try:
        item.act(trial)
    except Exception:  # a scenario that fails must not keep the others from running
        return trial, [traceback.format_exc()]
    finally:
        trial.close()
    return trial, []


def _result(item: Scenario, trial: Trial, problems: list[str], listing: Listing | None) -> Result:
    """Audit a trial; without a listing, its files are not looked at."""
    seen = seen_of(trial, alike=item.alike)
    if seen != item.expected:
        problems = [*problems, f"expected {item.expected}\nseen     {seen}"]
    if listing is not None:
        problems = [*problems, *lost_or_torn(trial, listing)]
    return Result(item, seen, problems)
