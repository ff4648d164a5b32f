"""Uploads through the console, over a bucket of moto's."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.console.conftest import token_of
from tests.unit.cli.fakes import FakeStepFunctions
from tests.unit.cli.moto_target import INPUT, MotoCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx2 import Response
    from starlette.testclient import TestClient

    from cli.target import Target


@pytest.fixture
def cloud() -> Iterator[MotoCloud]:
    with mock_aws():
        yield MotoCloud(FakeStepFunctions())


def given(client: TestClient, name: str, dataset: str = "", body: bytes = b"a,b\n") -> Response:
    form = {"token": token_of(client), "dataset": dataset}
    return client.post("/uploads", data=form, files={"file": (name, body)})


def keys(target: Target) -> list[str]:
    found = target.cloud.s3().list_objects_v2(Bucket=INPUT).get("Contents", [])
    return [item["Key"] for item in found]


def arrived(client: TestClient, address: str) -> str:
    """Page of an upload once it is in the bucket, or cannot get there."""
    for _ in range(500):
        shown = client.get(address).text
        if "Uploading" not in shown:
            return shown
        Event().wait(0.02)
    raise AssertionError(shown)


def test_a_file_gets_into_the_bucket_and_its_execution_is_found(
    client: TestClient, target: Target, cloud: MotoCloud
) -> None:
    # GIVEN a file larger than one part, which is not held in memory
    body = b"x" * (9 * 1024 * 1024)
    answer = given(client, "flights.2013.csv", body=body)
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert "The file has arrived" in arrived(client, address)
    head = target.cloud.s3().head_object(Bucket=INPUT, Key="input/flights/flights.2013.csv")

    # WHEN its execution starts
    arn = cloud.client.starts("found", "input/flights/flights.2013.csv", head["ETag"].strip('"'))
    about = {
        "bucket": {"name": INPUT},
        "object": json.loads(cloud.client.executions[0]["input"])["detail"]["object"],
    }
    cloud.client.executions[0]["input"] = json.dumps({"detail": about})
    led = client.get(address)
    by_htmx = client.get(address, headers={"HX-Request": "true"})

    assert arn.endswith(":found")
    assert head["ContentLength"] == len(body)
    assert led.headers["location"] == "/executions/found"
    assert by_htmx.headers["hx-redirect"] == "/executions/found"


def test_a_chosen_dataset_counts_more_than_the_name(client: TestClient, target: Target) -> None:
    arrived(client, given(client, "flights.csv", "weather").headers["location"])

    assert keys(target) == ["input/weather/flights.csv"]


def test_a_name_again_is_a_new_version(client: TestClient) -> None:
    first = arrived(client, given(client, "flights.csv").headers["location"])
    second = arrived(client, given(client, "flights.csv").headers["location"])

    assert "this is its new version" not in first
    assert "this is its new version" in second


@pytest.mark.parametrize(
    ("name", "dataset", "said"),
    [
        ("january.csv", "", "Choose the dataset"),
        ("january.csv", "nothing", "there is no dataset nothing here"),
        ("january.csv", "../flights", "there is no dataset ../flights here"),
        ("../flights.csv", "flights", "Rename the file"),
        ("..\\flights.csv", "flights", "Rename the file"),
        ("/etc/passwd", "flights", "Rename the file"),
        ("..", "flights", "no file was chosen"),
        ("f" * 1100, "flights", "too long"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(
    client: TestClient, target: Target, name: str, dataset: str, said: str
) -> None:
    answer = given(client, name, dataset)

    assert answer.status_code == 400
    assert said in answer.text
    assert keys(target) == []


def test_no_file_is_said(client: TestClient) -> None:
    answer = client.post("/uploads", data={"token": token_of(client), "dataset": "flights"})

    assert answer.status_code == 400
    assert "no file was chosen" in answer.text


def test_a_file_that_the_disk_has_no_room_for_is_refused_before_it_is_read(
    client: TestClient, target: Target
) -> None:
    answer = client.post("/uploads", headers={"content-length": str(10**18)}, content=b"")

    assert answer.status_code == 413
    assert "pipeline run FILE" in answer.text


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_foreign_upload_is_refused(
    client: TestClient, target: Target, headers: dict[str, str]
) -> None:
    # GIVEN no token; where the page is foreign, the right one
    form = {"dataset": "flights"} | ({"token": token_of(client)} if headers else {})

    answer = client.post("/uploads", data=form, files={"file": ("f.csv", b"")}, headers=headers)

    assert answer.status_code == 403
    assert keys(target) == []


def test_a_bucket_that_refuses_is_told(client: TestClient, target: Target) -> None:
    target.cloud.s3().delete_bucket(Bucket=INPUT)

    shown = arrived(client, given(client, "flights.csv").headers["location"])

    assert "Not uploaded" in shown
    assert "NoSuchBucket" in shown


def test_an_unknown_upload_says_where_to_look(client: TestClient) -> None:
    answer = client.get("/uploads/nothing")

    assert answer.status_code == 404
    assert "its execution is in the list" in answer.text
