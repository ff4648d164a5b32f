"""docs/performance.md, from results: `python -m benchmarks.report [--write] < results.json`.

Prints the page; with `--write` it goes to docs/ with its plots, and its name is printed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import prose
from benchmarks.reasons import reasons
from benchmarks.tables import (
    table_of_growth,
    table_of_shares,
    table_of_small_files,
    table_of_special,
    table_of_stages,
    table_of_starts,
    table_of_systems,
    table_of_targets,
)
from benchmarks.targets import targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Result = Mapping[str, Any]

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = DOCS / "performance.md"
SYSTEMS_PLOT: Final = "performance-systems.png"
GROWTH_PLOT: Final = "performance-growth.png"


def page(results: Result) -> str:
    """Return the page: a section for every experiment that there are results of."""
    sections = [prose.BEGINNING.format(**results["about"]), _targets(results)]
    sections += [section(results) for name, section in _SECTIONS.items() if name in results]
    return "\n".join([*sections, _how(results["about"])])


def _targets(results: Result) -> str:
    every = targets(results)
    missed = [one.what for one in every if not one.met]
    said = f"Missed: {'; '.join(missed)}." if missed else "None is missed."
    count = f"{len(every) - len(missed)} of {len(every)} are met."
    why = f"\nWhy they are missed:\n\n{found}\n" if (found := reasons(results)) else ""
    return f"## Targets\n\n{count} {said}\n\n{table_of_targets(results)}{why}"


def _table(results: Result) -> str:
    result = results["table"]
    return prose.TABLE.format(
        **_facts(result),
        rounds=max(len(system["runs"]) for system in result["systems"].values()),
        stages_rounds=len(result["systems"].get("stages", {}).get("runs", ())),
        plot=SYSTEMS_PLOT,
        table=table_of_systems(result, "seed"),
        stages=table_of_stages(result),
    )


def _jsonl(results: Result) -> str:
    result = results["jsonl"]
    return prose.JSONL.format(**_facts(result), table=table_of_systems(result, "cold"))


def _scale(results: Result) -> str:
    sizes = results["scale"]["sizes"]
    smallest, largest = (
        len(size["systems"].get("warm", {}).get("runs", ())) for size in (sizes[0], sizes[-1])
    )
    table = table_of_growth(results)
    return prose.SCALE.format(plot=GROWTH_PLOT, table=table, rounds=smallest, most_rounds=largest)


def _special(results: Result) -> str:
    return prose.SPECIAL.format(table=table_of_special(results, prose.SHAPES))


def _large(results: Result) -> str:
    result = results["large"]
    table = table_of_stages(result)
    return prose.LARGE.format(**_facts(result), memory_mb=result["memory_mb"], table=table)


def _validators(results: Result) -> str:
    result = results["validators"]
    return prose.VALIDATORS.format(**_facts(result), table=table_of_systems(result, "validate"))


def _start(results: Result) -> str:
    return prose.START.format(table=table_of_starts(results["start"]))


def _small_files(results: Result) -> str:
    result = results["small_files"]
    return prose.SMALL_FILES.format(rows=f"{result['rows']:,}", table=table_of_small_files(result))


def _local_cloud(results: Result) -> str:
    result = results["local_cloud"]
    return prose.LOCAL_CLOUD.format(
        rows=f"{result['rows']:,}", rounds=result["rounds"], table=table_of_shares(result)
    )


_SECTIONS: Final[dict[str, Callable[[Result], str]]] = {
    "table": _table,
    "jsonl": _jsonl,
    "scale": _scale,
    "special": _special,
    "large": _large,
    "validators": _validators,
    "start": _start,
    "small_files": _small_files,
    "local_cloud": _local_cloud,
}


def _how(about: Result) -> str:
    packages, peers = (
        ", ".join(f"{name} {version}" for name, version in about[of].items())
        for of in ("packages", "peers_packages")
    )
    return prose.HOW.format(**about, ours=packages, theirs=peers)


def _facts(result: Result) -> dict[str, object]:
    return {"rows": f"{result['rows']:,}", "megabytes": f"{result['bytes'] / 1e6:,.0f}"}


def write(results: Result) -> None:
    """Write the page and its plots."""
    from benchmarks.plots import save_growth, save_systems  # noqa: PLC0415 - only plots need it

    PAGE.write_text(page(results), "utf-8")
    save_systems(results["table"], DOCS / SYSTEMS_PLOT)
    save_growth(results, DOCS / GROWTH_PLOT)


if __name__ == "__main__":
    found = json.load(sys.stdin)
    if "--write" in sys.argv[1:]:
        write(found)
        print(PAGE)
    else:
        print(page(found))
