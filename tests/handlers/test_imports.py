"""What a cold start imports, and what the stages never need."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.constants import STAGES

if TYPE_CHECKING:
    from pathlib import Path

AUTHORING = ("yaml", "pydantic", "jsonschema", "pipeline.authoring", "infra", "cli")
SLOW = ("pandas", "duckdb", "boto3", "aws_xray_sdk", "pyarrow.parquet")


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
    assert imported & {*AUTHORING, *SLOW} == set()
    stages = {name.split(".")[1] for name in imported if name.startswith("functions.")}
    assert stages == {stage}


PROCESS = """
import sys
from pathlib import Path
from functions.clean.core import CleanState, clean
from functions.enrich.core import EnrichState, enrich
from functions.transform.core import TransformState, transform
from functions.validate.core import ValidateState, validate
from functions.write.core import WriteState, partitions, write
from pipeline.formats.readers import read_chunks
from pipeline.plan import load_plan

plan = load_plan(Path(sys.argv[1]), "flights")
cores = [(validate, ValidateState), (clean, CleanState), (transform, TransformState),
         (enrich, EnrichState), (write, WriteState)]
for chunk in read_chunks(open(sys.argv[2], "rb"), plan):
    batch = chunk.batch
    for core, state in cores:
        batch = core.arrow(batch, plan, state(plan)).frame
    rows = sum(part.num_rows for _, part in partitions(batch, plan))
assert rows
"""


def test_stages_without_python_steps_never_import_pandas(
    compiled_datasets: Path, flights_csv: Path, tmp_path: Path
) -> None:
    # GIVEN real rows, and bad ones
    sample = tmp_path / "sample.csv"
    with flights_csv.open() as file:
        lines = [next(file) for _ in range(200)]
    sample.write_text("".join([*lines, lines[5], lines[7].replace("2013,1,", "2013,13,", 1)]))

    # WHEN
    imported = modules_after(PROCESS, str(compiled_datasets), str(sample))

    # THEN
    assert "duckdb" in imported
    assert imported & {"pandas", *AUTHORING} == set()
