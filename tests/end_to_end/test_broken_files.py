from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.end_to_end.samples import HEADER, flight, flights

if TYPE_CHECKING:
    from tests.end_to_end.cloud import Cloud, Ended


class Broken(NamedTuple):
    """A file that cannot be processed, and the error that must say why."""

    key: str
    body: bytes
    error: str
    said: str


def without_carrier() -> bytes:
    return flights(flight(1)).replace(b"carrier", b"airline")


FILES = (
    Broken("input/flights/empty.csv", b"", "EmptyFileError", "empty"),
    Broken("input/flights/blank.csv", b" \n\n ", "EmptyFileError", ""),
    Broken("input/flights/header only.csv", flights(), "NoRowsError", "header"),
    Broken("input/flights/no+carrier.csv", without_carrier(), "MissingColumnError", "carrier"),
    Broken(
        "input/flights/twice.csv",
        f"{HEADER},hour\n{flight(1)},5\n".encode(),
        "DuplicateColumnError",
        "hour",
    ),
    Broken(
        "input/flights/latin-1.csv",
        flights(flight(1, tailnum="ü")).decode().encode("latin-1"),
        "EncodingError",
        "UTF-8",
    ),
    Broken(
        "input/flights/cut.csv.gz",
        gzip.compress(flights(*(flight(n) for n in range(999))))[:-300],
        "CompressionError",
        "",
    ),
    Broken("input/flights/picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "BinaryFileError", ""),
    Broken("input/flights/noise.csv", os.urandom(4096), "BinaryFileError", ""),
    Broken("input/weather/not.json", b'{"origin": "EWR", ', "MalformedJsonError", ""),
    Broken("input/weather/words.jsonl", b"these are words\n", "MalformedJsonError", ""),
    Broken(
        "input/flights/mostly bad.csv",
        flights(*(flight(n, month="13") for n in range(1, 10)), flight(10)),
        "TooManyRejectsError",
        "9",
    ),
    Broken("input/fligths/typo.csv", flights(flight(1)), "UnknownDatasetError", "fligths"),
    Broken("input/flights.csv", f"{HEADER}\n".encode(), "UnknownDatasetError", "flights.csv"),
    Broken("input/flights/ü b+%20/empty.csv", b"", "EmptyFileError", "ü b+%20"),
)


@pytest.fixture(scope="module")
def published_before(cloud: Cloud) -> list[str]:
    return cloud.published()


@pytest.fixture(scope="module")
def failed(cloud: Cloud, published_before: list[str]) -> dict[str, Ended]:
    """The executions of all broken files, which are uploaded at once."""
    del published_before
    for file in FILES:
        cloud.upload(file.key, file.body)
    return {file.key: cloud.ended(file.key) for file in FILES}


@pytest.fixture(params=FILES, ids=lambda file: file.key)
def broken(request: pytest.FixtureRequest) -> Broken:
    file: Broken = request.param
    return file


def test_the_execution_fails_with_the_errors_name(broken: Broken, failed: dict[str, Ended]) -> None:
    ended = failed[broken.key]

    assert ended.status == "FAILED"
    assert ended.described["error"] == broken.error
    assert broken.said in ended.described["cause"]


def test_the_dead_letter_tells_dataset_key_and_reason(
    cloud: Cloud, broken: Broken, failed: dict[str, Ended]
) -> None:
    letter = cloud.dead_letter(failed[broken.key].name)

    assert letter["failure"]["stage"] == "validate"
    assert letter["failure"]["error"] == broken.error
    assert letter["failure"]["status_code"] == 400
    assert broken.key in letter["failure"]["message"]
    assert broken.said in letter["failure"]["message"]
    # and carries the event as it came, for a replay
    assert letter["event"]["detail"]["object"]["key"] == broken.key


def test_the_alert_tells_a_person_the_same(
    cloud: Cloud, broken: Broken, failed: dict[str, Ended]
) -> None:
    name = failed[broken.key].name
    alert = cloud.alert(name)

    assert broken.error in alert["Subject"]
    assert broken.key in alert["Message"]
    assert broken.said in alert["Message"]
    assert f"pipeline show {name}" in alert["Message"]
    assert f"pipeline dead-letters replay {name}" in alert["Message"]


def test_the_input_is_untouched(cloud: Cloud, broken: Broken, failed: dict[str, Ended]) -> None:
    assert failed[broken.key].status == "FAILED"

    assert cloud.read(f"s3://{cloud.status['input_bucket']}/{broken.key}") == broken.body


def test_nothing_is_published(
    cloud: Cloud, published_before: list[str], failed: dict[str, Ended]
) -> None:
    assert len(failed) == len(FILES)

    assert cloud.published() == published_before
