"""Whether two systems made the same of a file, row by row.

    python -m benchmarks.check RESULT REFERENCE

Either is a folder: what a peer or a validator wrote, the product's output bucket after one run
(`benchmarks.stages`), or its whole store after the stage validate alone. Accepted rows are compared
with their types, to the last digit; rejected ones as the file has them, with their numbers and the
columns whose rules they break. Both are bags: no system promises an order. A system that only
copies leaves `copy.csv` or `copy.parquet`, whose cells are compared with those of the file that
REFERENCE was made of. What differs is told by column, and the exit status is 1 if anything does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from benchmarks.peers.departures import COLUMNS, MISSING
from pipeline.staging import frame_batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOT_COMPARED: Final = ("processed_date", "status", "_row_number")
"""Columns of the product that are about its run or its work; no peer has them."""
MANIFESTS: Final = "manifests"
OBJECTS: Final = "objects"


class LayoutError(Exception):
    """A folder is not what a system leaves."""


def main() -> None:
    """Compare what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("reference", type=Path)
    named = parser.parse_args()
    found = differences(named.result, named.reference)
    if found:
        sys.exit("\n".join(found))


def differences(result: Path, reference: Path) -> list[str]:
    """Return one line for each column that differs, none if the two are the same.

    Raises
    ------
    LayoutError
        If a folder is not what a system leaves.
    """
    for copy in result.glob("copy.*"):
        return compared({"cells": _cells(copy)}, {"cells": _cells(_source(reference))})
    return compared(queries(result), queries(reference))


def compared(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return what differs between two systems' rows, each kind of rows a query.

    Sums of hashes of each column say which one differs, those of whole rows tell a value from one
    that another row should have.
    """
    found = []
    for kind in {**ours, **theirs}:
        if kind not in ours or kind not in theirs:
            found.append(f"{kind}: only one of the two has such rows")
            continue
        bag, wanted = _bag(ours[kind]), _bag(theirs[kind])
        found += [
            f"{kind}: {name}: {bag.get(name, 'absent')} in place of {wanted.get(name, 'absent')}"
            for name in {**bag, **wanted}
            if bag.get(name) != wanted.get(name)
        ]
    return found


def _bag(query: str) -> dict[str, str]:
    """The number of rows, and for each column its type and the sum of its values' hashes."""
    duckdb.execute("SET TimeZone = 'UTC'")
    described = duckdb.execute(f"DESCRIBE {query}").fetchall()
    types = {name: kind for name, kind, *_ in sorted(described)}
    names = [f'"{name}"' for name in types]
    sums = ", ".join(f"sum(hash({hashed}))" for hashed in (*names, ", ".join(names)))
    (row,) = duckdb.execute(f"SELECT count(*), {sums} FROM ({query})").fetchall()
    rows, *columns, whole = row
    each = {name: f"{types[name]} {value}" for name, value in zip(types, columns, strict=True)}
    return {"rows": str(rows), **each, "whole rows": str(whole)}


def queries(result: Path) -> dict[str, str]:
    """Return the rows of a result, by their kind, each as a query."""
    if (result / OBJECTS).exists():
        run = _only(result.glob("runs/*.json"), result)
        return _of_the_product(result / OBJECTS, run)
    if (result / MANIFESTS).exists():
        return _of_the_product(result.parent, _committed(result))
    written = sorted((result / "written").glob("**/*.parquet"))
    rejected = f"read_parquet({_list([result / 'rejected.parquet'])})"
    return {"accepted": _accepted(f"read_parquet({_list(written)})"), "rejected": _told(rejected)}


def _committed(bucket: Path) -> dict[str, Any]:
    """The summary of the run that is committed in an output bucket."""
    run: dict[str, Any] = _only(bucket.glob(f"{MANIFESTS}/*/*.json"), bucket)["run"]
    return run


def _only(files: Iterable[Path], folder: Path) -> dict[str, Any]:
    """The document of a single run."""
    found = list(files)
    if len(found) != 1:
        message = f"{folder} has {len(found)} runs, and should have one"
        raise LayoutError(message)
    document: dict[str, Any] = json.loads(found[0].read_text("utf-8"))
    return document


def _source(bucket: Path) -> Path:
    """The file that an output bucket's run was of."""
    source: dict[str, str] = _committed(bucket)["source"]
    return bucket.parent / source["bucket"] / source["key"]


def _of_the_product(store: Path, run: dict[str, Any]) -> dict[str, str]:
    written, quarantine = (
        [store / uri.removeprefix("s3://") for uri in uris]
        for uris in (run["outputs"], run["rejects"]["quarantine"])
    )
    staged = store / run["data"]["bucket"] / run["data"]["key"]
    rows = f"read_parquet({_list(written)})" if written else _frame(staged)
    return {"accepted": _accepted(rows), "rejected": _told(_quarantined(quarantine))}


def _frame(staged: Path) -> str:
    """A staged frame as a table, whose name is the file's."""
    with staged.open("rb") as frame:
        batches = [_plain(batch) for batch in frame_batches(frame)]
    duckdb.register(str(staged), pa.Table.from_batches(batches))
    return f'"{staged}"'


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without dictionaries, which may differ from batch to batch."""
    types = ((field.name, getattr(field.type, "value_type", field.type)) for field in batch.schema)
    return batch.cast(pa.schema(list(types)))


def _quarantined(files: Iterable[Path]) -> str:
    """The quarantine's records in the form of a peer's rejected rows."""
    cells = ", ".join(f"{name} VARCHAR" for name in COLUMNS)
    record = (
        "{row_number: 'BIGINT', violations: 'STRUCT(\"column\" VARCHAR)[]',"
        f" raw: 'STRUCT({cells})'}}"
    )
    broken = "array_to_string(list_transform(violations, lambda one: one.\"column\"), ', ')"
    read = f"read_json({_list(files)}, columns={record}, format='newline_delimited')"
    return f"(SELECT row_number, unnest(raw), {broken} AS broken FROM {read})"


def _accepted(rows: str) -> str:
    return f"SELECT COLUMNS(lambda name: name NOT IN ({_words(NOT_COMPARED)})) FROM {rows}"


def _told(rows: str) -> str:
    """Rejected rows: an empty cell is none, and the columns that a row breaks have no order."""
    cells = ", ".join(f"nullif({name}::VARCHAR, '') AS {name}" for name in COLUMNS)
    names = "list_sort(list_distinct(string_split(broken, ', '))) AS broken"
    return f"SELECT row_number::BIGINT AS row_number, {cells}, {names} FROM {rows}"


def _cells(file: Path) -> str:
    """Cells of the file or of a copy: 5, 5.0 and '5' are the same, and so are words for none."""
    read = f"read_csv({_list([file])}, all_varchar=true, header=true)"
    if file.suffix == ".parquet":
        read = f"read_parquet({_list([file])})"
    cells = (
        f"CASE WHEN {name}::VARCHAR NOT IN ({_words(MISSING)}) THEN"
        f" coalesce(try_cast({name} AS DOUBLE)::VARCHAR, {name}::VARCHAR) END AS {name}"
        for name in COLUMNS
    )
    return f"SELECT {', '.join(cells)} FROM {read}"


def _list(files: Iterable[Path]) -> str:
    return f"[{_words(map(str, files))}]"


def _words(words: Iterable[str]) -> str:
    quoted = (word.replace("'", "''") for word in words)
    return ", ".join(f"'{word}'" for word in quoted)


if __name__ == "__main__":
    main()
