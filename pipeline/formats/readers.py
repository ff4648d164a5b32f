"""The reader that fits a file.

A cold start imports the reader of its first file only: each is many modules, pyarrow's among them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from pipeline.formats.compression import ENDINGS
from pipeline.formats.salvage_text import TextSalvage, with_text_repairs
from pipeline.formats.text import TextStream

if TYPE_CHECKING:
    from pipeline.formats import ByteStream, RawChunks
    from pipeline.plan import Plan

_FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}


def read_chunks(source: ByteStream, plan: Plan, *, key: str = "") -> RawChunks:
    """Return the rows of a file.

    Parameters
    ----------
    source
        The file's bytes, packed or not.
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
    salvage = TextSalvage() if plan.drift.salvage else None
    text = TextStream(
        source,
        encoding=plan.source.encoding,
        compression=plan.source.compression,
        marks=(plan.source.delimiter or "") + (plan.source.line_terminator or ""),
        limits=plan.limits,
        salvage=salvage,
    )
    if file_format(key, plan) == "json":
        from pipeline.formats.json import read_json  # noqa: PLC0415 - see the module's docstring

        chunks = read_json(text, plan)
    else:
        from pipeline.formats.csv import read_csv  # noqa: PLC0415 - see the module's docstring

        chunks = read_csv(text, _with_delimiter(plan, key))
    return chunks if salvage is None else with_text_repairs(chunks, salvage)


def file_format(key: str, plan: Plan) -> str:
    """Return `csv` or `json`: by the ending of the key, else as the contract says."""
    return _FORMATS.get(ending(key), plan.source.format)


def ending(key: str) -> str:
    """Return the ending of a file's name, without that of its compression; in small letters."""
    name = PurePosixPath(key.lower())
    return PurePosixPath(name.stem).suffix if name.suffix in ENDINGS else name.suffix


def _with_delimiter(plan: Plan, key: str) -> Plan:
    """The plan with what the file's ending says of its delimiter, unless it is declared."""
    if plan.source.delimiter is not None or ending(key) != ".tsv":
        return plan
    return replace(plan, source=replace(plan.source, delimiter="\t"))
