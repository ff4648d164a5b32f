"""What is measured, how often, and what is kept of it.

In each round every system takes its turn, in another order. A run counts if its rows are those of
the product's first run on the same file; `benchmarks.check` compares them.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import ProcessError
from benchmarks.small import computing, on_local_cloud
from benchmarks.start import starts
from benchmarks.systems import (
    DATASET,
    PEERS,
    PRODUCT,
    SPECIAL_PEERS,
    SYSTEMS,
    VALIDATORS,
    DifferenceError,
    check,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from benchmarks.systems import Case, System
    from benchmarks.workplace import Workplace

    Result = dict[str, Any]

START_ROUNDS: Final = 4
"""Starts of each function for each round."""
MEMORY_MB: Final = 512
"""Memory size of the functions that a large file has to go through."""


@dataclass(frozen=True)
class Sizes:
    """Rows of each experiment's files, and how often each system takes its turn."""

    table: int
    scale: tuple[int, ...]
    validators: int
    special: dict[str, int]
    large: int
    small_files: int
    rounds: int
    scale_rounds: int


FULL: Final = Sizes(
    table=1_000_000,
    scale=(1_000, 100_000, 1_000_000, 5_000_000, 10_000_000),
    validators=100_000,
    special={"wide": 20_000, "letters": 10_000, "distinct": 500_000},
    large=540_000,
    small_files=30,
    rounds=5,
    scale_rounds=2,
)
QUICK: Final = Sizes(
    table=10_000,
    scale=(1_000, 10_000),
    validators=1_000,
    special={"wide": 100, "letters": 100, "distinct": 1_000},
    large=1_000,
    small_files=3,
    rounds=1,
    scale_rounds=1,
)
EXPERIMENTS: Final = (
    "table",
    "jsonl",
    "scale",
    "special",
    "large",
    "validators",
    "start",
    "small_files",
    "local_cloud",
)
"""Methods of `Bench`, in the order in which they are called."""
QUICK_EXPERIMENTS: Final = tuple(name for name in EXPERIMENTS if name != "local_cloud")
"""A cloud of its own takes most of a minute to start, and the tests have one."""


class Bench:
    """Takes systems through cases, and tells what is going on.

    Parameters
    ----------
    only
        Names of the systems that take part; all, if it is empty.
    tell
        Is told, before each run, what is about to run.
    """

    def __init__(
        self, work: Workplace, sizes: Sizes, only: Sequence[str], tell: Callable[[str], None]
    ) -> None:
        self.sizes = sizes
        self._work = work
        self._only = frozenset(only)
        self._tell = tell

    def table(self) -> Result:
        """All systems on a CSV file."""
        return self._compared(SYSTEMS, DATASET, self.sizes.table, ".csv")

    def jsonl(self) -> Result:
        """Those that read JSON Lines, on a file of the same rows."""
        systems = [system for system in SYSTEMS if ".jsonl" in system.formats]
        return self._compared(systems, DATASET, self.sizes.table, ".jsonl")

    def scale(self) -> Result:
        """The product cold and warm on files of many sizes, and two peers once, beside it."""
        cold, _, warm = PRODUCT
        beside = [one for one in PEERS if one.name in ("polars_streaming", "duckdb")]
        systems = [cold, warm, *(replace(one, most_rounds=1) for one in beside)]
        found: list[Result] = []
        for rows in reversed(self.sizes.scale):  # a smaller file is the beginning of a larger one
            rounds = self.sizes.rounds if rows <= self.sizes.table else self.sizes.scale_rounds
            found.insert(0, self._compared(systems, DATASET, rows, ".csv", rounds))
        return {"sizes": found}

    def special(self) -> Result:
        """The product and two peers on files of an unusual shape."""
        cold, _, warm = PRODUCT
        found = {}
        for name, rows in self.sizes.special.items():
            systems = [cold, warm, *SPECIAL_PEERS]
            found[name] = self._compared(systems, name, rows, ".csv")
        return found

    def large(self) -> Result:
        """The product on a file ten times as large as its functions' memory."""
        case = replace(self._case("letters", self.sizes.large, ".csv"), memory_mb=MEMORY_MB)
        found = {"memory_mb": MEMORY_MB, **_facts(case)}
        found["systems"] = self._rounds(PRODUCT[:1], case, 1)
        self._work.forget(case)
        return found

    def validators(self) -> Result:
        """What checks a file against a contract, and nothing else."""
        return self._compared(VALIDATORS, DATASET, self.sizes.validators, ".csv")

    def start(self) -> Result:
        """How long each function takes to start, in processes of their own."""
        self._tell("start of each function")
        return {"functions": starts(START_ROUNDS * self.sizes.rounds)}

    def small_files(self) -> Result:
        """What small files take in a warm process, one after the other."""
        self._tell(f"{self.sizes.small_files} small files")
        return computing(self.sizes.small_files)

    def local_cloud(self) -> Result:
        """What small files take from upload to the end of the run."""
        self._tell(f"{self.sizes.small_files} small files on a local cloud")
        return on_local_cloud(self._work.empty_folder("cloud"), self.sizes.small_files)

    def _compared(
        self,
        systems: Sequence[System],
        dataset: str,
        rows: int,
        ending: str,
        rounds: int | None = None,
    ) -> Result:
        case = self._case(dataset, rows, ending)
        rounds = rounds or self.sizes.rounds
        found = {**_facts(case), "systems": self._rounds(systems, case, rounds)}
        self._work.forget(case)
        return found

    def _case(self, dataset: str, rows: int, ending: str) -> Case:
        self._tell(f"a {dataset} file of {rows:,} rows ({ending})")
        return self._work.case(dataset, rows, ending)

    def _rounds(self, systems: Iterable[System], case: Case, rounds: int) -> Result:
        """What every system took in each round, by its name, or why it has no figure.

        The first of them sets what the others are compared with.
        """
        every = list(systems)
        chosen = [one for one in every if not self._only or one.name in self._only]
        found: Result = {one.name: {"title": one.title, "runs": []} for one in chosen}
        self._tell(f"{case.name}: what the rows must be")
        reference = every[0].measure(case, self._work.empty_folder("reference")).result
        for number in range(rounds):
            begin = number % max(1, len(chosen))
            for system in chosen[begin:] + chosen[:begin]:
                if number < (system.most_rounds or rounds) and "error" not in found[system.name]:
                    self._tell(f"{case.name}, round {number + 1} of {rounds}: {system.name}")
                    self._take_turn(system, case, reference, found[system.name])
        return found

    def _take_turn(self, system: System, case: Case, reference: Path, found: Result) -> None:
        folder = self._work.empty_folder(system.name)
        try:
            measured = system.measure(case, folder)
            check(measured.result, reference, case.dataset)
        except (ProcessError, DifferenceError) as error:
            found["error"] = str(error)
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        run = _rounded(asdict(measured.spent))
        stages = {stage: _rounded(asdict(spent)) for stage, spent in measured.stages.items()}
        found["runs"].append(run | ({"stages": stages} if stages else {}))


def _facts(case: Case) -> Result:
    return {"rows": case.rows, "bytes": case.file.stat().st_size}


def _rounded(spent: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in spent.items()}
