"""How long a small file takes from its upload to the end of its run, on the warm local cloud.

`python -m benchmarks.local_cloud` works on the cloud that `pipeline up` has started, in whatever
folder `LAMBDA_PIPELINES_HOME` names, and prints a table. Every file is another one, so that each
is processed. Shares: what the stages compute, what they wait for S3, and the rest, which is the
orchestration: events, state machine, the way into the functions.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3

from benchmarks.small_files import OURS, computing
from cli.samples import write_samples

if TYPE_CHECKING:
    from collections.abc import Iterator

DATASET: Final = "flights"
ROWS: Final = 1_000
ROUNDS: Final = 10
WARMING: Final = 3
"""Files before any is counted: the cloud starts functions with the first ones."""
_POLL_SECONDS: Final = 0.02


class Cloud:
    """The local cloud, as `pipeline env` tells it to a shell."""

    def __init__(self) -> None:
        command = [str(Path(sys.executable).with_name("pipeline")), "env"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        lines = (shlex.split(line) for line in told.splitlines())
        known = dict(word.split("=", 1) for verb, word, *_ in lines if verb == "export")
        self.bucket = known["INPUT_BUCKET"]
        self.machine = known["STATE_MACHINE_ARN"]
        settings: Any = {
            "endpoint_url": known["AWS_ENDPOINT_URL"],
            "aws_access_key_id": known["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": known["AWS_SECRET_ACCESS_KEY"],
            "region_name": known["AWS_REGION"],
        }
        self.s3 = boto3.client("s3", **settings)
        self.states = boto3.client("stepfunctions", **settings)

    def latest(self) -> str | None:
        """ARN of the execution that began last."""
        listed = self.states.list_executions(stateMachineArn=self.machine, maxResults=1)
        return next((each["executionArn"] for each in listed["executions"]), None)


def shares(rounds: int = ROUNDS) -> dict[str, float]:
    """Return medians of seconds: `total`, and of it `stages`, `s3` and `orchestration`.

    `stages` is what the same handlers compute of such a file on files in place of S3; `s3` is what
    is left of the seconds that the stages tell of.

    Raises
    ------
    subprocess.CalledProcessError
        If no local cloud runs.
    """
    cloud = Cloud()
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder))
        runs = [_run(cloud, next(files), name) for name in range(WARMING + rounds)][WARMING:]
    computed = computing(rounds)
    stages = computed[OURS] + computed["sdk"]
    total, told = (statistics.median(run[name] for run in runs) for name in ("total", "told"))
    return {"total": total, "stages": stages, "s3": told - stages, "orchestration": total - told}


def _files(folder: Path) -> Iterator[bytes]:
    """One file of flights after another."""
    write_samples(folder)
    with (folder / f"{DATASET}.csv").open("rb") as published:
        header = next(published)
        while rows := list(islice(published, ROWS)):
            yield header + b"".join(rows)


def _run(cloud: Cloud, file: bytes, name: int) -> dict[str, float]:
    """Seconds from a file's upload to the end of its run, and what the stages tell."""
    before = cloud.latest()
    began = time.time()
    key = f"input/{DATASET}/{began:.3f}-{name}.csv"
    cloud.s3.put_object(Bucket=cloud.bucket, Key=key, Body=file)
    execution = _ended(cloud, before)
    stages = json.loads(execution["output"])["stages"]
    return {
        "total": execution["stopDate"].timestamp() - began,
        "told": sum(stage["seconds"] for stage in stages),
    }


def _ended(cloud: Cloud, before: str | None) -> Any:
    """The execution that began after another one, once it has ended."""
    while (arn := cloud.latest()) == before or arn is None:
        time.sleep(_POLL_SECONDS)
    while (found := cloud.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(_POLL_SECONDS)
    return found


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true", help="print the seconds as JSON")
    options = parser.parse_args()
    found = shares(options.rounds)
    if options.json:
        print(json.dumps({"rows": ROWS, "rounds": options.rounds, "seconds": found}))
        return
    print("| share | ms |\n| --- | --- |")
    for name, seconds in found.items():
        print(f"| {name} | {1000 * seconds:.0f} |")


if __name__ == "__main__":
    main()
