"""What is installed anywhere is pinned, and cannot be another file than the one that was locked."""

from __future__ import annotations

import re

import pytest

from tests.infra.synthesis import ROOT

FOLDER = ROOT / "requirements"
LOCKS = sorted(file.name for file in FOLDER.glob("*.txt"))


def entries(lock: str) -> list[str]:
    """Requirements of a lock file, each with its continuation lines."""
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines))


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    found = entries((FOLDER / name).read_text())
    assert found
    for entry in found:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==[^\s;]+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("source", sorted(file.name for file in FOLDER.glob("*.in")))
def test_every_package_that_is_asked_for_is_locked(source: str) -> None:
    if source == "runtime.in":  # only names the layers' own
        return
    asked = re.findall(r"^([A-Za-z0-9._-]+)", (FOLDER / source).read_text(), re.MULTILINE)
    asked = [name.lower().replace("_", "-").replace(".", "-") for name in asked if name[0] != "-"]
    lock = (FOLDER / source).with_suffix(".txt").read_text()
    locked = {re.split(r"[=\[;\s]", entry)[0] for entry in entries(lock)}
    assert set(asked) <= locked
