"""What small files take, told by processes of their own: the computing, and a run on a cloud."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import spent_by
from benchmarks.systems import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

PIPELINE: Final = str(Path(sys.executable).with_name("pipeline"))


def computing(rounds: int) -> dict[str, Any]:
    """Return the `rows` of a file, and its CPU seconds by what they are spent on: medians."""
    return _told("benchmarks.small_files", rounds, PATH)


def on_local_cloud(home: Path, rounds: int) -> dict[str, Any]:
    """Return the `rows` of a file, and the `seconds` of its run by what they are spent on.

    Parameters
    ----------
    home
        Folder for a local cloud of its own, which is started, and stopped at the end.
    """
    variables = {**PATH, "LAMBDA_PIPELINES_HOME": str(home)}
    try:
        spent_by([PIPELINE, "up"], variables)
        return _told("benchmarks.local_cloud", rounds, variables)
    finally:
        spent_by([PIPELINE, "down"], variables)


def _told(module: str, rounds: int, variables: Mapping[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", module, "--json", "--rounds", str(rounds)]
    found: dict[str, Any] = json.loads(spent_by(command, variables)[1].splitlines()[-1])
    return found
