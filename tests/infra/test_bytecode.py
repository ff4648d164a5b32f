from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from infra.packaging import bytecode
from infra.packaging.bytecode import BytecodeError, add_bytecode

if TYPE_CHECKING:
    from pathlib import Path


def test_bytecode_tells_where_the_code_is_going_to_lie(tmp_path: Path) -> None:
    # GIVEN the same module in two folders
    folders = [tmp_path / "one", tmp_path / "another"]
    for folder in folders:
        (folder / "package").mkdir(parents=True)
        (folder / "package" / "module.py").write_text("TEXT = 'something'\n")
    # WHEN
    add_bytecode(*folders, place="/opt/python")
    # THEN nothing in the bytecode is of this machine
    first, second = (
        (folder / "package" / "__pycache__" / "module.cpython-313.pyc").read_bytes()
        for folder in folders
    )
    assert first == second
    assert b"/opt/python/package/module.py" in first
    assert str(tmp_path).encode() not in first


def test_file_that_is_no_python_is_named(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def broken(:\n")
    with pytest.raises(BytecodeError, match=r"(?s)/var/task/steps\.py.*SyntaxError"):
        add_bytecode(tmp_path)


def test_missing_compiler_is_told_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a folder below which nothing is installed
    monkeypatch.setattr(bytecode, "COMPILER", tmp_path / "bytecode.mjs")
    shutil.copy(bytecode.__file__.replace(".py", ".mjs"), tmp_path / "bytecode.mjs")
    with pytest.raises(BytecodeError, match="make setup"):
        add_bytecode(tmp_path)
