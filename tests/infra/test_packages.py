"""Each function as it is shipped: how large it is, and a run of real files through it."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sysconfig
from typing import TYPE_CHECKING, Any

import boto3
import pyarrow.parquet as pq
import pytest
from aws_cdk import FileSystem

from infra.packaging.assets import staged_assets
from infra.packaging.bytecode import add_bytecode
from infra.packaging.layers import LAYERS, built_layers
from infra.packaging.sizes import (
    LIMIT_BYTES,
    PackageTooLargeError,
    check_package_sizes,
    package_parts,
    package_text,
)
from infra.settings import Target
from pipeline.authoring.build import compile_datasets
from pipeline.constants import (
    ENV_OUTPUT_BUCKET,
    ENV_STAGING_BUCKET,
    LINEAGE_FUNCTION,
    STAGES,
)
from tests.handlers.cloud import EXECUTION, INPUT, OUTPUT, STAGING, object_created
from tests.handlers.samples import flight, flights, json_lines, reading
from tests.infra.packaged import BUILD, Invoked, packages
from tests.infra.synthesis import ROOT
from tests.state_machine.engine import running_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from types_boto3_s3.client import S3Client

MB = 1_000_000
SQL_STAGE = "transform"
"""The one stage that carries DuckDB and pandas."""


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """First-party code of each stage, as it is deployed."""
    return staged(tmp_path_factory.mktemp("assets"))


def staged(build: Path) -> dict[str, Path]:
    return staged_assets(
        root=ROOT,
        build=build,
        target=Target.AWS,
        compile_datasets=compile_datasets,
        compile_code=add_bytecode,
    )


def test_shipped_code_has_its_bytecode_and_is_the_same_wherever_it_is_made(
    assets: dict[str, Path], tmp_path: Path
) -> None:
    # GIVEN the same sources, staged in another place by somebody with another umask
    previous = os.umask(0o077)
    try:
        others = staged(tmp_path)
    finally:
        os.umask(previous)
    # THEN
    for stage, asset in assets.items():
        assert FileSystem.fingerprint(str(asset)) == FileSystem.fingerprint(str(others[stage]))
        modes = {stat.S_IMODE(file.stat().st_mode) for file in others[stage].rglob("*.pyc")}
        assert modes == {0o644}
        assert len([*asset.rglob("*.pyc")]) == len([*asset.rglob("*.py")]) > 0


@pytest.fixture(scope="module")
def shipped(assets: dict[str, Path]) -> dict[str, dict[str, int]]:
    """Bytes of what each stage's function holds in AWS, by part."""
    layers = built_layers(root=ROOT, build=BUILD)
    return {stage: package_parts(stage, asset, layers) for stage, asset in assets.items()}


@pytest.mark.parametrize("stage", STAGES)
def test_function_is_small(shipped: dict[str, dict[str, int]], stage: str) -> None:
    aim = 230 * MB if stage == SQL_STAGE else 170 * MB
    parts = shipped[stage]
    assert sum(parts.values()) <= aim, package_text(parts)
    assert parts["datasets"] > 0
    assert parts["code"] > 0


def test_function_beyond_lambdas_limit_is_refused_with_what_it_is_made_of(tmp_path: Path) -> None:
    # GIVEN a lookup that takes all the room there is, in every function
    (tmp_path / "asset" / "datasets").mkdir(parents=True)
    with (tmp_path / "asset" / "datasets" / "lookup.arrow").open("wb") as file:
        file.truncate(LIMIT_BYTES)  # without taking room on the disk
    layers = {layer.name: tmp_path / layer.name for layer in LAYERS}
    assets = {"clean": tmp_path / "asset"}
    check_package_sizes(assets, layers)
    # WHEN the layers are not empty
    layers["runtime"].mkdir()
    (layers["runtime"] / "module.py").write_text("#")
    # THEN 250 MiB, 262.1 MB, are too many
    with pytest.raises(PackageTooLargeError, match=r"clean would hold 262\.1 MB .*datasets 262\.1"):
        check_package_sizes(assets, layers)


FLIGHTS = flights(flight(1), flight(2, dep_delay="late"), flight(3))
WEATHER = json_lines(reading(5), reading(6))
"""Two files: three flights, one of which has a delay that is no number; two readings."""


class Runs:
    """The same files through the function of each stage, and what came of them."""

    def __init__(self, s3: S3Client, invoked: dict[str, Invoked]) -> None:
        self.s3 = s3
        self.invoked = invoked
        self.flights, self.weather = invoked[STAGES[-1]].results

    def body(self, address: str) -> bytes:
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.fixture(scope="module")
def runs(assets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    if not sysconfig.get_platform().startswith("linux-"):
        pytest.skip("layers hold code for Linux")
    folder = tmp_path_factory.mktemp("packages")
    functions = packages(assets, folder)
    with running_cloud(folder) as endpoint:
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for bucket in (INPUT, OUTPUT, STAGING):
            s3.create_bucket(Bucket=bucket)
        uploads = {"input/flights/a.csv": FLIGHTS, "input/weather/b.jsonl": WEATHER}
        events = [_event(s3, key, body) for key, body in uploads.items()]
        runs: list[Any] = [None, None]
        invoked = {}
        for stage in STAGES:
            given = [
                {"event": event, "execution": EXECUTION, "run": run}
                for event, run in zip(events, runs, strict=True)
            ]
            invoked[stage] = functions[stage].invoke(
                given,
                AWS_ENDPOINT_URL=endpoint,
                **{ENV_OUTPUT_BUCKET: OUTPUT, ENV_STAGING_BUCKET: STAGING},
            )
            runs = invoked[stage].results
        yield Runs(s3, invoked)


def _event(s3: S3Client, key: str, body: bytes) -> dict[str, Any]:
    etag = s3.put_object(Bucket=INPUT, Key=key, Body=body)["ETag"].strip('"')
    return object_created(key, size=len(body), etag=etag, version_id=None, sequencer="01")


def test_packaged_functions_take_a_file_through_all_stages(runs: Runs) -> None:
    assert runs.flights["outcome"] == "SUCCEEDED_WITH_REJECTS"
    rows = runs.flights["rows"]
    assert (rows["read"], rows["rejected"], rows["written"]) == (3, 1, 2)
    (output,) = runs.flights["outputs"]
    assert pq.read_table(io.BytesIO(runs.body(output)))["flight"].to_pylist() == [1, 3]
    (address,) = runs.flights["rejects"]["quarantine"]
    (reject,) = map(json.loads, runs.body(address).splitlines())
    assert (reject["row_number"], reject["column"], reject["value"]) == (2, "dep_delay", "late")


def test_packaged_transform_runs_a_python_step(runs: Runs) -> None:
    assert runs.weather["outcome"] == "SUCCEEDED"
    (output,) = runs.weather["outputs"]
    written = list(csv.DictReader(io.StringIO(runs.body(output).decode())))
    # above 50 °F there is no wind chill: the temperature is told as it is, 71.06, to a tenth
    assert [row["feels_like"] for row in written] == ["71.1", "71.1"]


IMPORT = """
import json, os, sys
sys.path[:0] = json.loads(os.environ["FUNCTION_PATHS"])
from functions.lineage.handler import lambda_handler
print(json.dumps([name for name in ("pyarrow", "numpy") if name in sys.modules]))
"""


def test_sender_of_lineage_events_needs_no_layer(assets: dict[str, Path], tmp_path: Path) -> None:
    sender = packages(assets, tmp_path)[LINEAGE_FUNCTION]
    assert len(sender.folders) == 2  # its code, and what the runtime brings
    assert sender.answer(IMPORT, None) == []


@pytest.mark.parametrize("stage", STAGES)
def test_packaged_function_has_its_layers_alone(runs: Runs, stage: str) -> None:
    absent = ["yaml", "boto3"] if stage == SQL_STAGE else ["duckdb", "pandas", "yaml", "boto3"]
    assert runs.invoked[stage].absent == absent
    assert not [file for file in runs.invoked[stage].files if "site-packages" in file]
