"""The reader that fits a file."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from pipeline.formats.csv import read_csv
from pipeline.formats.json import read_json
from pipeline.formats.text import TextStream

if TYPE_CHECKING:
    from pipeline.formats import ByteStream, RawChunks
    from pipeline.plan import Plan

_FORMATS: Final = {".csv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json"}


def read_chunks(source: ByteStream, plan: Plan, *, key: str = "") -> RawChunks:
    """Return the rows of a file.

    Parameters
    ----------
    source
        The file's bytes, packed with gzip or not.
    plan
        The compiled dataset.
    key
        The file's name: its ending says what it is. Where it has none that is known, the
        contract's server format does.

    Raises
    ------
    DataError
        From the iteration, if the file as a whole cannot be read; see `pipeline/errors.py`.
    """
    text = TextStream(source, encoding=plan.source.encoding, limits=plan.limits)
    return read_json(text, plan) if file_format(key, plan) == "json" else read_csv(text, plan)


def file_format(key: str, plan: Plan) -> str:
    """Return `csv` or `json`: by the ending of the key, else as the contract says."""
    name = PurePosixPath(key.lower().removesuffix(".gz"))
    return _FORMATS.get(name.suffix, plan.source.format)
