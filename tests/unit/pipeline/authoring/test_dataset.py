"""Compiling whole datasets: hashes, builds, and `pipeline check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline.authoring.build import DatasetError, compile_datasets, dataset_folders
from pipeline.authoring.check import check_datasets
from pipeline.authoring.dataset import CompiledDataset, compiled_dataset, ipc_bytes
from pipeline.plan import load_plan
from tests.unit.pipeline.support import CONTRACT, with_custom

if TYPE_CHECKING:
    from collections.abc import Callable

REAL = Path(__file__).parents[4] / "datasets"
STEPS = "transform:\n  - python: twice\nenrich:\n  - {lookup: p, on: {a: k}, add: {v: v}}\n"
FILES = {"steps.py": "def twice(f): return f['n'] * 2\n", "lookups/p.csv": "k,v\nA,1\n"}


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_dataset_has_the_same_hash(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    plans = [compile_dataset(STEPS, files=FILES).plan for _ in range(2)]

    assert plans[0] is not None
    assert plans[0] == plans[1]
    assert len(plans[0].hash) == 16
    assert int(plans[0].hash, 16) >= 0


@pytest.mark.parametrize(
    "changes",
    [
        {"contract": CONTRACT.replace("integer", "number")},
        {"contract": CONTRACT.replace("version: 1.0.0", "version: 1.0.1")},
        {"contract": with_custom("limits", "{maxColumns: 20}")},
        {"files": {**FILES, "steps.py": "def twice(f): return f['n'] * 3\n"}},
        {"files": {**FILES, "lookups/p.csv": "k,v\nA,2\n"}},
        {"name": "others"},
    ],
)
def test_what_can_change_the_output_changes_the_hash(
    compile_dataset: Callable[..., CompiledDataset], changes: dict[str, object]
) -> None:
    before = compile_dataset(STEPS, files=FILES).plan
    after = compile_dataset(STEPS, **{"files": FILES, **changes}).plan

    assert before is not None
    assert after is not None
    assert before.hash != after.hash


def test_whether_a_person_is_told_of_rejects_changes_the_hash(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    quiet, told = (
        compile_dataset(f"rejects: {{notify: {notify}}}\n").plan for notify in ("false", "true")
    )

    assert quiet is not None
    assert told is not None
    assert (quiet.rejects.notify, told.rejects.notify) == (False, True)
    assert quiet.hash != told.hash


def test_comments_do_not_change_the_hash(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    before = compile_dataset(STEPS, files=FILES).plan
    after = compile_dataset("# why\n" + STEPS, contract="# who\n" + CONTRACT, files=FILES).plan

    assert before == after


def test_with_an_error_there_is_no_plan(compile_dataset: Callable[..., CompiledDataset]) -> None:
    assert compile_dataset("transform: [{filter: nope}]\n").plan is None
    assert compile_dataset("nope: 1\n").plan is None
    assert compile_dataset(contract="nope: 1\n").plan is None


def test_errors_of_both_files_are_found_at_once(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    found = compile_dataset("nope: 1\n", contract=CONTRACT.replace("kind:", "kine:")).findings

    assert {Path(finding.file).name for finding in found} == {
        "contract.odcs.yaml",
        "pipeline.yaml",
    }


@pytest.mark.parametrize("name", ["contract.odcs.yaml", "pipeline.yaml"])
def test_a_dataset_needs_both_files(write_dataset: Callable[..., Path], name: str) -> None:
    folder = write_dataset()
    (folder / name).unlink()

    compiled = compiled_dataset(folder)

    assert [found.message for found in compiled.findings] == [
        f"there is no {name}; a dataset needs one"
    ]
    assert compiled.plan is None


def test_equal_tables_have_equal_bytes_however_they_are_chunked() -> None:
    table = pa.table({"a": [1, 2, 3]})
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])

    assert ipc_bytes(chunked) == ipc_bytes(table)


def test_a_build_is_what_the_functions_load(
    write_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_dataset(STEPS, files=FILES)

    compile_datasets(folder.parent, tmp_path / "build")

    assert set(files_below(tmp_path / "build")) == {
        "things/lineage.json",
        "things/plan.json",
        "things/steps.py",
        "things/lookups/p.arrow",
    }
    assert load_plan(tmp_path / "build", "things") == compiled_dataset(folder).plan


def test_a_build_of_the_same_sources_has_the_same_bytes(tmp_path: Path) -> None:
    compile_datasets(REAL, tmp_path / "one")
    compile_datasets(REAL, tmp_path / "two")

    assert files_below(tmp_path / "one") == files_below(tmp_path / "two")
    for name in ("flights", "weather"):
        plan = json.loads((tmp_path / "one" / name / "plan.json").read_text("utf-8"))
        assert str(tmp_path) not in json.dumps(plan)


def test_nothing_is_built_when_one_dataset_has_errors(
    write_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    write_dataset(name="fine")
    folder = write_dataset("transform:\n  - filter: nope\n", name="wrong")

    with pytest.raises(DatasetError) as raised:
        compile_datasets(folder.parent, tmp_path / "build")

    assert not (tmp_path / "build").exists()
    assert f"{folder / 'pipeline.yaml'}:2:5: error: " in str(raised.value)
    assert "`pipeline check`" in str(raised.value)
    assert len(raised.value.findings) == 1


def test_notes_stop_no_build(write_dataset: Callable[..., Path], tmp_path: Path) -> None:
    noted = CONTRACT + "slaProperties: [{property: latency, value: 4, unit: d}]\n"

    compile_datasets(write_dataset(contract=noted).parent, tmp_path / "build")

    assert (tmp_path / "build" / "things" / "plan.json").is_file()


def test_the_datasets_of_this_repository_have_no_errors() -> None:
    names = [folder.name for folder in dataset_folders(REAL)]

    assert {"flights", "weather"} <= set(names)
    assert [found for found in check_datasets(REAL, []) if found.severity == "error"] == []


def test_check_looks_at_the_named_datasets_only(write_dataset: Callable[..., Path]) -> None:
    write_dataset("nope: 1\n", name="one")
    folder = write_dataset("nope: 2\n", name="two").parent

    assert [Path(f.file).parent.name for f in check_datasets(folder, ["two"])] == ["two"]
    assert [Path(f.file).parent.name for f in check_datasets(folder, [])] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("thing", "there is no dataset 'thing'; did you mean 'things'?"),
        ("zzz", "there is no dataset 'zzz'; there are: things"),
    ],
)
def test_a_name_that_is_no_dataset_is_a_finding(
    write_dataset: Callable[..., Path], name: str, message: str
) -> None:
    (found,) = check_datasets(write_dataset().parent, [name])

    assert (found.severity, found.message) == ("error", message)


def test_in_an_empty_folder_there_are_none(tmp_path: Path) -> None:
    (found,) = check_datasets(tmp_path, ["things"])

    assert found.message.endswith("there are: none")
    assert check_datasets(tmp_path, []) == []


def test_extra_columns_that_are_kept_are_a_column_of_all_stages(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    kept = compile_dataset("drift: {extra_column: keep}\ntransform: [{filter: a > ''}]\n").plan
    ignored = compile_dataset("drift: {extra_column: ignore}\n").plan

    assert kept is not None
    assert ignored is not None
    assert {stage: types.get("_extra") for stage, types in kept.schemas.items()} == dict.fromkeys(
        ("validate", "clean", "transform", "enrich"), "string"
    )
    assert all("_extra" not in types for types in ignored.schemas.values())
