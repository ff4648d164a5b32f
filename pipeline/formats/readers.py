"""The reader that fits a dataset's source format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.formats.csv import read_csv
from pipeline.formats.json import read_json
from pipeline.formats.text import TextStream

if TYPE_CHECKING:
    from pipeline.formats import ByteStream, RawChunks
    from pipeline.plan import Plan


def read_chunks(source: ByteStream, plan: Plan) -> RawChunks:
    """Return the rows of a file as the contract says that it is written.

    Raises
    ------
    DataError
        From the iteration, if the file as a whole cannot be read; see `pipeline/errors.py`.
    """
    text = TextStream(source, encoding=plan.source.encoding)
    return read_json(text, plan) if plan.source.format == "json" else read_csv(text, plan)
