"""What each function takes to start and to work, packaged as in AWS.

`python -m benchmarks.functions` prints a table. Every stage gets a process of its own,
which imports nothing but the function's asset and its layers (built for this machine), and takes
three files one after another: 1,000 flights (the cold start), 1,000 others (warm), and all 336,776.
S3 is a local cloud in another process, so that waiting for it is not what waiting for S3 is: CPU
seconds are the figures to go by. docs/adr/0011-cold-starts.md says what was made of them.

Options: `--cpu 0.5` holds the functions to half a processor, as a memory size of 885 MB does in
Lambda (needs root, for a control group); `--no-bytecode` leaves out the bytecode that is shipped;
`--repeat 5` takes medians.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import statistics
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from cli.samples import write_samples
from infra.packaging.assets import staged_assets
from infra.packaging.bytecode import add_bytecode
from infra.settings import Target
from pipeline.authoring.build import compile_datasets
from pipeline.constants import ENV_OUTPUT_BUCKET, ENV_STAGING_BUCKET, STAGES
from tests.handlers.cloud import EXECUTION, INPUT, OUTPUT, STAGING, object_created
from tests.infra.packaged import Package, packages
from tests.infra.synthesis import ROOT
from tests.state_machine.engine import running_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SMALL_ROWS = 1_000
PERIOD_US = 100_000
CPU_GROUP = Path("/sys/fs/cgroup/cpu/lambda-pipelines-benchmark")
COLUMNS = ("init", "cold", "warm", "flights")

MEASURE = """
import json, os, sys, time
def now(): return time.perf_counter(), time.process_time()
began = now()
sys.path[:0] = json.loads(os.environ["FUNCTION_PATHS"])
from importlib import import_module
module, name = os.environ["_HANDLER"].rsplit(".", 1)
handler = getattr(import_module(module), name)
moments, memory, results = [began, now()], [], []
from pipeline.process import peak_memory_mb
for event in json.load(sys.stdin):
    memory.append(peak_memory_mb())
    results.append(handler(event, None))
    moments.append(now())
memory.append(peak_memory_mb())
spent = [[b - a for a, b in zip(*both)] for both in zip(moments, moments[1:])]
print(json.dumps({"results": results, "spent": spent, "memory": memory}))
"""


def main() -> None:
    """Measure, and print a table in Markdown."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch, _cpu(options.cpu) as around:
        folder = Path(scratch)
        functions = _functions(folder, bytecode=options.bytecode)
        files = _files(folder / "data")
        with running_cloud(folder) as endpoint:
            runs = [_measured(functions, endpoint, files, around) for _ in range(options.repeat)]
    print("| stage | " + " | ".join(f"{name} wall / CPU s" for name in COLUMNS) + " | peak MB |")
    print("| --- " * (len(COLUMNS) + 2) + "|")
    for stage in STAGES:
        print(_row(stage, [run[stage] for run in runs]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cpu", type=float, help="processors that a function may use")
    parser.add_argument("--no-bytecode", dest="bytecode", action="store_false")
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


def _functions(folder: Path, *, bytecode: bool) -> dict[str, Package]:
    assets = staged_assets(
        root=ROOT,
        build=folder,
        target=Target.AWS,
        compile_datasets=compile_datasets,
        compile_code=add_bytecode if bytecode else None,
    )
    made = packages(assets, folder)
    # What the runtime brings has its bytecode in any case.
    runtime = folder / "compiled-runtime"
    shutil.copytree(folder / "runtime", runtime, ignore=shutil.ignore_patterns("__pycache__"))
    add_bytecode(runtime)
    return {
        stage: Package(stage, package.python, (*_layers(package, folder, bytecode), runtime))
        for stage, package in made.items()
    }


def _layers(package: Package, folder: Path, bytecode: bool) -> list[Path]:
    """Asset and layers; without bytecode, copies of them."""
    folders = list(package.folders[:-1])
    if bytecode:
        return folders
    copies = [folder / "bare" / each.parent.name / each.name for each in folders]
    for source, copy in zip(folders, copies, strict=True):
        if not copy.exists():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copies


def _files(folder: Path) -> list[bytes]:
    """The same number of flights of two months, and all of them."""
    write_samples(folder)
    whole = (folder / "flights.csv").read_bytes()
    header, *lines = whole.splitlines(keepends=True)
    first, last = lines[:SMALL_ROWS], lines[-SMALL_ROWS:]
    return [header + b"".join(first), header + b"".join(last), whole]


def _measured(
    functions: dict[str, Package], endpoint: str, files: list[bytes], around: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What the process of each stage spent, by stage."""
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **_KEYS)
    for bucket in (INPUT, OUTPUT, STAGING):
        s3.create_bucket(Bucket=bucket)
    events = []
    for number, body in enumerate(files):
        key = f"input/flights/{os.urandom(4).hex()}-{number}.csv"  # nothing is done twice
        s3.upload_fileobj(io.BytesIO(body), INPUT, key)
        etag = s3.head_object(Bucket=INPUT, Key=key)["ETag"].strip('"')
        events.append(
            object_created(key, size=len(body), etag=etag, version_id=None, sequencer="01")
        )
    runs: list[Any] = [None] * len(events)
    found = {}
    for stage in STAGES:
        given = [
            {"event": event, "execution": EXECUTION, "run": run}
            for event, run in zip(events, runs, strict=True)
        ]
        variables = {ENV_OUTPUT_BUCKET: OUTPUT, ENV_STAGING_BUCKET: STAGING}
        found[stage] = functions[stage].answer(
            MEASURE, given, around=around, AWS_ENDPOINT_URL=endpoint, **variables
        )
        runs = found[stage]["results"]
    return found


_KEYS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def _row(stage: str, runs: list[dict[str, Any]]) -> str:
    cells = []
    for number in range(len(COLUMNS)):
        wall, cpu = (
            statistics.median(run["spent"][number][kind] for run in runs) for kind in (0, 1)
        )
        cells.append(f"{wall:.2f} / {cpu:.2f}")
    memory = [statistics.median(run["memory"][number] for run in runs) for number in (0, 1, -1)]
    return f"| {stage} | {' | '.join(cells)} | {' / '.join(f'{mb:.0f}' for mb in memory)} |"


@contextmanager
def _cpu(share: float | None) -> Iterator[list[str]]:
    """Start of a command that runs with a share of a processor, as Lambda's quota does it."""
    if share is None:
        yield []
        return
    CPU_GROUP.mkdir()
    try:
        (CPU_GROUP / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (CPU_GROUP / "cpu.cfs_quota_us").write_text(str(int(share * PERIOD_US)))
        joining = f'echo $$ > {CPU_GROUP / "cgroup.procs"}; exec "$@"'
        yield ["/bin/sh", "-c", joining, "sh"]
    finally:
        CPU_GROUP.rmdir()


if __name__ == "__main__":
    main()
