"""What a result depends on: the machine, the interpreter, the packages, the commit."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import spent_by
from benchmarks.systems import PEERS_PYTHON, ROOT

_PACKAGES: Final = ("pyarrow", "numpy", "duckdb", "botocore", "aws-lambda-powertools")
_PEERS_PACKAGES: Final = ("pandas", "pyarrow", "polars", "duckdb", "pandera", "frictionless")
_VERSIONS: Final = """
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


def about() -> dict[str, Any]:
    """Return what the page says of how its figures came about."""
    return {
        "date": date.today().isoformat(),
        "commit": _commit(),
        "python": platform.python_version(),
        "system": f"Linux {platform.release()}, {platform.machine()}",
        "processor": _processor(),
        "processors": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3),
        "packages": {name: version(name) for name in _PACKAGES},
        "peers_packages": _peers_versions(),
    }


def _peers_versions() -> dict[str, str]:
    command = [str(PEERS_PYTHON), "-c", _VERSIONS, *_PEERS_PACKAGES]
    found: dict[str, str] = json.loads(spent_by(command, {})[1])
    return found


def _commit() -> str:
    """Commit of the working copy; a plus sign says that it has been changed since."""
    described = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    found = subprocess.run(described, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _processor() -> str:
    """Name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")
