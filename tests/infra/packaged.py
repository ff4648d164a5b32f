"""Functions as they lie in AWS, on this machine: their asset, their layers, and nothing else.

The layers are built by the same rules, for this machine's processor. The interpreter is of the
functions' version where there is one (`python3.13`), with the layers' own lock files; otherwise the
one that runs the tests, with the development's pins of the same packages.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.packaging.layers import LAYERS, Platform, built_layer
from tests.infra.synthesis import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BUILD = ROOT / ".build"
"""Shared with synthesis: layers are built once for a lock file."""

BROUGHT_BY_THE_RUNTIME = ("botocore", "urllib3", "jmespath", "dateutil", "six")
"""What handlers use of the packages that Lambda's Python runtimes have installed."""

INVOKE = """
import json, os, sys
sys.path[:0] = json.loads(os.environ["FUNCTION_PATHS"])
from importlib import import_module
module, name = os.environ["_HANDLER"].rsplit(".", 1)
handler = getattr(import_module(module), name)
results = [handler(event, None) for event in json.load(sys.stdin)]
absent = []
for name in ("duckdb", "pandas", "yaml", "boto3"):
    try:
        import_module(name)
    except ModuleNotFoundError:
        absent.append(name)
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
print(json.dumps({"results": results, "absent": absent, "files": files}))
"""
"""Stands for the runtime interface client: events in, results out, and what is there besides."""


@dataclass(frozen=True)
class Invoked:
    """What a function answered to events, and what it can and cannot import."""

    results: list[dict[str, Any]]
    absent: list[str]
    files: list[str]


@dataclass(frozen=True)
class Package:
    """A stage's function: folders to import from, in order, and the interpreter."""

    stage: str
    python: Path
    folders: tuple[Path, ...]

    def answer(
        self, program: str, given: Any, *, around: Sequence[str] = (), **variables: str
    ) -> Any:
        """What a new process of the function answers; both sides speak JSON.

        It sees the standard library and, after it, the folders. `around` starts the command.
        """
        finished = subprocess.run(
            [*around, str(self.python), "-I", "-S", "-B", "-c", program],
            input=json.dumps(given),
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout.splitlines()[-1])

    def environment(self, **variables: str) -> dict[str, str]:
        """Variables that Lambda sets, and some more."""
        return {
            "_HANDLER": f"functions.{self.stage}.handler.lambda_handler",
            "FUNCTION_PATHS": json.dumps([str(folder) for folder in self.folders]),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        } | variables

    def invoke(self, events: list[dict[str, Any]], **variables: str) -> Invoked:
        """What a new process of the function answers."""
        return Invoked(**self.answer(INVOKE, events, **variables))


def packages(assets: Mapping[str, Path], folder: Path) -> dict[str, Package]:
    """The functions of all stages; what they need beside their assets is made in `folder`."""
    python, here = interpreter()
    layers = machine_layers(folder, here)
    runtime = _runtime(folder / "runtime")
    return {
        stage: Package(
            stage,
            python,
            (
                asset,
                *(layers[layer.name] / "python" for layer in LAYERS if stage in layer.stages),
                runtime,
            ),
        )
        for stage, asset in assets.items()
    }


def machine_layers(folder: Path, here: Platform) -> dict[str, Path]:
    """The layers for this machine, by name."""
    locks = {
        layer.name: ROOT / "requirements" / f"layer-{layer.name}.txt"
        if here.python_version == Platform().python_version
        else development_lock(layer.name, folder)
        for layer in LAYERS
    }
    return {
        name: built_layer(lock=lock, build=BUILD, platform=here) for name, lock in locks.items()
    }


@functools.cache
def interpreter() -> tuple[Path, Platform]:
    """Python to run the functions on, and the platform that it is."""
    machine = sysconfig.get_platform().removeprefix("linux-")
    wanted = Platform().python_version
    version, python = next(
        ((wanted, found) for found in _candidates(wanted) if _is_python(found, wanted)),
        (f"{sys.version_info.major}.{sys.version_info.minor}", Path(sys.executable)),
    )
    return python, Platform(python_platform=f"{machine}-manylinux_2_28", python_version=version)


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from pyenv.glob(f"versions/{version}.*/bin/python{version}")


def _is_python(found: Path, version: str) -> bool:
    """Whether it starts, and is of this version: a version manager's stand-in may do neither."""
    asked = [str(found), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version


def development_lock(layer: str, folder: Path) -> Path:
    """Same packages as in the layer, in the versions that are locked for development.

    A layer's own versions may have no wheels for the interpreter that runs the tests.
    """
    layer_lock = (ROOT / "requirements" / f"layer-{layer}.txt").read_text()
    development = locked((ROOT / "requirements" / "dev.txt").read_text())
    lock = folder / f"layer-{layer}.txt"
    lock.write_text("".join(development[name] for name in locked(layer_lock)))
    return lock


def locked(text: str) -> Mapping[str, str]:
    """Requirements and hashes of each package in a lock file, by name."""
    found: dict[str, str] = {}
    for block, name in re.findall(r"^(([a-z0-9-]+)==.*\n(?:    .*\n)*)", text, re.MULTILINE):
        found[name] = found.get(name, "") + block
    return found


def _runtime(folder: Path) -> Path:
    """Folder with links to the packages that the runtime brings."""
    folder.mkdir()
    for name in BROUGHT_BY_THE_RUNTIME:
        found = importlib.util.find_spec(name)
        assert found is not None and found.origin is not None
        origin = Path(found.origin)
        package = origin.parent if origin.name == "__init__.py" else origin
        (folder / package.name).symlink_to(package)
    return folder
