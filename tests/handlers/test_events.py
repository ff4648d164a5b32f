"""From an event to an object: every key that S3 allows, as it is."""

from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.data_classes import S3EventBridgeNotificationEvent

from pipeline.run import source_of_event
from tests.handlers.cloud import INPUT, Cloud, object_created
from tests.handlers.samples import flight, flights

ODD_NAMES = [
    "a b.csv",
    "über/straße 1.csv",
    "日本.csv",
    "a=b&c;d@e,f$(1)!.csv",
    "deep/er/and//deeper/.csv",
    'it\'s "quoted".csv',
    "no ending",
]
ENCODED_NAMES = ["a b+ü%20.csv", "1+1=2.csv", "100%25.csv", "%2e%2e%2fb.csv"]


def event_of(key: str) -> dict[str, object]:
    """An event about an object that need not exist."""
    return object_created(key, size=3, etag="9a0", version_id="v1", sequencer="0055AED6DCD90281E5")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_source_is_the_one_that_powertools_reads(name: str) -> None:
    # GIVEN
    event = event_of(f"input/flights/{name}")

    # WHEN
    source = source_of_event(event)

    # THEN
    theirs = S3EventBridgeNotificationEvent(event).detail
    assert source.bucket == theirs.bucket.name
    assert source.key == theirs.object.key
    assert source.etag == theirs.object.etag
    assert source.size == theirs.object.size
    assert source.version_id == theirs.object.version_id
    assert source.sequencer == theirs.object.sequencer
    assert source.dataset == "flights"


@pytest.mark.parametrize("name", ENCODED_NAMES)
def test_key_is_taken_literally(name: str) -> None:
    # GIVEN a key that looks encoded: EventBridge's events, unlike S3's own, hold keys as they are
    key = f"input/flights/{name}"

    # WHEN, THEN
    assert source_of_event(event_of(key)).key == key


@pytest.mark.parametrize("name", [*ODD_NAMES, *ENCODED_NAMES])
def test_file_of_any_name_is_processed(cloud: Cloud, name: str) -> None:
    # GIVEN a neighbour whose name is the decoded one
    cloud.upload("input/flights/a b ü .csv", b"another file")

    # WHEN
    run = cloud.run_pipeline(f"input/flights/{name}", flights(flight()))

    # THEN
    assert run["outcome"] == "SUCCEEDED"
    assert run["source"] | {"version_id": "", "etag": "", "sequencer": "", "last_modified": ""} == {
        "bucket": INPUT,
        "key": f"input/flights/{name}",
        "version_id": "",
        "etag": "",
        "size": len(flights(flight())),
        "sequencer": "",
        "last_modified": "",
    }
    assert cloud.table(run["outputs"]).num_rows == 1


def test_folder_made_in_the_console_is_no_file(cloud: Cloud) -> None:
    # WHEN somebody clicks "Create folder"
    run = cloud.run_pipeline("input/flights/2013/", b"")

    # THEN nobody is woken up
    assert run["outcome"] == "IGNORED"
    assert cloud.keys("") == []
