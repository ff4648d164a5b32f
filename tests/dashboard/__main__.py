"""`make dashboard`: draw the dashboard's definition into docs/dashboard.png."""

from __future__ import annotations

import tempfile
from pathlib import Path

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from tests.dashboard.definition import present_definition
from tests.dashboard.picture import PICTURE, draw, save

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        definition = present_definition(Path(folder))
    save(draw(definition), definition.digest, PICTURE)
