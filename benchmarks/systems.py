"""What is measured: the product's ways to run, and what it could be replaced with.

Each takes a case (a file of a dataset) and leaves its rows in a folder; what it took is that of
whole processes, but for the warm product, which tells of its work alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.processes import ProcessError, Spent, spent_by
from benchmarks.stages import STAGES
from infra.packaging.layers import absent_modules
from pipeline.constants import ENV_DATASETS_DIR, ENV_OUTPUT_BUCKET, ENV_STAGING_BUCKET
from pipeline.guard import ENV_MEMORY_MB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT: Final = Path(__file__).parents[1]
PEERS_PYTHON: Final = ROOT / ".venv/share/bench/bin/python"
PATH: Final = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
"""What each process is told. Bytecode is written, whatever this one was told: a function has it."""
AWS: Final = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "eu-west-1",
}
"""What the SDK wants to know, though nothing is sent."""
DATASET: Final = "departures"
"""The dataset that all systems are compared on."""
LOOKUPS: Final = ROOT / "datasets" / "flights" / "lookups"
"""Its lookup tables: those of the example that it is grown from."""
BUCKET: Final = "input"
"""Bucket of the files that the product is told of."""
OUTPUT: Final = "output"
STAGING: Final = "staging"
COMPILED: Final = "compiled"
"""Folder of the compiled datasets, in the workplace."""
EVENT: Final = "event.json"
"""An event that names no object yet, in the workplace."""


@dataclass(frozen=True)
class Case:
    """A file of a dataset, and its key in the store laid out in the folder `store`.

    `compiled` is the folder of compiled datasets, `warm_key` another file of the dataset in the
    store, `memory_mb` the size of the functions, if they are to have one.
    """

    name: str
    dataset: str
    file: Path
    rows: int
    store: Path
    compiled: Path
    key: str
    warm_key: str
    memory_mb: int | None = None


@dataclass(frozen=True)
class Measured:
    """What a run took, the product's also by stage, and the folder in which its rows are."""

    spent: Spent
    result: Path
    stages: dict[str, Spent] = field(default_factory=dict)


@dataclass(frozen=True)
class System:
    """Something that does the work: `measure` does it once, in a folder that is empty.

    `most_rounds` is how often it takes its turn at most.
    """

    name: str
    title: str
    measure: Callable[[Case, Path], Measured]
    formats: tuple[str, ...] = (".csv", ".jsonl")
    most_rounds: int | None = None


def _cold(case: Case, folder: Path) -> Measured:
    """Five processes, one after the other, each of which imports its handler."""
    _copy_of_store(case, folder)
    stages = {
        stage: spent_by(_command(case, folder, stage), _variables(case))[0] for stage in STAGES
    }
    return Measured(Spent.in_turn(stages.values()), folder / "objects" / OUTPUT, stages)


def _one_process(case: Case, folder: Path) -> Measured:
    """One process, which imports five handlers."""
    _copy_of_store(case, folder)
    spent, _ = spent_by(_command(case, folder, *STAGES), _variables(case))
    return Measured(spent, folder / "objects" / OUTPUT)


def _warm(case: Case, folder: Path) -> Measured:
    """The work alone, in one process that has worked on another file before."""
    _copy_of_store(case, folder)
    command = _command(case, folder, *STAGES, more=["--warm", case.warm_key])
    _, printed = spent_by(command, _variables(case))
    told = json.loads(printed.splitlines()[-1])
    peak = told["peak_mb"]
    stages = {stage: Spent(**spent, peak_mb=peak) for stage, spent in told["stages"].items()}
    return Measured(Spent(**told["work"], peak_mb=peak), folder / "objects" / OUTPUT, stages)


def _command(case: Case, folder: Path, *stages: str, more: Sequence[str] = ()) -> list[str]:
    arguments = (str(folder), case.key, *stages, *_hidden(stages), *more)
    return [sys.executable, "-m", "benchmarks.stages", *arguments]


def _hidden(stages: Iterable[str]) -> list[str]:
    """Options that hide the modules that none of the stages' functions has."""
    absent = set.intersection(*(set(absent_modules(stage)) for stage in stages))
    return [f"--absent={module}" for module in sorted(absent)]


def _copy_of_store(case: Case, folder: Path) -> None:
    """A store of its own for a run: what was committed once is not processed again."""
    shutil.copytree(case.store, folder, copy_function=os.link, dirs_exist_ok=True)


def function_variables(compiled: Path) -> dict[str, str]:
    """Return the environment of the functions; `compiled` is the folder of compiled datasets."""
    return {
        **PATH,
        **AWS,
        ENV_DATASETS_DIR: str(compiled),
        ENV_OUTPUT_BUCKET: OUTPUT,
        ENV_STAGING_BUCKET: STAGING,
    }


def _variables(case: Case) -> dict[str, str]:
    size = {} if case.memory_mb is None else {ENV_MEMORY_MB: str(case.memory_mb)}
    return function_variables(case.compiled) | size


def _peer(module: str, case: Case, folder: Path, *more: str) -> Measured:
    """A peer, which is a process of its own with packages of its own."""
    arguments = (str(case.file), str(folder), *more)
    spent, _ = spent_by([str(PEERS_PYTHON), "-m", module, *arguments], PATH)
    return Measured(spent, folder)


def _peer_with_lookups(module: str, case: Case, folder: Path) -> Measured:
    return _peer(module, case, folder, "--lookups", str(LOOKUPS))


def _system(name: str, title: str, *formats: str) -> System:
    return System(name, title, partial(_peer_with_lookups, f"benchmarks.peers.{name}"), formats)


def _plain_peer(tool: str, case: Case, folder: Path) -> Measured:
    """A peer on one of the datasets of unusual shape."""
    command = [str(PEERS_PYTHON), "-m", "benchmarks.plain_peers"]
    spent, _ = spent_by([*command, tool, case.dataset, str(case.file), str(folder)], PATH)
    return Measured(spent, folder)


def _validate_alone(case: Case, folder: Path) -> Measured:
    """The first stage, in a process of its own."""
    _copy_of_store(case, folder)
    spent, _ = spent_by(_command(case, folder, STAGES[0]), _variables(case))
    return Measured(spent, folder)


PRODUCT: Final = (
    System("cold", "**Lambda Pipelines**, cold: five processes", _cold),
    System("one_process", "**Lambda Pipelines**, cold: one process", _one_process),
    System("warm", "**Lambda Pipelines**, warm: the work alone", _warm),
)
PEERS: Final = (
    _system("seed", "one naive function, nothing validated (the seed)", ".csv"),
    replace(_system("stages", "five naive stages, CSV between them", ".csv"), most_rounds=3),
    _system("polars", "polars, in memory", ".csv", ".jsonl"),
    _system("polars_streaming", "polars, streaming", ".csv", ".jsonl"),
    _system("duckdb", "DuckDB", ".csv", ".jsonl"),
    _system("limit", "limit: pyarrow, CSV to Parquet, no other work", ".csv"),
)
SPECIAL_PEERS: Final = tuple(
    System(name, title, partial(_plain_peer, name), (".csv",))
    for name, title in (("polars", "polars, in memory"), ("duckdb", "DuckDB"))
)
SYSTEMS: Final = (*PRODUCT, *PEERS)
VALIDATORS: Final = (
    System("validate", "**Lambda Pipelines**: the stage validate, cold", _validate_alone),
    *(
        System(name, name, partial(_peer, f"benchmarks.validators.{name}"))
        for name in ("polars", "duckdb", "pandera", "frictionless")
    ),
)
EVERY_SYSTEM: Final = tuple(dict.fromkeys(one.name for one in (*SYSTEMS, *VALIDATORS)))
"""Names, in the order of the tables."""


class DifferenceError(Exception):
    """Two systems did not give the same rows; the text says which columns differ."""


def check(result: Path, reference: Path, dataset: str) -> None:
    """Compare what two runs accepted and rejected, as bags of whole rows.

    Raises
    ------
    DifferenceError
        If they differ: the figure of this run does not count.
    """
    module = "check" if dataset == DATASET else "special_check"
    more = () if dataset == DATASET else (dataset,)
    command = [sys.executable, "-m", f"benchmarks.{module}", str(result), str(reference), *more]
    try:
        spent_by(command, PATH)
    except ProcessError as error:
        raise DifferenceError(str(error)) from error
