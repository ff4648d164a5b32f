"""Five naive stages in pandas, each of which reads and writes CSV: the work, as it is often done.

The work is complete; how it is done was not tuned, which is the point of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from benchmarks.ending import end_process
from benchmarks.peers import departures as contract
from benchmarks.peers.arguments import Work, work

if TYPE_CHECKING:
    from pathlib import Path

CLEANED: Final = ("carrier", "tailnum", "origin", "dest")
WHOLE: Final = "Int64"


def process(asked: Work) -> None:
    """Take the file through the stages."""
    folder = asked.output
    validate(asked.file, folder / "validated.csv", folder / "rejected.parquet")
    clean(folder / "validated.csv", folder / "cleaned.csv")
    transform(folder / "cleaned.csv", folder / "transformed.csv")
    enrich(folder / "transformed.csv", folder / "enriched.csv", asked.lookups)
    write(folder / "enriched.csv", folder / "written")


def validate(source: Path, target: Path, rejects: Path) -> None:
    """Write the rows that keep the contract, and apart from them those that do not."""
    raw = pd.read_csv(source, dtype=str, keep_default_na=False)
    typed = pd.DataFrame({name: values(raw[name]) for name in raw})
    broken = pd.DataFrame({name: ~keeps(raw[name], typed[name]) for name in raw})
    sound = ~broken.any(axis="columns")
    key = list(contract.KEY)
    repeated = typed[sound].duplicated(key).reindex(raw.index, fill_value=False)
    broken[", ".join(key)] = repeated
    bad = broken[~sound | repeated]
    rejected = raw.loc[bad.index].assign(
        row_number=bad.index + 1,
        broken=bad.apply(lambda row: ", ".join(row.index[row]), axis="columns"),
    )
    rejected.to_parquet(rejects, index=False)
    typed[sound & ~repeated].to_csv(target, index=False)


def values(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column's values, missing where a cell has none of its type."""
    present = cells.mask(cells.isin(contract.MISSING))
    if cells.name in contract.RANGES:
        return pd.to_numeric(present, errors="coerce").astype(WHOLE)
    if cells.name == "time_hour":
        return pd.to_datetime(present, format=contract.MOMENT, errors="coerce", utc=True)
    return present


def keeps(cells: pd.Series[Any], typed: pd.Series[Any]) -> pd.Series[bool]:
    """Return whether the rows keep a column's rules."""
    name = str(cells.name)
    if name in contract.RANGES:
        keeping = typed.between(*contract.RANGES[name])
    elif name in contract.PATTERNS:
        keeping = typed.str.contains(contract.PATTERNS[name])
    elif name == "origin":
        keeping = typed.isin(contract.ORIGINS)
    else:
        keeping = typed.notna()
    missing = cells.isin(contract.MISSING) & (name in contract.OPTIONAL)
    return keeping.fillna(value=False).astype(bool) | missing


def clean(source: Path, target: Path) -> None:
    """Write the rows with one way of writing for each value, and each flight once."""
    rows = read(source)
    for name in CLEANED:
        rows[name] = rows[name].str.strip()
    tailnum = rows["tailnum"].str.upper()
    rows["tailnum"] = tailnum.mask(tailnum == contract.UNKNOWN).fillna(contract.NO_PLANE)
    rows["air_time"] = rows["air_time"].fillna(0)
    rows.drop_duplicates(list(contract.REPEATED)).to_csv(target, index=False)


def transform(source: Path, target: Path) -> None:
    """Write the flights that took off, with columns computed from the others."""
    rows = read(source).rename(columns={"dest": "destination"})
    rows = rows[rows["dep_time"].notna()]
    rows["flight_date"] = pd.to_datetime(rows[["year", "month", "day"]])
    rows["delay_bucket"] = rows["dep_delay"].apply(delay_bucket)
    minutes = rows["air_time"].mask(rows["air_time"] == 0)
    rows["speed_mph"] = rows["distance"] / minutes * 60
    rows.to_csv(target, index=False)


def delay_bucket(delay: Any) -> str:
    """Return the name of a departure's delay."""
    if pd.isna(delay):
        return contract.NO_DELAY
    return next((name for most, name in contract.DELAYS if delay <= most), contract.LONGEST)


def enrich(source: Path, target: Path, folder: Path) -> None:
    """Write the rows with the columns of the lookups."""
    rows = read(source)
    for lookup, (on, columns) in contract.LOOKUPS.items():
        table = pd.read_csv(folder / f"{lookup}.csv").rename(columns=columns)
        rows = rows.merge(table[list(columns.values())], on=on, how="left")
    rows.to_csv(target, index=False)


def write(source: Path, target: Path) -> None:
    """Write the rows as Parquet, by month."""
    rows = read(source)
    for name in ("plane_year", "plane_seats"):
        rows[name] = rows[name].astype(WHOLE)
    rows["time_hour"] = pd.to_datetime(rows["time_hour"], utc=True).dt.as_unit("us")
    rows["flight_date"] = pd.to_datetime(rows["flight_date"]).dt.date
    for month, part in rows.groupby("month"):
        (target / f"month={month}").mkdir()
        file = target / f"month={month}" / "data.parquet"
        part.drop(columns="month").to_parquet(file, compression="zstd", index=False)


def read(source: Path) -> pd.DataFrame:
    """Return what the stage before wrote; only an empty cell means no value."""
    return pd.read_csv(
        source,
        dtype=dict.fromkeys(contract.RANGES, WHOLE),
        keep_default_na=False,
        na_values=[""],
        float_precision="round_trip",
    )


if __name__ == "__main__":
    process(work())
    end_process()
