"""What the compiled event of a dataset leaves to the run, by the names that it has there.

`pipeline/authoring/lineage.py` compiles `lineage.json`: an OpenLineage event in which all stands
that is known before any run. The last stage puts the run's figures into it. Standard library only.
"""

from __future__ import annotations

from typing import Final

LINEAGE_FILE: Final = "lineage.json"
"""In a compiled dataset: `event`, and `rules`, what each of its assertions is about."""

INPUT_NAMESPACE: Final = "s3://INPUT_BUCKET"
SOURCE_NAME: Final = "SOURCE_KEY"
"""Name of the uploaded object, the first of the event's inputs."""
OUTPUT_NAMESPACE: Final = "s3://OUTPUT_BUCKET"
NOT_RUN: Final = "00000000-0000-0000-0000-000000000000"
NEVER: Final = "1970-01-01T00:00:00Z"

BOOKS: Final = "lambdaPipelines_books"
"""Key of our own run facet; docs/lineage-books.schema.json describes it."""


def lookup_name(name: str) -> str:
    """Return what the compiled event calls the table of a lookup in the input bucket."""
    return f"LOOKUP_KEY:{name}"
