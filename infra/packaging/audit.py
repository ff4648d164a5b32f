"""Looks locked packages up among known vulnerabilities: `make audit`.

`python -m infra.packaging.audit PIP_AUDIT LOCK...` asks pip-audit about each lock file, first at
PyPI and then at OSV about what PyPI does not know. It ends with 0 if all are clean, 1 if something
was found, 3 if nothing was found but something could not be looked up: pip-audit by itself calls a
package clean that it could not ask about.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CLEAN: Final = 0
VULNERABLE: Final = 1
UNKNOWN: Final = 3

SERVICES: Final = ("pypi", "osv")


@dataclass
class Audit:
    """What is known of the packages of a lock file.

    `findings` are lines for people; `unknown` maps a package that no service could be asked about
    to what the last service said instead.
    """

    packages: int = 0
    findings: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """Exit status."""
        if self.findings:
            return VULNERABLE
        return UNKNOWN if self.unknown else CLEAN

    def text(self, name: str) -> str:
        """Lines about the lock file of this name, for people."""
        lines = [f"{name}: {finding}" for finding in self.findings]
        if self.unknown:
            _, said = next(iter(self.unknown.items()))
            lines.append(
                f"{name}: {len(self.unknown)} of {self.packages} packages could NOT be looked up, "
                f"so nothing is known of them. Try again where PyPI's or OSV's vulnerability index "
                f"can be reached ({said})."
            )
        if not lines:
            lines.append(f"{name}: {self.packages} packages, none with a known vulnerability")
        return "\n".join(lines)


def audit_of(lock: Path, answers: Iterable[Any]) -> Audit:
    """Return what the services' answers together say of a lock file.

    Parameters
    ----------
    answers
        Each service's: pip-audit's JSON document, or the text that it ended with instead. They are
        taken one by one, as long as something is not known.
    """
    names = _names(lock)
    audit = Audit(packages=len(names), unknown=dict.fromkeys(names, "no service was asked"))
    for answer in answers:
        if isinstance(answer, str):
            audit.unknown = dict.fromkeys(audit.unknown, answer)
        else:
            _take(audit, answer["dependencies"])
        if not audit.unknown:
            break
    return audit


def main(arguments: list[str]) -> int:
    """Audit lock files; return the exit status."""
    pip_audit, *locks = arguments
    statuses = {CLEAN}
    for lock in map(Path, locks):
        audit = audit_of(lock, (_asked(pip_audit, service, lock) for service in SERVICES))
        print(audit.text(lock.name))
        statuses.add(audit.status)
    return VULNERABLE if VULNERABLE in statuses else max(statuses)


def _take(audit: Audit, packages: list[dict[str, Any]]) -> None:
    """Note what a service says of all packages; of those for other machines it says nothing."""
    skipped = {each["name"]: each["skip_reason"] for each in packages if "skip_reason" in each}
    audit.unknown = {name: skipped[name] for name in audit.unknown if name in skipped}
    for package in packages:
        for found in package.get("vulns", []):
            fixed = ", ".join(found["fix_versions"]) or "no release yet"
            line = f"{package['name']} {package['version']} has {found['id']}, fixed in {fixed}"
            if line not in audit.findings:
                audit.findings.append(line)


def _names(lock: Path) -> list[str]:
    """Packages of a lock file."""
    lines = lock.read_text().splitlines()
    pins = (line.partition("==")[0] for line in lines if "==" in line and line[0].isalnum())
    return sorted({pin.partition("[")[0] for pin in pins})


def _asked(pip_audit: str, service: str, lock: Path) -> Any:
    """pip-audit's document, or the last line of what it says instead."""
    options = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
    finished = subprocess.run(
        [pip_audit, *options, "--vulnerability-service", service, "--requirement", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.stdout.startswith("{"):
        return json.loads(finished.stdout)
    said = finished.stderr.strip().splitlines() or [f"pip-audit ended with {finished.returncode}"]
    return said[-1].partition(" (Caused by")[0][:200]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
