"""What the product needs beside a file: its datasets, compiled, and an event to be told it by.

`python -m benchmarks.store FOLDER` makes both. It is a process of its own because compiling imports
much, and what a process holds counts as its children's memory.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from benchmarks.special import write_datasets
from benchmarks.systems import BUCKET, COMPILED, DATASET, EVENT, LOOKUPS
from pipeline.authoring.build import compile_datasets
from tests.handlers.cloud import object_created


def prepare(folder: Path) -> None:
    """Compile all datasets below a folder, and write down an event that names no object yet."""
    compiled = folder / COMPILED
    compiled.mkdir(parents=True)
    sources = folder / "sources"
    shutil.copytree(Path(__file__).parent / "datasets", sources)
    shutil.copytree(LOOKUPS, sources / DATASET / LOOKUPS.name)
    write_datasets(sources)
    compile_datasets(sources, compiled)
    event = object_created("", size=0, etag="", version_id=None, sequencer="01")
    event["detail"]["bucket"]["name"] = BUCKET
    (folder / EVENT).write_text(json.dumps(event), "utf-8")


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
