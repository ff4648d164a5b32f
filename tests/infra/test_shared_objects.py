from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest

from infra.packaging.shared_objects import without_symbols

LIBRARY = next(Path(pyarrow.__file__).parent.glob("_json.*.so"), None)
"""An extension module with a symbol table, as its wheel has it."""

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or LIBRARY is None, reason="needs a Linux extension module"
)


def test_library_loses_what_is_not_loaded_and_works(tmp_path: Path) -> None:
    # GIVEN
    assert LIBRARY is not None
    whole = LIBRARY.read_bytes()
    assert b".symtab" in whole
    # WHEN
    cut = without_symbols(whole)
    # THEN it is a prefix but for its header, without symbols
    assert len(cut) < len(whole)
    assert cut[64:] == whole[64 : len(cut)]
    assert b".symtab" not in cut
    # AND the dynamic linker takes it, its dependencies and its relocations
    file = tmp_path / LIBRARY.name
    file.write_bytes(cut)
    program = (
        f"import pyarrow, ctypes, os; ctypes.CDLL({str(file)!r}, mode=os.RTLD_NOW).PyInit__json"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_cutting_twice_is_cutting_once() -> None:
    assert LIBRARY is not None
    cut = without_symbols(LIBRARY.read_bytes())
    assert without_symbols(cut) == cut


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01 of 32 bits"])
def test_other_files_stay_as_they_are(content: bytes) -> None:
    assert without_symbols(content) == content
