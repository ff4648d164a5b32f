from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from infra.packaging.audit import main

if TYPE_CHECKING:
    from pathlib import Path

LOCK = """\
# This file was made by a program
jmespath==1.1.0 \\
    --hash=sha256:aa
pyarrow==26.0.1 ; sys_platform == 'linux' \\
    --hash=sha256:bb
    # via -r layer-runtime.in
"""

JMESPATH = {"name": "jmespath", "version": "1.1.0", "vulns": []}
ARROW = {"name": "pyarrow", "version": "26.0.1", "vulns": []}
HOLE = {"id": "PYSEC-2026-1", "fix_versions": ["26.0.2"], "aliases": [], "description": "..."}


def skipped(name: str) -> dict[str, str]:
    return {"name": name, "skip_reason": f"Dependency not found on PyPI: {name}"}


def audited(folder: Path, **answers: Any) -> int:
    """Exit status, with a program in pip-audit's place that answers for PyPI and for OSV.

    A list is pip-audit's JSON document (its README, "JSON"), text is what it ends with instead.
    """
    lock = folder / "layer-x.txt"
    lock.write_text(LOCK)
    program = folder / "pip-audit"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        f"answers = json.loads({json.dumps(json.dumps(answers))})\n"
        "answer = answers[sys.argv[sys.argv.index('--vulnerability-service') + 1]]\n"
        "if isinstance(answer, str):\n"
        "    sys.exit(answer)\n"
        "print(json.dumps({'dependencies': answer, 'fixes': []}))\n"
        "sys.exit(any(each.get('vulns') for each in answer))\n"
    )
    program.chmod(0o755)
    return main([str(program), str(lock)])


def test_clean_packages_are_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(tmp_path, pypi=[JMESPATH, ARROW], osv="not asked") == 0
    assert capsys.readouterr().out == ("layer-x.txt: 2 packages, none with a known vulnerability\n")


def test_finding_is_told_with_the_version_that_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(tmp_path, pypi=[JMESPATH, ARROW | {"vulns": [HOLE]}], osv="not asked") == 1
    assert "pyarrow 26.0.1 has PYSEC-2026-1, fixed in 26.0.2" in capsys.readouterr().out


@pytest.mark.parametrize(
    "pypi", [[skipped("jmespath"), skipped("pyarrow")], "ConnectionError: Failed to resolve 'x'"]
)
def test_package_that_nobody_could_be_asked_about_is_not_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pypi: Any
) -> None:
    assert audited(tmp_path, pypi=pypi, osv="ConnectionError: no route") == 3
    told = capsys.readouterr().out
    assert "2 of 2 packages could NOT be looked up" in told
    assert "ConnectionError: no route" in told


def test_second_service_is_asked_about_what_the_first_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pypi = [JMESPATH, skipped("pyarrow")]
    assert audited(tmp_path, pypi=pypi, osv=[JMESPATH, ARROW | {"vulns": [HOLE]}]) == 1
    assert audited(tmp_path, pypi=pypi, osv=[JMESPATH, ARROW]) == 0
    assert audited(tmp_path, pypi=pypi, osv="ConnectionError: no route") == 3
    assert "1 of 2 packages could NOT be looked up" in capsys.readouterr().out


def test_package_for_other_machines_is_not_missed(tmp_path: Path) -> None:
    assert audited(tmp_path, pypi=[JMESPATH], osv="not asked") == 0


def test_finding_outweighs_what_is_not_known(tmp_path: Path) -> None:
    pypi = [JMESPATH | {"vulns": [HOLE]}, skipped("pyarrow")]
    assert audited(tmp_path, pypi=pypi, osv="ConnectionError: no route") == 1
