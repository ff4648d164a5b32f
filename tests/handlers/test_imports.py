"""What a cold start imports, and what the stages never need."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from functions.validate.core import ValidateState, validate
from pipeline.constants import STAGES
from pipeline.formats.readers import read_chunks
from tests.handlers import samples

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.plan import Plan

AUTHORING = ("yaml", "pydantic", "jsonschema", "pipeline.authoring", "infra", "cli", "rich")
TESTING = ("moto", "pytest", "unittest", "numpy.testing", "benchmarks")
LINEAGE = ("openlineage", "attr", "attrs", "requests", "httpx")
SLOW = (
    *("pandas", "duckdb", "boto3", "s3transfer", "aws_xray_sdk", "asyncio", "multiprocessing"),
    *("pyarrow.parquet", "pyarrow.dataset", "pyarrow.fs", "pyarrow.csv", "pyarrow.json"),
)
MOST_MODULES = 560
"""Of a handler; most of them are botocore's, pyarrow's, numpy's, Powertools' and Python's own."""


def modules_after(statements: str, *arguments: str) -> set[str]:
    """Names of the modules that a new process has after some statements."""
    program = f"{statements}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("stage", STAGES)
def test_cold_start_imports_the_stage_and_nothing_slow(stage: str) -> None:
    # WHEN
    imported = modules_after(f"import functions.{stage}.handler")

    # THEN
    assert imported & {*AUTHORING, *TESTING, *LINEAGE, *SLOW} == set()
    assert len(imported) <= MOST_MODULES
    stages = {name.split(".")[1] for name in imported if name.startswith("functions.")}
    assert stages == {stage}


STARTED = """
import gc, json, os
usual = gc.get_threshold()
import functions.clean.handler
import pyarrow
print(json.dumps([gc.get_threshold() == usual, gc.get_freeze_count(), len(gc.get_objects()),
                  os.environ["OPENBLAS_NUM_THREADS"], pyarrow.default_memory_pool().backend_name]))
"""


def test_nothing_that_is_imported_is_searched_for_garbage_later() -> None:
    # WHEN
    command = [sys.executable, "-c", STARTED]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    as_usual, set_apart, searched, threads, memory = json.loads(done.stdout)

    # THEN what comes later is, as ever
    assert as_usual
    assert set_apart > 20 * searched
    assert threads == "1"
    assert memory == "system"


READ = """
import io, sys
from pathlib import Path
from pipeline.formats.readers import read_chunks
from pipeline.plan import load_plan

plan = load_plan(Path(sys.argv[1]), sys.argv[2])
file = io.BytesIO(sys.argv[4].encode())
assert sum(chunk.rows for chunk in read_chunks(file, plan, key=sys.argv[3])) == 1
"""


@pytest.mark.parametrize(
    ("dataset", "key", "text", "other"),
    [
        ("flights", "a.csv", samples.flights(samples.flight()).decode(), "json"),
        ("weather", "b.jsonl", samples.json_lines(samples.reading(5)).decode(), "csv"),
    ],
)
def test_file_of_one_format_never_imports_the_reader_of_the_other(
    compiled_datasets: Path, dataset: str, key: str, text: str, other: str
) -> None:
    imported = modules_after(READ, str(compiled_datasets), dataset, key, text)
    assert imported & {f"pyarrow.{other}", f"pipeline.formats.{other}"} == set()


TRANSFORM = """
import sys
from pathlib import Path
import pyarrow as pa
from functions.transform.core import TransformState, transform
from dataclasses import replace
from pipeline.plan import load_plan
from pipeline.plan_steps import Step

plan = load_plan(Path(sys.argv[1]), "flights")
january = Step("filter", {"where": "month = 1", "inputs": ["month"]})
plan = replace(plan, transform=(*plan.transform, january))
state = TransformState(plan)
with pa.ipc.open_stream(sys.argv[2]) as staged:
    assert sum(transform.arrow(batch, plan, state).frame.num_rows for batch in staged)
"""


def test_transform_without_python_steps_never_imports_pandas(
    compiled_datasets: Path, flights: Plan, flights_csv: Path, tmp_path: Path
) -> None:
    # GIVEN validated rows; pandas lies ready in this stage's layers
    with flights_csv.open("rb") as file:
        chunk = next(read_chunks(file, flights))
    batch = validate.arrow(chunk.batch, flights, ValidateState(flights)).frame
    staged = tmp_path / "staged.arrows"
    with pa.ipc.new_stream(staged, batch.schema) as stream:
        stream.write_batch(batch)

    # WHEN
    imported = modules_after(TRANSFORM, str(compiled_datasets), str(staged))

    # THEN the SQL steps did not import it
    assert "duckdb" in imported
    assert imported & {"pandas", *AUTHORING} == set()
