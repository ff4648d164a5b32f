"""The page of an execution's rows, over buckets of moto's and executions of a fake."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from console.reading.outputs import hiding
from pipeline.run import Run, new_run
from tests.console.dataset_folders import column, write_dataset
from tests.unit.cli.events import entered, failed_task, lambda_cause
from tests.unit.cli.fakes import FakeStepFunctions
from tests.unit.cli.moto_target import EXECUTION, MotoCloud, commit, put_json, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from cli.target import Target

RUN = "a1b2c3d4" * 4
HOSTILE = "<script>alert(1)</script>"


class Executions(FakeStepFunctions):
    """One who may not read the definition of the state machine."""

    def describe_state_machine_for_execution(self, **_asked: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeStateMachine")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoCloud]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield MotoCloud(Executions())


def run(**more: Any) -> Run:
    made = new_run(source(), dataset="flights", plan_hash="p")
    made.run_id, made.outcome = RUN, "SUCCEEDED_WITH_REJECTS"
    for name, value in more.items():
        setattr(made, name, value)
    return made


def ended(cloud: MotoCloud, output: Any, *events: dict[str, Any], **more: Any) -> None:
    """Have an execution `one`, which has returned a run summary."""
    cloud.client.starts("one", "input/flights/f.csv", "e1", *events)
    document = output.to_json() if isinstance(output, Run) else output
    cloud.client.executions[0] |= {"output": json.dumps(document)} | more


def quarantine(target: Target, *records: dict[str, Any], stage: str = "validate") -> str:
    key = f"quarantine/flights/{RUN}/{stage}.jsonl"
    body = "".join(f"{json.dumps(one)}\n" for one in records).encode()
    target.cloud.s3().put_object(Bucket=target.output_bucket, Key=key, Body=body)
    return f"s3://{target.output_bucket}/{key}"


def reject(row: int, column: str | None = "month", rule: str = "maximum") -> dict[str, Any]:
    violation = {"column": column, "rule": rule, "value": HOSTILE, "message": "at most 12"}
    return {"row_number": row, "line": row + 1, "violations": [violation], "raw": {"month": "13"}}


def with_rejects(cloud: MotoCloud, target: Target, *records: dict[str, Any]) -> None:
    """Have an execution whose rejected rows are open."""
    address = quarantine(target, *records)
    rules = [{"stage": "validate", "column": "month", "rule": "maximum", "rows": len(records)}]
    made = run(rejects={"top_rules": rules, "quarantine": [address]})
    made.rows.read = made.rows.rejected = len(records)
    made.stages = []
    ended(cloud, made)
    put_json(target, made.report_key, made.to_json())
    commit(target, source(), run=made.to_json())


def shown(client: TestClient, query: str = "") -> str:
    answer = client.get(f"/executions/one/rows{query}")
    assert answer.status_code == 200
    return answer.text


def rows_in(text: str) -> list[int]:
    return [int(found) for found in re.findall(r'<th scope="rowgroup"[^>]*>(\d+)<', text)]


def test_rejected_rows_are_shown_with_their_rule_and_what_to_do(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    with_rejects(cloud, target, reject(7), reject(9))
    text = shown(client)
    assert rows_in(text) == [7, 9]
    assert f"pipeline quarantine replay {RUN}" in text
    assert HOSTILE not in text
    assert html.escape(HOSTILE) in text
    # AND no link leads to where one is
    assert "See the rejected rows" not in text


def test_pages_lead_on_and_back(cloud: MotoCloud, target: Target, client: TestClient) -> None:
    with_rejects(cloud, target, *map(reject, range(1, 251)))
    text, seen = shown(client), [rows_in(shown(client))]
    for _ in range(2):
        [onward] = re.findall(r'href="([^"]*)">Next<', text)
        text = client.get(html.unescape(onward)).text
        seen.append(rows_in(text))
    assert seen == [list(range(1, 101)), list(range(101, 201)), list(range(201, 251))]
    assert not re.findall(r'href="[^"]*">Next<', text)
    [backward] = re.findall(r'href="([^"]*)">Previous<', text)
    assert rows_in(client.get(html.unescape(backward)).text) == list(range(101, 201))


def test_a_filter_is_an_address(cloud: MotoCloud, target: Target, client: TestClient) -> None:
    with_rejects(cloud, target, reject(1), reject(2, "origin"), reject(3, None, "cells"))
    assert rows_in(shown(client, "?column=origin")) == [2]
    assert rows_in(shown(client, "?column=&rule=cells")) == [3]
    assert "No rejected row fits" in shown(client, "?rule=none")


@pytest.mark.parametrize("query", ["?at=9.9", "?at=x", "?back=_x_0.1", "?file=99", "?rows=0"])
def test_addresses_that_lead_nowhere_break_nothing(
    query: str, cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    with_rejects(cloud, target, reject(1))
    shown(client, query)


def test_a_quarantine_is_downloaded_as_it_is(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    with_rejects(cloud, target, reject(1))
    answer = client.get("/executions/one/rows/quarantine/validate.jsonl")
    assert json.loads(answer.text) == reject(1)
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="quarantine-{RUN}-validate.jsonl"'
    )


@pytest.mark.parametrize("path", ["quarantine/clean", "repairs/validate", "manifests/validate"])
def test_no_other_file_is_downloaded(
    path: str, cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    with_rejects(cloud, target, reject(1))
    answer = client.get(f"/executions/one/rows/{path}.jsonl")
    assert answer.status_code == 404
    assert "Go back to its rows" in html.unescape(answer.text)


def test_deleted_rejects_are_told(cloud: MotoCloud, target: Target, client: TestClient) -> None:
    made = run()
    made.rows.read, made.rows.rejected = 5, 3
    ended(cloud, made)
    assert "3 rows were put into the quarantine, which is not there any more" in shown(client)


def test_a_replaced_output_leads_to_the_run_that_replaced_it(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    ended(cloud, run(outcome="SUCCEEDED"))
    commit(target, source(), execution_arn=f"{EXECUTION}:newer", run={"run_id": "b" * 32})
    text = shown(client)
    assert "A newer run of the file has replaced" in text
    assert 'href="/executions/newer/rows"' in text


def test_an_execution_that_had_nothing_to_do_leads_to_the_one_that_did_it(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    made = run(outcome="ALREADY_PROCESSED")
    made.rows.read = made.rows.written = 3
    ended(cloud, made)
    commit(target, source(), execution_arn=f"{EXECUTION}:first", run=made.to_json())
    text = shown(client)
    assert "had nothing to do" in text
    assert 'href="/executions/first/rows"' in text
    assert 'class="funnel"' not in text


def test_the_output_is_that_which_the_manifest_names(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    made = run(outcome="SUCCEEDED")
    made.rows.read = made.rows.written = 1
    key = f"processed/flights/month=1/{made.output_name}.csv"
    stored = target.cloud.s3().put_object(Bucket=target.output_bucket, Key=key, Body=b"a\n1\n")
    file = {"bucket": target.output_bucket, "key": key, "version_id": stored.get("VersionId")}
    other = {**file, "key": "processed/flights/somebody-else.csv"}
    about = {"etag": "", "bytes": 4, "rows": 1}
    ended(cloud, made)
    commit(target, source(), run=made.to_json(), outputs=[file | about, other | about])
    text = shown(client)
    assert "First rows of month=1" in text
    assert "somebody-else" not in text
    assert "1 file, 1 rows" in text


def test_a_run_that_failed_before_it_counted_says_so(cloud: MotoCloud, client: TestClient) -> None:
    cause = lambda_cause("MissingColumnError", "The file lacks 'month'.")
    events = [entered("Validate", 0), *failed_task(0, "MissingColumnError", cause)]
    cloud.client.starts("one", "input/flights/f.csv", "e1", *events)
    cloud.client.executions[0] |= {"status": "FAILED", "error": "MissingColumnError"}
    del cloud.client.executions[0]["output"]
    text = shown(client)
    assert "before any row was counted" in text
    assert "hx-trigger" not in text


@pytest.mark.parametrize("output", [None, {}, [], "text", {"rows": {}, "stages": []}])
def test_an_output_without_a_run_is_no_broken_page(
    output: Any, cloud: MotoCloud, client: TestClient
) -> None:
    ended(cloud, output)
    assert "says nothing of rows" in shown(client)


def test_a_running_execution_is_asked_again_and_again(cloud: MotoCloud, client: TestClient) -> None:
    cloud.client.starts("one", "input/flights/f.csv", "e1", entered("Validate", 0))
    cloud.client.executions[0] |= {"status": "RUNNING"}
    del cloud.client.executions[0]["output"], cloud.client.executions[0]["stopDate"]
    text = shown(client)
    assert 'hx-select="#rows"' in text
    assert "No stage has ended yet" in text


def test_repairs_checks_and_lookups_are_told(cloud: MotoCloud, client: TestClient) -> None:
    repair = {"stage": "clean", "column": "city", "repair": "dependency", "before": "x"}
    made = run(
        repairs={
            "counts": [{"stage": "clean", "column": "city", "repair": "dependency", "cells": 12}],
            "files": [],
            "sample": [repair | {"row_number": 4, "line": 5, "after": None, "message": "why"}],
        },
        lookups={"planes": {"matched": 3, "unmatched": 1, "missing_key": 0}},
    )
    ended(cloud, made)
    text = shown(client)
    assert re.search(r"<td>city</td><td>dependency</td><td class=\"number\">12</td>", text)
    assert '<span class="value null">null</span>' in text
    assert "75.0 %" in text


def test_an_unknown_execution_is_none(client: TestClient) -> None:
    assert client.get("/executions/nobody/rows").status_code == 404


def with_output(cloud: MotoCloud, target: Target, dataset: str = "flights") -> None:
    """Have an execution whose output file has one row, with a text in the column `email`."""
    made = run(outcome="SUCCEEDED", dataset=dataset)
    key = f"processed/{dataset}/{made.output_name}.csv"
    body = b"id,email\n1,jane@example.com\n"
    s3, bucket = target.cloud.s3(), target.output_bucket
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    stored = s3.put_object(Bucket=bucket, Key=key, Body=body)
    file = {
        "bucket": bucket,
        "key": key,
        "version_id": stored["VersionId"],
        "etag": stored["ETag"].strip('"'),
        "bytes": len(body),
        "rows": 1,
    }
    ended(cloud, made)
    put_json(
        target,
        f"manifests/{dataset}/{source().source_id}.json",
        {"run": made.to_json(), "outputs": [file], "merges": [], "execution_arn": EXECUTION},
    )


@pytest.mark.parametrize("is_masked", [False, True])
def test_masked_values_of_the_output_are_not_shown(
    cloud: MotoCloud, target: Target, client: TestClient, is_masked: bool
) -> None:
    with_output(cloud, target)
    columns = [{"name": "id", "masked": False}, {"name": "email", "masked": is_masked}]
    put_json(target, f"profiles/flights/{RUN}/write.json", {"columns": columns})
    text = shown(client)
    assert "First rows of" in text
    assert ("jane@example.com" in text) != is_masked
    assert ("personal or secret" in text) == is_masked


def test_of_an_output_of_which_nobody_knows_what_is_masked_nothing_is_shown(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    with_output(cloud, target, dataset="unknown")
    text = shown(client)
    assert "jane@example.com" not in text
    assert "the run has left no profile" in text


def test_what_may_hold_masked_values_is_hidden_without_a_profile(
    target: Target, tmp_path: Path
) -> None:
    from pipeline.authoring.dataset import compiled_dataset

    mail = column("mail", logicalType="string", classification="pii")
    plan = compiled_dataset(write_dataset(tmp_path, "users", [mail, column("age")])).plan

    hidden = hiding(target, {"dataset": "users", "run_id": RUN}, plan)

    assert hidden is not None
    assert [hidden(name) for name in ("mail", "_extra", "age")] == [True, True, False]


def test_half_a_character_is_shown_as_a_question_mark(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    with_rejects(cloud, target, reject(1, column="a\ud800b"))
    assert "a?b" in shown(client)


def test_a_replay_of_rows_that_are_nowhere_is_a_page_that_is_not_there(
    cloud: MotoCloud, target: Target, client: TestClient
) -> None:
    with_rejects(cloud, target, reject(1))
    assert client.get("/executions/nobody/replay-rows").status_code == 404
