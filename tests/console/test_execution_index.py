from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from console.reading import executions as reading
from console.reading.executions import ExecutionIndex
from tests.console.conftest import over
from tests.console.service import (
    NOW,
    Service,
    end_of_history,
    execution,
    executions,
    failed,
    succeeded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.reading.executions import Listed


@pytest.fixture(autouse=True)
def _stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No index works longer than a moment after its test."""
    monkeypatch.setattr(reading, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(reading, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(reading, "PACE_SECONDS", 0.0)
    yield


def index_over(service: Service) -> ExecutionIndex:
    return ExecutionIndex(over(service))


def read(service: Service) -> list[Listed]:
    """What an index shows after one round."""
    index = index_over(service)
    index.refresh()
    return index.listed()


def test_who_asks_first_is_told_what_a_small_cloud_has() -> None:
    service = Service()
    service.add(succeeded("one", rejected=2))

    [one] = index_over(service).listed()

    assert (one.status, one.group, one.dataset) == ("SUCCEEDED_WITH_REJECTS", "rejects", "flights")
    assert (one.rows["read"], one.rows["written"], one.rows["rejected"]) == (1000, 998, 2)
    assert (one.cost_usd, one.seconds, one.error) == (0.00042, 30.0, None)


def test_the_latest_start_comes_first_whatever_the_order_of_the_listing() -> None:
    service = Service()
    for name, started in (("second", 20), ("third", 30), ("first", 10)):
        service.add(succeeded(name, started=started))

    assert [one.name for one in read(service)] == ["first", "second", "third"]


def test_what_has_ended_is_described_once() -> None:
    service = executions(30)
    index = index_over(service)

    for _ in range(3):
        index.refresh()

    assert service.asked["describe"] == 30
    assert index.progress == reading.Progress(found=30, described=30, error=None)


def test_a_running_execution_that_has_ended_is_described_anew() -> None:
    # GIVEN one that runs
    service = Service()
    service.add(execution("one", "RUNNING"))
    index = index_over(service)
    index.refresh()
    assert [one.group for one in index.listed()] == ["running"]

    # WHEN it ends
    service.executions[0] |= succeeded("one", rejected=1)
    index.refresh()

    # THEN the list has its result
    [one] = index.listed()
    assert (one.status, one.rows["rejected"]) == ("SUCCEEDED_WITH_REJECTS", 1)


def test_a_failed_execution_that_is_redriven_runs_again() -> None:
    service = Service()
    service.add(failed("one", "BadError", "Bad."), *end_of_history("BadError", "Bad.", {}))
    index = index_over(service)
    index.refresh()

    del service.executions[0]["stopDate"]
    service.executions[0] |= {"status": "RUNNING", "redriveCount": 1}
    index.refresh()

    [one] = index.listed()
    assert (one.is_running, one.error, one.stopped) == (True, None, None)


def test_one_that_runs_beyond_what_is_listed_is_not_left_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN pages of two, and a running execution on the last of them
    monkeypatch.setattr(reading, "LISTED", 2)
    service = executions(5)
    service.executions.append(execution("old", "RUNNING", started=99))
    service.histories[service.executions[-1]["executionArn"]] = []
    index = index_over(service)
    index.refresh()

    # WHEN it ends, and a round lists but the first page
    service.executions[-1] |= succeeded("old", started=99)
    before = service.asked["list"]
    index.refresh()

    # THEN it has ended in the list, too
    assert service.asked["list"] == before + 1
    assert [one.name for one in index.listed() if one.is_running] == ["run-0000"]


def test_the_error_and_rows_of_a_failed_one_are_those_of_its_last_state() -> None:
    service = Service()
    message = "Dataset flights, file s3://in/input/flights/f: g.csv: 7 of 10 rows are bad."
    rows = {"read": 10, "written": 0, "rejected": 7}
    service.add(
        failed("one", "TooManyRejectsError", message, key="input/flights/f: g.csv"),
        *end_of_history("TooManyRejectsError", message, rows),
    )

    [one] = read(service)

    assert (one.error, one.message) == ("TooManyRejectsError", "7 of 10 rows are bad.")
    assert (one.rows["read"], one.rows["rejected"], one.has_counts) == (10, 7, True)


def test_rows_that_another_run_has_counted_are_not_those_of_one_that_did_nothing() -> None:
    service = Service()
    rows = {"read": 10, "written": 10}
    run = {"run_id": "1", "stages": [], "outcome": "ALREADY_PROCESSED", "rows": rows}
    service.add(execution("one", "SUCCEEDED", output=json.dumps(run)))

    [one] = read(service)

    assert (one.status, one.has_counts) == ("ALREADY_PROCESSED", False)


def test_what_the_platform_ends_is_named_after_how_it_ended() -> None:
    service = Service()
    service.add(execution("one", "TIMED_OUT"), {"type": "ExecutionTimedOut", "timestamp": NOW})

    [one] = read(service)

    assert (one.error, one.group, one.has_counts) == ("TIMED_OUT", "failed", False)


@pytest.mark.parametrize(
    "odd",
    [
        {"output": '{"rows": {"read": "many"}, "stages": []}'},
        {"output": '{"rows": [], "stages": 3}'},
        {"output": '{"rows": {}, "stages": [], "cost": "free"}'},
        {"output": "no JSON"},
        {"input": "null"},
        {"input": "[1]"},
        {"input": '{"detail": {"bucket": "in", "object": []}}'},
        {"input": json.dumps({"detail": {"object": {"key": "<script>\n" + "x" * 9999}}})},
    ],
    ids=str,
)
def test_an_odd_execution_hides_no_other(odd: dict[str, Any]) -> None:
    service = Service()
    service.add(succeeded("good", started=2))
    service.add(succeeded("odd", started=1) | odd)

    index = index_over(service)
    index.refresh()

    assert [one.name for one in index.listed()] == ["odd", "good"]
    assert index.progress.is_complete


def test_throttling_ends_a_round_and_the_next_goes_on_where_it_ended() -> None:
    # GIVEN an account that answers three questions
    service = executions(9)
    service.refusing, service.answers_before_refusing = "ThrottlingException", 3
    index = index_over(service)
    index.refresh()

    # THEN the list has all of them, the latest described, and says why not more
    progress = index.progress
    assert (progress.found, progress.described) == (9, 3)
    assert "ThrottlingException" in str(progress.error)

    # WHEN it answers again
    service.refusing = None
    index.refresh()

    # THEN what is missing is asked for, and nothing twice
    assert index.progress == reading.Progress(found=9, described=9, error=None)
    assert service.asked["describe"] == 3 + 1 + 6


@pytest.mark.parametrize(
    ("code", "is_lost"), [("ThrottlingException", False), ("ExpiredTokenException", True)]
)
def test_other_credentials_are_needed_only_where_these_have_ended(code: str, is_lost: bool) -> None:
    service = executions(2)
    service.refusing = code
    index = index_over(service)

    index.refresh()

    assert index.progress.is_lost is is_lost


def test_a_cloud_that_does_not_answer_is_lost() -> None:
    class Gone(Service):
        def paginate(self, **_asked: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    index = index_over(Gone())
    index.refresh()

    assert index.progress.is_lost
    assert "pipeline up" in str(index.progress.error)


def test_an_execution_that_is_forgotten_meanwhile_leaves_the_list() -> None:
    service = Service()
    service.add(succeeded("one"))
    service.refusing = "ExecutionDoesNotExist"

    assert read(service) == []


def test_one_that_alone_is_refused_stays_listed_with_the_reason() -> None:
    service = Service()
    service.add(succeeded("one"))
    service.refusing = "KmsAccessDeniedException"

    [one] = read(service)

    assert "KmsAccessDeniedException" in str(one.message)
    assert not one.has_counts


def test_a_fault_of_our_own_is_told_and_ends_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    service = Service()
    service.add(succeeded("one"))
    del service.executions[0]["startDate"]
    index = index_over(service)

    index.refresh()

    assert "cannot be read" in str(index.progress.error)
    capfd.readouterr()


def test_it_works_only_while_somebody_asks() -> None:
    service = executions(3)
    index = index_over(service)
    index.listed()

    time.sleep(0.6)
    idle = service.asked["list"]
    time.sleep(0.2)
    assert service.asked["list"] == idle

    service.add(succeeded("new", started=-1))
    assert index.listed()[0].name == "new"


def test_other_clients_go_on_with_what_is_known() -> None:
    before, after = executions(4), executions(5)
    index = index_over(before)
    index.refresh()

    index.use(over(after))
    index.refresh()

    assert len(index.listed()) == 5
    assert after.asked["describe"] == 1


def test_how_long_one_has_run_is_never_less_than_nothing() -> None:
    service = Service()
    service.add(execution("one", "RUNNING"))
    [one] = read(service)

    assert one.seconds_until(NOW + timedelta(minutes=2)) == 120
    assert one.seconds_until(NOW - timedelta(minutes=2)) == 0
