"""The contract standard's own command line: it accepts our contracts, and passes our outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.dataset as pads
import pytest

from pipeline.plan import load_plan
from tests.contracts.conftest import BROKEN, NAMES

if TYPE_CHECKING:
    from pathlib import Path

Verdicts = dict[tuple[str, str], str]


@pytest.mark.parametrize("name", NAMES)
def test_the_standard_accepts_the_contract_of_the_files(verdicts: Verdicts, name: str) -> None:
    assert verdicts["input", name] == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_standard_accepts_the_contract_of_the_output(verdicts: Verdicts, name: str) -> None:
    assert verdicts["lint", name] == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_output_of_a_real_file_passes_its_contract(verdicts: Verdicts, name: str) -> None:
    assert verdicts["test", name] == ""


def test_an_output_that_breaks_its_contract_is_found_out(verdicts: Verdicts) -> None:
    # GIVEN a sound contract that asks for more than the output has
    assert verdicts["lint", BROKEN] == ""

    # THEN it is found out: the command does not pass everything
    assert "dep_time" in verdicts["test", BROKEN]


@pytest.mark.parametrize("name", NAMES)
def test_files_with_types_have_those_of_the_plan(
    name: str, outputs: dict[str, Path], compiled_datasets: Path
) -> None:
    # GIVEN the files of a dataset, at whose types the standard's command does not look
    plan = load_plan(compiled_datasets, name)
    expected = dict(plan.schemas["enrich"])
    for column in plan.write.partition_by:
        expected.pop(column)

    if plan.write.format == "parquet":
        found = pads.dataset(outputs[name], format="parquet").schema
        assert {field.name: str(field.type) for field in found} == expected
