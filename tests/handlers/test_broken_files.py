"""Files that cannot be processed: the error names file and reason, and nothing is published."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from functions.validate.handler import lambda_handler
from pipeline import errors
from tests.handlers.cloud import EXECUTION, INPUT
from tests.handlers.samples import HEADER, flight, flights, json_lines, reading

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

GOOD = flights(flight(1), flight(2))
PACKED = gzip.compress(flights(*map(flight, range(1, 2000))))
READINGS = json_lines(reading(9), reading(10))

BROKEN_FLIGHTS = {
    "empty": (b"", errors.EmptyFileError, "0 bytes"),
    "white space": (b" \r\n\n \t\n", errors.EmptyFileError, "white space"),
    "byte-order mark alone": (b"\xef\xbb\xbf", errors.EmptyFileError, "white space"),
    "header": (HEADER.encode(), errors.NoRowsError, "no rows"),
    "header and newline": (f"{HEADER}\n".encode(), errors.NoRowsError, "no rows"),
    "header and empty lines": (f"{HEADER}\r\n\r\n\r\n".encode(), errors.NoRowsError, "no rows"),
    "missing column": (GOOD.replace(b",dest,", b",to,"), errors.MissingColumnError, "'dest'"),
    "no header": (GOOD.split(b"\n", 1)[1], errors.MissingColumnError, "'year', 'month'"),
    "other delimiter": (GOOD.replace(b",", b";"), errors.MissingColumnError, "delimiter ','"),
    "duplicate column": (
        flights(flight(1)).replace(b"\n", b",hour\n", 1),
        errors.DuplicateColumnError,
        "'hour'",
    ),
    "not UTF-8": (
        GOOD.replace(b"N14228", "Zürich".encode("latin-1")),
        errors.EncodingError,
        "byte 0xFC at position",
    ),
    "UTF-16": (GOOD.decode().encode("utf-16"), errors.EncodingError, "utf-16"),
    "gzip cut short": (PACKED[: len(PACKED) // 2], errors.CompressionError, "ends in the middle"),
    "gzip corrupt": (
        PACKED[:500] + bytes(200) + PACKED[700:],
        errors.CompressionError,
        "corrupt",
    ),
    "gzip of nothing": (gzip.compress(b""), errors.EmptyFileError, "empty"),
    "picture": (
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        (errors.BinaryFileError, errors.EncodingError),
        "",
    ),
    "NUL bytes": (GOOD.replace(b"UA", b"U\0", 1), errors.BinaryFileError, "NUL"),
}
BROKEN_WEATHER = {
    "empty": (b"", errors.EmptyFileError, "0 bytes"),
    "white space": (b"\n \n", errors.EmptyFileError, "white space"),
    "text": (b"origin,temp\nEWR,1\n", errors.MalformedJsonError, "line 1 is 'origin,temp'"),
    "one string": (b'"EWR"', errors.MalformedJsonError, "JSON object"),
    "empty array": (b"[ ]\n", errors.NoRowsError, "no JSON objects"),
    "array cut short": (b"[" + READINGS.splitlines()[0] + b", {", errors.MalformedJsonError, ""),
    "array never closed": (b"[" + READINGS.splitlines()[0], errors.MalformedJsonError, "the end"),
    "text after the array": (b"[{}] x", errors.MalformedJsonError, "after the closing bracket"),
    "array of numbers": (b"[1, 2]", errors.MalformedJsonError, "JSON object"),
    "not UTF-8": (
        READINGS.replace(b"EWR", b"E\xffR"),
        errors.EncodingError,
        "byte 0xFF",
    ),
}
BROKEN = [
    pytest.param(dataset, *case, id=f"{dataset}: {name}")
    for dataset, cases in (("flights", BROKEN_FLIGHTS), ("weather", BROKEN_WEATHER))
    for name, case in cases.items()
]


@pytest.mark.parametrize(("dataset", "body", "error", "reason"), BROKEN)
def test_broken_file_fails_with_its_name_and_reason(
    cloud: Cloud,
    dataset: str,
    body: bytes,
    error: type[Exception] | tuple[type[Exception], ...],
    reason: str,
) -> None:
    # GIVEN
    key = f"input/{dataset}/broken file"
    event = cloud.upload(key, body)

    # WHEN
    with pytest.raises(error) as failed:
        cloud.run(event)

    # THEN
    said = failed.value.message
    assert said.startswith(f"Dataset {dataset}, file s3://{INPUT}/{key}: ")
    assert reason in said
    assert failed.value.status_code == 400
    assert failed.value.remedy
    # AND nothing is published; the file is where it was
    assert cloud.keys("processed/") == cloud.keys("manifests/") == cloud.keys("reports/") == []
    assert cloud.read(f"s3://{INPUT}/{key}") == body


@pytest.mark.parametrize(
    "key",
    ["input/trains/a.csv", "input/a.csv", "a.csv", "other/flights/a.csv", "input/flights/"],
)
def test_key_that_names_no_dataset_is_told_where_files_go(cloud: Cloud, key: str) -> None:
    # GIVEN
    event = cloud.upload(key, GOOD)

    # WHEN
    with pytest.raises(errors.UnknownDatasetError) as failed:
        cloud.run(event)

    # THEN
    assert f"s3://{INPUT}/{key}" in failed.value.message
    assert "input/<dataset>/<name>" in failed.value.message


def test_unknown_dataset_lists_the_known_ones(cloud: Cloud) -> None:
    # WHEN, THEN
    with pytest.raises(
        errors.UnknownDatasetError,
        match=r"'trains'.*knows: countries, flights, penguins, timezones, weather",
    ):
        cloud.run_pipeline("input/trains/a.csv", GOOD)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail": {}},
        {"detail": {"bucket": {"name": "b"}, "object": {}}},
        {"detail": {"bucket": "b", "object": {"key": "input/flights/a"}}},
        {"Records": [{"eventSource": "aws:s3"}]},
        [],
        None,
        "hello",
    ],
    ids=json.dumps,
)
def test_input_that_is_no_s3_event_is_refused(cloud: Cloud, event: Any) -> None:
    # WHEN
    with pytest.raises(errors.InvalidEventError) as failed:
        lambda_handler({"event": event, "execution": EXECUTION, "run": None}, None)

    # THEN
    assert "Object Created" in failed.value.message
    assert failed.value.status_code == 400


def test_event_of_an_object_that_is_gone_is_transient(cloud: Cloud) -> None:
    # GIVEN
    event = cloud.upload("input/flights/a.csv", GOOD)
    version = event["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket=INPUT, Key="input/flights/a.csv", VersionId=version)

    # WHEN, THEN it may be not visible yet: the state machine tries again
    with pytest.raises(errors.ObjectNotVisibleError) as failed:
        cloud.run(event)
    assert isinstance(failed.value, errors.TransientError)


def test_later_stage_without_a_run_is_refused(cloud: Cloud) -> None:
    # GIVEN
    event = cloud.upload("input/flights/a.csv", GOOD)

    # WHEN, THEN
    for stage in ("clean", "transform", "enrich", "write"):
        with pytest.raises(errors.InvalidEventError, match="no run summary"):
            cloud.run_stage(stage, event, None)
