"""What every dataset here makes of a real file, by the five handlers with S3 in this process."""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from moto import mock_aws

from cli.samples import write_samples
from pipeline.authoring.build import dataset_folders
from pipeline.authoring.contract import CONTRACT_FILE
from pipeline.authoring.output_contract import output_contract
from pipeline.authoring.version import version_of
from pipeline.constants import ENV_DATASETS_DIR, ENV_OUTPUT_BUCKET, ENV_STAGING_BUCKET
from pipeline.formats.writers import extension
from pipeline.storage import s3_client
from tests.handlers.cloud import OUTPUT, STAGING, Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

DATASETS = Path(__file__).parents[2] / "datasets"
NAMES = [folder.name for folder in dataset_folders(DATASETS)]
PYTHON = Path(sys.prefix) / "share" / "datacontract" / "bin" / "python"
BROKEN = "broken"
MANY_LINES = 5_000


@contextmanager
def deployed(compiled_datasets: Path) -> Iterator[Cloud]:
    """Buckets, and the functions' environment; both are gone before other folders' tests begin."""
    environment = {
        ENV_DATASETS_DIR: str(compiled_datasets),
        ENV_OUTPUT_BUCKET: OUTPUT,
        ENV_STAGING_BUCKET: STAGING,
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    logging.disable(logging.CRITICAL)
    s3_client.cache_clear()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in environment.items():
            patch.setenv(name, value)
        cloud = Cloud()
        yield cloud
        cloud.close()
    s3_client.cache_clear()
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A real file for each dataset."""
    return {path.stem: path for path in write_samples(tmp_path_factory.mktemp("samples"))}


@pytest.fixture(scope="session")
def outputs(
    compiled_datasets: Path, samples: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """For each dataset, the folder of the files that it wrote of a real file."""
    folders = {name: tmp_path_factory.mktemp(name) for name in NAMES}
    with deployed(compiled_datasets) as cloud:
        for name, folder in folders.items():
            body = _beginning(samples[name])
            run = cloud.run_pipeline(f"input/{name}/{samples[name].name}", body)
            for address in run["outputs"]:
                target = folder / address.split(f"/processed/{name}/")[1]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(cloud.read(address))
    return folders


@pytest.fixture(scope="session")
def contracts(
    outputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The contract of each dataset's output, and one that the flights do not fulfil."""
    folder = tmp_path_factory.mktemp("contracts")
    documents = {name: _contract(name, outputs[name]) for name in NAMES}
    broken = documents[BROKEN] = _contract("flights", outputs["flights"])
    (dep_time,) = (p for p in broken["schema"][0]["properties"] if p["name"] == "dep_time")
    dep_time["required"] = True  # some flights are cancelled
    for name, document in documents.items():
        text = yaml.safe_dump(document, sort_keys=False)
        (folder / f"{name}.odcs.yaml").write_text(text, "utf-8")
    return {name: folder / f"{name}.odcs.yaml" for name in documents}


@pytest.fixture(scope="session")
def verdicts(contracts: dict[str, Path]) -> dict[tuple[str, str], str]:
    """What the standard's command line says, by verb and name; nothing, where all is well."""
    assert PYTHON.is_file(), "the standard's command line is not installed; run `make test`"
    commands = {
        **{("input", name): ("lint", DATASETS / name / CONTRACT_FILE) for name in NAMES},
        **{("lint", name): ("lint", path) for name, path in contracts.items()},
        **{("test", name): ("test", path) for name, path in contracts.items()},
    }
    asked = json.dumps([[verb, str(path)] for verb, path in commands.values()])
    judge = [PYTHON, Path(__file__).with_name("judge.py")]
    done = subprocess.run(judge, input=asked, capture_output=True, text=True, check=True)
    return dict(zip(commands, json.loads(done.stdout), strict=True))


def _contract(name: str, folder: Path) -> dict[str, Any]:
    version = version_of(DATASETS / name)
    folders = "*/" * len(version.plan.write.partition_by)
    return output_contract(version, f"{folder}/{folders}*{extension(version.plan.write)}")


def _beginning(file: Path) -> bytes:
    """A file, or of one with many rows the first ones."""
    many = None if file.suffix == ".json" else MANY_LINES
    with file.open("rb") as lines:
        return b"".join(itertools.islice(lines, many))
