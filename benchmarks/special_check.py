"""Whether two systems made the same of a file of `special`.

`python -m benchmarks.special_check RESULT REFERENCE DATASET`, where either is the folder of a plain
peer or the product's output bucket. Says what differs, and exits 1 if anything does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.plain_peers import REJECTED, WRITTEN
from benchmarks.special import COLUMNS

MANIFESTS: Final = "manifests"


def differences(result: Path, reference: Path, columns: list[str]) -> list[str]:
    """Return one line for each kind of rows, accepted and rejected, that is not the same."""
    ours, theirs = (_queries(folder, columns) for folder in (result, reference))
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        return [
            f"{kind}: {found} in place of {wanted} (rows, sum of their hashes)"
            for kind in ours
            for found, wanted in [[_bag(engine, query[kind]) for query in (ours, theirs)]]
            if found != wanted
        ]


def _queries(folder: Path, columns: list[str]) -> dict[str, str]:
    """Accepted rows with their types, rejected ones as in the file, with their numbers."""
    cells = ", ".join(columns)
    if (folder / MANIFESTS).exists():
        raw = ", ".join(f"{name} VARCHAR" for name in columns)
        accepted = f"read_parquet('{folder}/processed/*/*.parquet')"
        rejected = (
            f"(SELECT row_number AS line, unnest(raw) FROM read_json('{folder}/quarantine/*/*/"
            f"validate.jsonl', columns={{row_number: 'BIGINT', raw: 'STRUCT({raw})'}}, "
            "format='newline_delimited'))"
        )
    else:
        accepted = f"read_parquet('{folder / WRITTEN}')"
        rejected = f"read_parquet('{folder / REJECTED}')"
    return {
        "accepted": f"SELECT {cells} FROM {accepted}",
        "rejected": f"SELECT line::BIGINT AS line, {cells} FROM {rejected}",
    }


def _bag(engine: duckdb.DuckDBPyConnection, query: str) -> Any:
    """Number of rows and sum of their hashes, which no order changes."""
    names = ", ".join(name for name, *_ in engine.execute(f"DESCRIBE {query}").fetchall())
    sums = f"SELECT count(*), coalesce(sum(hash({names})), 0)::HUGEINT FROM ({query})"
    return engine.execute(sums).fetchone()


if __name__ == "__main__":
    result, reference, dataset = sys.argv[1:]
    names = [column.name for column in COLUMNS[dataset]()]
    found = differences(Path(result), Path(reference), names)
    if found:
        sys.exit("\n".join(found))
