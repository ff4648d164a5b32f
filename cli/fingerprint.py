"""Digests that tell whether anything changed, from what the files hold and not from their times."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SOURCES: Final = (
    "infra",
    "functions",
    "pipeline",
    "datasets",
    "requirements",
    "cdk.json",
    "package-lock.json",
)
"""What the synthesised stack is made of, relative to the project."""

CONSOLE_SOURCES: Final = ("console", "cli", "pipeline", "requirements/dev.txt")
"""What the console's process is made of."""

NOT_SOURCES: Final = ("__pycache__", ".mypy_cache", ".ruff_cache", ".DS_Store")


def source_fingerprint(project: Path) -> str:
    """Digest of everything that a synthesis reads."""
    return _digest(project, _files_of(project, SOURCES))


def console_fingerprint(project: Path) -> str:
    """Digest of the code that the console's process runs."""
    return _digest(project, _files_of(project, CONSOLE_SOURCES))


def assembly_digest(assembly: Path) -> str:
    """Digest of a synthesised stack: its templates and lists of assets, which carry the hashes."""
    names = ("*.template.json", "*.assets.json")
    return _digest(assembly, (file for name in names for file in assembly.glob(name)))


def _files_of(project: Path, names: Iterable[str]) -> Iterator[Path]:
    return (file for name in names for file in files_below(project / name))


def files_below(path: Path) -> Iterator[Path]:
    """Return the file, or all files of a folder, but for what tools leave there."""
    if path.is_file():
        yield path
    for file in path.rglob("*"):
        if file.is_file() and not any(part in NOT_SOURCES for part in file.parts):
            yield file


def _digest(root: Path, files: Iterable[Path]) -> str:
    """Digest of names and contents, independent of the order of a directory listing."""
    digest = hashlib.sha256()
    for file in sorted(files):
        name = file.relative_to(root).as_posix().encode()
        content = hashlib.sha256(file.read_bytes()).digest()
        digest.update(hashlib.sha256(name).digest() + content)
    return digest.hexdigest()[:32]
