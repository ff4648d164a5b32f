"""Where the command finds the project and keeps the local cloud's files."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Final

ENV_HOME: Final = "LAMBDA_PIPELINES_HOME"
"""Folder of the local cloud's state; two folders are two independent local clouds."""

PROJECT: Final = Path(__file__).resolve().parent.parent
DATASETS: Final = PROJECT / "datasets"
ASSEMBLIES: Final = PROJECT / ".build" / "local"
"""Synthesised stacks by fingerprint of their sources, shared by every local cloud."""


def command(verb: str) -> str:
    """Return what to type for a verb, in the way in which this command was called."""
    called = sys.argv[0] if Path(sys.argv[0]).name == "pipeline" else "pipeline"
    return f"{shlex.quote(called)} {verb}"


def home() -> Path:
    """Folder of this local cloud's state: `.pipeline/`, unless the environment names another."""
    named = os.environ.get(ENV_HOME)
    return Path(named).expanduser().resolve() if named else PROJECT / ".pipeline"


def data_dir() -> Path:
    """Folder that sample files are extracted to."""
    return home() / "data"
