"""Files that are made to hurt: each is refused by name, at once, by a function that lives on."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

from tests.end_to_end.samples import HEADER, flight
from tests.faults.actions import pass_by
from tests.faults.audit import Seen
from tests.faults.suite import scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.trial import Trial

CELL: Final = 5_000
MEMBER_BYTES: Final = 10_000_000
MEMBERS: Final = 100
LONG_CELL: Final = 20 * 1024 * 1024
COLUMNS: Final = 100_000
DEPTH: Final = 100_000


def _gzip_bomb() -> bytes:
    """A gzip file of members; each but the first unpacks 10 kB to 10 MB."""
    line = f"{flight(1, tailnum='N' * CELL)}\n".encode()
    member = gzip.compress(line * (MEMBER_BYTES // len(line)))
    return gzip.compress(f"{HEADER}\n".encode()) + member * MEMBERS


def _long_line() -> bytes:
    return f"{HEADER}\n{flight(1, tailnum='N' * LONG_CELL)}\n".encode()


def _many_columns() -> bytes:
    names = ",".join(f"c{number}" for number in range(COLUMNS))
    return f"{names}\n{'1,' * (COLUMNS - 1)}1\n".encode()


def _deep_json() -> bytes:
    return b'{"origin": ' + b"[" * DEPTH + b"]" * DEPTH + b"}\n"


def _poisoned(
    name: str, fault: str, file: tuple[str, str], body: Callable[[], bytes], error: str
) -> None:
    """Enter the scenario of a file (dataset and name) that no function should swallow."""
    dataset, file_name = file

    def act(trial: Trial) -> None:
        readers = trial.inject("GET", "input_bucket", trial.key(file_name, dataset), pass_by)
        upload = trial.put_bytes(body(), file_name, dataset)
        trial.lab.ended(upload.key)
        assert trial.letter()["failure"]["status_code"] == 400
        assert trial.visible(upload) == {}
        assert all(hit.process and hit.process.alive for hit in readers.hits)

    act.__name__ = name
    scenario(
        fault=fault,
        where="uploaded",
        must="named error, not retried; the function's process survives",
        expected=Seen(f"{error} (400)", "1 0 0 0 0", letters=1, alerts=1),
    )(act)


_poisoned(
    "gzip_bomb",
    "gzip bomb: 1 MB that unpack to 1 GB",
    ("flights", "bomb.csv.gz"),
    _gzip_bomb,
    "CompressionRatioLimitError",
)
_poisoned("long_line", "a line of 20 MB", ("flights", "long.csv"), _long_line, "RowLimitError")
_poisoned(
    "many_columns", "100,000 columns", ("flights", "wide.csv"), _many_columns, "ColumnLimitError"
)
_poisoned(
    "deep_json",
    "JSON nested 100,000 deep",
    ("weather", "deep.jsonl"),
    _deep_json,
    "NestingLimitError",
)
