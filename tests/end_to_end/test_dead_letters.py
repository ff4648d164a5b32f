"""Failed runs: found, understood, replayed and given up by the command alone."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.cloud import Ended, waited_for
from tests.end_to_end.samples import flight, flights, output_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.cloud import Cloud


def listed(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """What `dead-letters list` says, by the key of the file."""
    said = cloud.cli("dead-letters", "list", "--json")
    assert said.returncode == 0, said.stderr
    return {entry["source"]["key"]: entry for entry in json.loads(said.stdout)}


def entry_of(cloud: Cloud, ended: Ended) -> dict[str, Any]:
    """Wait for an execution's letter; the entry as it is listed."""

    def look() -> dict[str, Any] | None:
        return next((e for e in listed(cloud).values() if e["id"] == ended.name), None)

    return waited_for(look, f"the letter of {ended.name}")


def replayed(cloud: Cloud, name: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and record of the replay of one entry."""
    ran = cloud.cli("dead-letters", "replay", name, *options, "--json")
    assert ran.stdout, ran.stderr
    [record] = json.loads(ran.stdout)
    return ran.returncode, record


@contextmanager
def broken(cloud: Cloud, stage: str) -> Iterator[None]:
    """A stack in which one stage's function does not find its settings."""
    client = cloud.client("lambda")
    names = [found["FunctionName"] for found in client.list_functions()["Functions"]]
    [name] = [name for name in names if stage.capitalize() in name]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    without = {key: value for key, value in variables.items() if key != "STAGING_BUCKET"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": without})
    try:
        yield
    finally:
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )


def test_a_run_goes_on_where_it_failed(cloud: Cloud) -> None:
    # GIVEN a run that failed in the third stage, and whose replay failed there, too
    key = "input/flights/resume.csv"
    with broken(cloud, "transform"):
        failed = cloud.run(key, flights(flight(1), flight(2, month="13"), flight(3)))
        entry = entry_of(cloud, failed)
        status, again = replayed(cloud, failed.name)
    assert failed.status == "FAILED"
    assert (entry["kind"], entry["stage"], entry["resumes_from"]) == (
        "failed",
        "transform",
        "transform",
    )
    assert (status, again["deleted"]) == (1, False)
    waited_for(lambda: listed(cloud)[key]["letters"] == 2 or None, "the second letter")

    # WHEN the cause is gone
    shown = cloud.cli("dead-letters", "show", failed.name)
    status, record = replayed(cloud, failed.name)

    # THEN the stages before are not done again, and no row is lost or doubled
    assert "replay      resumes at transform" in shown.stdout
    assert (status, record["action"], record["deleted"]) == (0, "replayed", True)
    assert record["resumes_from"] == "transform"
    result = record["result"]
    assert result["status"] == "SUCCEEDED_WITH_REJECTS"
    assert (result["rows"]["read"], result["rows"]["written"]) == (3, 2)
    written = output_table(cloud, result["outputs"]).column("flight").to_pylist()
    assert sorted(written) == [1, 3]
    assert resumed_stages(cloud, result["execution_arn"]) == ["validate", "clean"]
    assert key not in listed(cloud)


def resumed_stages(cloud: Cloud, arn: str) -> list[str]:
    """Stages that an execution took over from the one before."""
    described = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    stages = json.loads(described["output"])["stages"]
    return [record["stage"] for record in stages if record["resumed"]]


def test_a_run_that_was_stopped_is_replayed_from_its_text(cloud: Cloud) -> None:
    # GIVEN an execution that waits for an object, and is stopped by hand
    key = "input/flights/stopped again.csv"
    client = cloud.client("stepfunctions")
    event = {
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": cloud.status["input_bucket"]},
            "object": {"key": key, "size": 1, "etag": "", "sequencer": ""},
        },
    }
    arn = client.start_execution(
        stateMachineArn=cloud.status["state_machine_arn"], input=json.dumps(event)
    )["executionArn"]
    client.stop_execution(executionArn=arn)
    waited_for(lambda: listed(cloud).get(key), "the letter")
    # AND the object comes
    cloud.run(key, flights(flight(1)))

    status, record = replayed(cloud, arn)

    assert (status, record["resumes_from"], record["deleted"]) == (0, None, True)
    assert key not in listed(cloud)


def test_an_older_version_does_not_come_back(cloud: Cloud) -> None:
    # GIVEN an empty file, and then a good one under its name
    key = "input/flights/corrected.csv"
    failed = cloud.run(key, b"")
    entry_of(cloud, failed)
    cloud.run(key, flights(flight(1)))

    status, record = replayed(cloud, failed.name)

    assert (status, record["action"]) == (1, "refused")
    assert "a newer version" in record["reason"]
    assert f"dead-letters discard {failed.name}" in record["reason"]
    discarded = cloud.cli("dead-letters", "discard", failed.name, "--yes")
    assert discarded.returncode == 0
    assert "The file stays in its bucket" in discarded.stderr
    assert key not in listed(cloud)


@pytest.fixture
def processed(cloud: Cloud) -> Ended:
    return cloud.run("input/flights/undelivered.csv", flights(flight(1)))


def test_an_event_that_was_not_delivered_starts_its_run(cloud: Cloud, processed: Ended) -> None:
    # GIVEN the event as EventBridge puts it into the queue when it gives up
    cloud.client("sqs").send_message(
        QueueUrl=cloud.status["undelivered_events_queue_url"],
        MessageBody=processed.described["input"],
        MessageAttributes={
            "ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"},
        },
    )
    entry = listed(cloud)["input/flights/undelivered.csv"]
    assert (entry["kind"], entry["error"]) == ("undelivered", "NO_PERMISSIONS")

    status, record = replayed(cloud, entry["id"])

    # THEN a run begins, which finds that another event has done its work
    assert (status, record["deleted"]) == (0, True)
    assert record["result"]["status"] == "ALREADY_PROCESSED"
    assert "input/flights/undelivered.csv" not in listed(cloud)


def test_what_the_command_says_names_the_next_command(cloud: Cloud) -> None:
    file = cloud.home / "flights.csv"
    file.write_bytes(b"")

    ran = cloud.cli("run", file)

    [line] = [line for line in ran.stdout.splitlines() if line.startswith("  dead letter ")]
    name = line.rsplit(" ", 1)[-1]
    dry = cloud.cli("dead-letters", "replay", name, "--dry-run")
    assert ran.returncode == 1
    assert dry.returncode == 0, dry.stderr
    assert "does all stages again" in dry.stdout
    assert cloud.cli("dead-letters", "show", name).returncode == 0
