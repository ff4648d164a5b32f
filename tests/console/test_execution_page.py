from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.conftest import over
from tests.console.history_service import HistoryService, Told, cause, failed_twice
from tests.console.service import execution, failed, succeeded

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.console.conftest import OpenConsole


def validated() -> list[dict[str, Any]]:
    """Validate has taken 10 rows and let 8 through; then nothing was left to do."""
    report = {"stage": "validate", "rows_in": 10, "rows_out": 8}
    told = Told()
    told.add("TaskStateEntered", 0, name="Validate", input="{}")
    told.add("TaskScheduled", 0)
    told.add("TaskSucceeded", 2, output=json.dumps({"rows": {"read": 10}, "stages": [report]}))
    told.add("TaskStateExited", 2, name="Validate", output="{}")
    told.add("ChoiceStateEntered", 2, name="IsThereWork", input="{}")
    told.add("ChoiceStateExited", 2, name="IsThereWork", output="{}")
    told.add("SucceedStateEntered", 2, name="Succeeded", input="{}")
    told.add("SucceedStateExited", 2, name="Succeeded", output="{}")
    return told.events


@pytest.fixture
def service() -> HistoryService:
    service = HistoryService()
    service.add(succeeded("good"), *validated())
    service.add(failed("bad", "StorageUnavailableError", "It said no."), *failed_twice())
    return service


@pytest.fixture
def console(service: HistoryService, open_console: OpenConsole) -> TestClient:
    return open_console(over(service))


def graph_of(page: str) -> dict[str, Any]:
    found = re.search(r'data-graph="([^"]*)"', page)
    assert found
    graph: dict[str, Any] = json.loads(html.unescape(found[1]))
    return graph


def node(graph: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in graph["nodes"] if each["name"] == name)


def text_of(page: str) -> str:
    """What a person reads: no tags, and no more spaces than needed."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_a_failed_execution_opens_with_the_state_that_failed(console: TestClient) -> None:
    text = text_of(console.get("/executions/bad").text)
    fault = "(500: the fault of the platform or the pipeline)"
    assert f"Validate Task StorageUnavailableError {fault}" in text
    assert "S3 <b>does not</b> answer." in text


def test_an_error_is_told_once_and_without_the_file_that_stands_above_it(
    service: HistoryService, console: TestClient
) -> None:
    said = "Dataset flights, file s3://in/input/flights/empty.csv: The file is empty."
    told = Told()
    told.add("TaskStateEntered", 0, name="Validate", input="{}")
    told.add("TaskScheduled", 0)
    told.add("TaskFailed", 1, error="EmptyFileError", cause=cause(said))
    told.add("TaskStateExited", 1, name="Validate", output="{}")
    failure = {"stage": "validate", "error": "EmptyFileError", "message": said, "status_code": 400}
    told.add("FailStateEntered", 1, name="Failed", input=json.dumps({"failure": failure}))
    service.add(failed("empty", "EmptyFileError", said), *told.events)
    page = console.get("/executions/empty").text
    text = text_of(page)
    error = "EmptyFileError in validate (400: the fault of the data or its definition)"
    assert f"{error} The file is empty. What to do:" in text
    assert "What it said stands at the top" in text
    assert 'class="cause"' not in page


def test_what_an_error_says_is_no_markup(console: TestClient) -> None:
    assert "<b>does not</b>" not in console.get("/executions/bad").text


def test_attempts_have_their_durations_and_the_pause_between_them(console: TestClient) -> None:
    text = text_of(console.get("/executions/bad").text)
    assert "1 StorageUnavailableError 1.00 s" in text
    assert "2 StorageUnavailableError 3.00 s 2.00 s" in text


def test_our_frames_stand_out_from_those_of_libraries(console: TestClient) -> None:
    page = console.get("/executions/bad").text
    # The last call comes first: it is what failed.
    library, ours = re.findall(r'<li class="(ours|library)">(.*?)</li>', page)
    assert ours[0] == "ours"
    assert text_of(ours[1]) == (
        "functions/validate/handler.py:42 lambda_handler uploaded = open_object("
    )
    assert library[0] == "library"
    assert "botocore/client.py:1" in library[1]


def test_the_graph_counts_retries_and_shows_the_way_that_was_taken(console: TestClient) -> None:
    graph = graph_of(console.get("/executions/bad").text)
    failing = node(graph, "Validate")
    assert (failing["status"], failing["retries"], failing["selected"]) == ("caught", 1, True)
    assert failing["label"] == "Validate, failed, caught after 1 retry, 6.00 s"
    taken = [(edge["from"], edge["to"], edge["kind"]) for edge in graph["edges"] if edge["taken"]]
    assert taken == [("Validate", "Failed", "catch")]


def test_states_that_only_a_failure_leads_to_are_left_out_until_asked_for(
    console: TestClient,
) -> None:
    usual = {each["name"] for each in graph_of(console.get("/executions/good").text)["nodes"]}
    assert usual == {"Validate", "IsThereWork", "Clean", "Succeeded"}
    whole = graph_of(console.get("/executions/good?graph=all").text)
    assert {each["name"] for each in whole["nodes"]} == usual | {"Failed"}


def test_a_choice_tells_which_way_was_taken(console: TestClient) -> None:
    text = text_of(console.get("/executions/good?state=IsThereWork").text)
    assert "$.rows > 0 → Clean taken: otherwise → Succeeded" in text


def test_the_table_has_every_state_with_its_rows(console: TestClient) -> None:
    text = text_of(console.get("/executions/good").text)
    assert "Validate ✓ succeeded 2.00 10 8 1" in text


def test_a_state_that_was_not_visited_says_so(console: TestClient) -> None:
    assert "This state was not visited." in console.get("/executions/good?state=Clean").text


def test_nobody_polls_what_has_ended(console: TestClient) -> None:
    assert 'hx-trigger="every' not in console.get("/executions/bad").text


def test_what_runs_is_polled_and_drawn_as_far_as_it_came(
    service: HistoryService, console: TestClient
) -> None:
    service.add(execution("now", "RUNNING"), *validated()[:2])
    page = console.get("/executions/now").text
    assert page.count('hx-trigger="every 2s"') == 1
    assert node(graph_of(page), "Validate")["status"] == "running"


def test_books_are_no_equation_while_rows_are_on_their_way(
    service: HistoryService, console: TestClient
) -> None:
    service.add(execution("now", "RUNNING"), *validated()[:6])
    text = text_of(console.get("/executions/now").text)
    assert "10 rows read so far" in text
    assert "0 written" not in text


def test_the_head_of_another_page_keeps_itself_up_to_date(
    service: HistoryService, console: TestClient
) -> None:
    service.add(execution("now", "RUNNING"), *validated()[:2])
    assert 'hx-select="#execution-head"' in console.get("/executions/now/events").text
    assert 'hx-select="#execution-head"' not in console.get("/executions/bad/events").text


def test_an_ended_execution_is_read_once(service: HistoryService, console: TestClient) -> None:
    console.get("/executions/bad")
    console.get("/executions/bad?state=Failed")
    assert service.asked["history"] == 1


def test_an_execution_that_was_redriven_is_read_again(
    service: HistoryService, console: TestClient
) -> None:
    console.get("/executions/bad")
    service.executions[0] |= {"status": "RUNNING"}
    service.executions[0].pop("stopDate")
    assert 'hx-trigger="every 2s"' in console.get("/executions/bad").text


def test_without_the_definition_the_states_are_still_there(
    service: HistoryService, console: TestClient
) -> None:
    service.definition = None
    page = console.get("/executions/good").text
    assert "definition cannot be read" in page
    assert "Validate ✓ succeeded" in text_of(page)


def test_an_execution_that_has_not_begun_a_state(
    service: HistoryService, console: TestClient
) -> None:
    service.add(execution("empty", "RUNNING"))
    assert "No state has begun yet." in console.get("/executions/empty").text


@pytest.mark.parametrize(
    "asked",
    [
        "state=%3Cscript%3E",
        "state=Validate&visit=9&attempt=99999999999999",
        "attempt=x&visit=-1&state=" + "n" * 1000,
        "graph=none",
        "state=",
    ],
)
def test_whatever_is_asked_there_is_a_page(console: TestClient, asked: str) -> None:
    answer = console.get(f"/executions/bad?{asked}")
    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_a_huge_input_is_cut_and_says_so(service: HistoryService, console: TestClient) -> None:
    events = validated()
    events[0]["stateEnteredEventDetails"]["input"] = json.dumps({"long": "x" * 250_000})
    service.add(succeeded("huge"), *events)
    page = console.get("/executions/huge?state=Validate").text
    assert "The first 100,000 of 250,016 characters." in text_of(page)
    assert len(page) < 200_000


def test_an_unknown_execution_is_not_found(console: TestClient) -> None:
    assert console.get("/executions/none").status_code == 404


def test_events_are_searched_in_type_state_and_details(console: TestClient) -> None:
    text = text_of(console.get("/executions/bad/events?q=validate").text)
    assert "6 of 9 events" in text
    assert "No event has “nowhere”" in text_of(console.get("/executions/bad/events?q=nowhere").text)


def test_a_long_history_comes_in_pages(service: HistoryService, console: TestClient) -> None:
    told = Told()
    for number in range(25_000):
        told.add("PassStateEntered", number, name=f"State {number}", input="{}")
    service.add(succeeded("long"), *told.events)
    last = console.get("/executions/long/events?page=125").text
    assert "Page 125 of 125" in last
    assert "State 24999" in last
    assert "State 24799" not in last
    assert len(last) < 300_000


def test_one_event_can_be_looked_at_alone(console: TestClient) -> None:
    text = text_of(console.get("/executions/bad/events?event=4").text)
    assert "TaskFailed" in text
    assert "TaskScheduled" not in text
