"""Compiles what the functions carry, for the Python that they run on.

A function cannot keep bytecode: its code and layers are read-only, so without bytecode in them
every cold start compiles every module that it imports (docs/adr/0011-cold-starts.md has the
figures). Bytecode is for one minor version of Python, whatever the processor, and the machine that
deploys may have another one; so it is made by a CPython of the functions' version in WebAssembly
(Pyodide, pinned in `package.json`): any machine makes the same bytes.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

COMPILER: Final = Path(__file__).with_suffix(".mjs")
LAYER_PLACE: Final = "/opt/python"
FUNCTION_PLACE: Final = "/var/task"
"""Where Lambda unpacks a layer's packages, and a function's code."""


class BytecodeError(Exception):
    """Code that cannot be compiled; its text is the whole message to the user."""


def add_bytecode(*folders: Path, place: str = FUNCTION_PLACE) -> None:
    """Put the bytecode of all Python files in `folders` beside them.

    Parameters
    ----------
    place
        Where each folder's files are going to lie.

    Raises
    ------
    BytecodeError
        A file that is no Python, or no compiler.
    """
    # JSII_NODE: the Node that the CDK's library runs on (infra/__init__.py)
    command = [os.environ.get("JSII_NODE", "node"), str(COMPILER), place, *map(str, folders)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        said = (finished.stdout + finished.stderr).strip()
        hint = " Type `make setup`." if "Cannot find package" in said else ""
        raise BytecodeError(f"cannot compile the functions' code: {said[-2000:]}{hint}")
    for folder in folders:
        for made in folder.rglob("__pycache__/*.pyc"):
            made.chmod(0o644)
            made.parent.chmod(0o755)
