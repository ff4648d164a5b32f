"""Third-party code of the functions: cut from the lock files, without Docker.

The installer is told the functions' platform and takes wheels alone, so any machine builds the
same layer: what no function opens is left out, symbols are cut off, bytecode is added. A layer is
built once for a lock file and a set of rules, and found again afterwards.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from uv import find_uv_bin

from infra.packaging import bytecode, shared_objects
from infra.packaging.bytecode import LAYER_PLACE, add_bytecode
from infra.packaging.layer_rules import LEFT_OUT
from infra.packaging.shared_objects import without_symbols
from pipeline.constants import STAGES


@dataclass(frozen=True)
class Layer:
    """Packages of `requirements/layer-<name>.txt`, for the functions of `stages`.

    `module` is what only this layer brings; a function without the layer cannot import it.
    """

    name: str
    stages: tuple[str, ...]
    module: str


LAYERS: Final = (
    Layer("runtime", STAGES, "pyarrow"),
    Layer("sql", ("transform",), "duckdb"),
    # transform is the one stage in which a dataset may bring Python steps
    Layer("pandas", ("transform",), "pandas"),
)


def absent_modules(stage: str) -> list[str]:
    """Modules that the function of a stage does not have in AWS."""
    return [layer.module for layer in LAYERS if stage not in layer.stages]


def lock_files(root: Path, stage: str) -> list[Path]:
    """Files that pin what the layers of a stage's function hold."""
    return [_lock_file(root, layer) for layer in LAYERS if stage in layer.stages]


def _lock_file(root: Path, layer: Layer) -> Path:
    return root / "requirements" / f"layer-{layer.name}.txt"


@dataclass(frozen=True)
class Platform:
    """Where a layer is going to be imported."""

    python_platform: str = "aarch64-manylinux_2_28"
    python_version: str = "3.13"


MAKERS: Final = (
    Path(shared_objects.__file__),
    Path(bytecode.__file__),
    bytecode.COMPILER,
    Path(__file__).parents[2] / "package-lock.json",
)
"""Files beside lock and rules that say what is in a layer."""


class LayerBuildError(Exception):
    """The installer refused; its text is the whole message to the user."""


def built_layers(*, root: Path, build: Path) -> dict[str, Path]:
    """Folder of every layer, by name."""
    return {layer.name: built_layer(lock=_lock_file(root, layer), build=build) for layer in LAYERS}


def built_layer(*, lock: Path, build: Path, platform: Platform | None = None) -> Path:
    """Folder with the packages of `lock` below its `python/`, built unless it is there."""
    platform = platform or Platform()
    layers = build / "layers"
    layer = layers / _key(lock, platform)
    if layer.is_dir():
        return layer
    layers.mkdir(parents=True, exist_ok=True)
    # Built aside and renamed: an interrupted build is never taken for a layer.
    with tempfile.TemporaryDirectory(dir=layers, prefix=".building-") as scratch:
        built = Path(scratch) / "layer"
        _install(lock, built / "python", platform)
        _prune(built / "python")
        _drop_symbols(built / "python")
        add_bytecode(built / "python", place=LAYER_PLACE)
        _normalise(built)
        try:
            built.rename(layer)
        except OSError:
            if not layer.is_dir():  # built by another process meanwhile
                raise
    return layer


def unzipped_bytes(folder: Path) -> int:
    """Sum of the sizes of all files below `folder`, as Lambda counts them."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _key(lock: Path, platform: Platform) -> str:
    """Name of the layer's folder: the same for the same lock file, rules and platform."""
    rules = (rule.pattern for rule in LEFT_OUT)
    parts = (lock.read_text(), repr(astuple(platform)), *rules, *map(Path.read_text, MAKERS))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _install(lock: Path, packages: Path, platform: Platform) -> None:
    """Install what `lock` pins, and nothing else, into `packages`."""
    arguments = (
        *("--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python-platform", platform.python_platform),
        *("--python-version", platform.python_version),
        *("--python", sys.executable),
        # Linked files would carry the changes made below into the installer's cache.
        *("--link-mode", "copy", "--target", str(packages), "-r", str(lock)),
    )
    finished = subprocess.run(
        [find_uv_bin(), "pip", "install", *arguments],
        # Bytecode of this machine's interpreter would be in the way of the functions'.
        env=os.environ | {"UV_COMPILE_BYTECODE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise LayerBuildError(f"cannot build the layer of {lock.name}: {finished.stderr.strip()}")


def _prune(packages: Path) -> None:
    """Take out of `packages` what the rules leave out."""
    for rule in LEFT_OUT:
        for found in sorted(packages.glob(rule.pattern)):
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink(missing_ok=True)


def _drop_symbols(packages: Path) -> None:
    """Take out of the shared objects what is never loaded."""
    for library in packages.rglob("*.so*"):
        library.write_bytes(without_symbols(library.read_bytes()))


def _normalise(layer: Path) -> None:
    """Give all files modes that depend on nobody's umask."""
    for path in layer.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
