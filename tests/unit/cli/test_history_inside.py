"""States inside a Map or Parallel state, as AWS tells of them: events name those before."""

from __future__ import annotations

from cli.history import followed, state_runs
from tests.console.history_service import Told, at


def mapped(*, second_fails: bool) -> Told:
    """A Map state over two items that run side by side: their events take turns."""
    told = Told()
    start = told.add("ExecutionStarted", 0, after=0)
    entered = told.add("MapStateEntered", 0, after=start, name="Each", input="[1, 2]")
    began = told.add("MapStateStarted", 0, after=entered, length=2)
    first = told.add("MapIterationStarted", 0, after=began, name="Each", index=0)
    second = told.add("MapIterationStarted", 0, after=began, name="Each", index=1)
    first = told.add("TaskStateEntered", 1, after=first, name="Work", input='"one"')
    second = told.add("TaskStateEntered", 1, after=second, name="Work", input='"two"')
    first = told.add("TaskScheduled", 1, after=first)
    second = told.add("TaskScheduled", 2, after=second)
    second = told.add("TaskFailed", 3, after=second, error="Slow", cause="It took long.")
    first = told.add("TaskSucceeded", 4, after=first, output='"done"')
    first = told.add("TaskStateExited", 4, after=first, name="Work", output='"done"')
    first = told.add("MapIterationSucceeded", 4, after=first, name="Each", index=0)
    if second_fails:
        second = told.add("MapIterationFailed", 5, after=second, name="Each", index=1)
        last = told.add("MapStateFailed", 5, after=second)
    else:
        second = told.add("TaskScheduled", 6, after=second)
        second = told.add("TaskSucceeded", 7, after=second, output='"late"')
        second = told.add("TaskStateExited", 7, after=second, name="Work", output='"late"')
        second = told.add("MapIterationSucceeded", 7, after=second, name="Each", index=1)
        last = told.add("MapStateSucceeded", 7, after=second)
    last = told.add("MapStateExited", 8, after=last, name="Each", output="[]")
    told.add("PassStateEntered", 8, after=last, name="After", input="{}")
    return told


def test_events_of_items_that_run_side_by_side_are_told_apart() -> None:
    each, one, two, after = state_runs(mapped(second_fails=False).events)
    assert (one.input, one.output, one.retries, one.exited) == ("one", "done", 0, at(4))
    assert (two.input, two.output, two.retries, two.exited) == ("two", "late", 1, at(7))
    assert (each.status, each.exited, len(each.attempts)) == ("succeeded", at(8), 1)
    assert (one.inside, two.inside, each.inside, after.inside) == (each, each, None, None)


def test_a_map_state_that_fails_ends_what_runs_in_it_and_may_be_caught() -> None:
    each, one, two, after = state_runs(mapped(second_fails=True).events)
    assert (one.status, two.status, each.status) == ("succeeded", "failed", "caught")
    assert (two.exited, each.exited) == (at(5), at(8))
    assert after.inside is None


def test_every_event_is_known_by_its_state() -> None:
    _, owners = followed(mapped(second_fails=False).events)
    assert {number: run.name for number, run in owners.items() if number in (2, 3, 5, 8, 17)} == {
        2: "Each",
        3: "Each",
        5: "Each",
        8: "Work",
        17: "Each",
    }


def test_branches_of_a_parallel_state_are_told_apart() -> None:
    told = Told()
    entered = told.add("ParallelStateEntered", 0, after=0, name="Both", input="{}")
    began = told.add("ParallelStateStarted", 0, after=entered)
    left = told.add("PassStateEntered", 1, after=began, name="Left", input="{}")
    right = told.add("WaitStateEntered", 1, after=began, name="Right", input="{}")
    left = told.add("PassStateExited", 2, after=left, name="Left", output="{}")
    left = told.add("PassStateEntered", 2, after=left, name="Further", input="{}")
    right = told.add("WaitStateExited", 3, after=right, name="Right", output="{}")
    left = told.add("PassStateExited", 4, after=left, name="Further", output="{}")
    last = told.add("ParallelStateSucceeded", 4, after=left)
    told.add("ParallelStateExited", 4, after=last, name="Both", output="{}")
    both, one, other, further = state_runs(told.events)
    assert (one.exited, other.exited, further.exited, both.exited) == (at(2), at(3), at(4), at(4))
    assert one.inside is other.inside is further.inside is both
    assert both.status == "succeeded"


def test_tasks_of_items_without_their_states_are_no_attempts_of_the_map_state() -> None:
    told = Told()
    told.add("MapStateEntered", 0, name="Each", input="[1, 2]")
    for second in (1, 2):
        told.add("TaskScheduled", second)
        told.add("TaskSucceeded", second, output="{}")
    told.add("MapStateExited", 3, name="Each", output="[]")
    (each,) = state_runs(told.events)
    assert (each.attempts, each.status, each.output) == ([], "succeeded", [])
