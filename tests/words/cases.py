"""Cases of the language's words: the files below `cases/`, as data.

A file is a word: `word`, and one or several `passes` and `fails`. A case is a small dataset, a file
for it, and what is to become of it; tests/words/README.md has the keys.
"""

from __future__ import annotations

import base64
import bz2
import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.authoring.yaml_source import yaml_source

CASES: Final = Path(__file__).parent / "cases"
_KEYS: Final = frozenset(
    {"about", "columns", "table", "contract", "pipeline", "files", "name", "file", "hex", "base64"}
    | {"end", "packed"}
    | {"rows", "rejects", "repairs", "counts", "output", "run", "report", "notes"}
    | {"check", "at", "error", "message"}
)
_PACKED: Final = {"none": bytes, "gzip": gzip.compress, "bz2": bz2.compress}


class CaseError(ValueError):
    """A case file that is not written as it should be."""


@dataclass(frozen=True)
class Case:
    """One dataset with one file, and what is expected of it: `said` is the YAML as it stands."""

    word: str
    kind: str
    number: int
    said: dict[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        """Name of the test."""
        return f"{self.word}-{self.kind}-{self.number}"

    @property
    def body(self) -> bytes:
        """The uploaded file's bytes."""
        if "hex" in self.said:
            return bytes.fromhex(self.said["hex"])
        if "base64" in self.said:
            return base64.b64decode(self.said["base64"])
        end = self.said.get("end", {"text": "", "times": 0})
        text = str(self.said.get("file", "")).encode() + end["text"].encode() * end["times"]
        return _PACKED[self.said.get("packed", "none")](text)

    @property
    def name(self) -> str:
        """The uploaded file's name."""
        return str(self.said.get("name", "data.csv"))


def cases_of(path: Path) -> list[Case]:
    """Return the cases of a file.

    Raises
    ------
    CaseError
        If the file has other keys than a case has.
    """
    source = yaml_source(path)
    if not source.usable:
        raise CaseError("\n".join(map(str, source.findings)))
    document = source.data
    if unknown := document.keys() - {"word", "passes", "fails"}:
        raise CaseError(f"{path}: unknown {', '.join(sorted(unknown))}")
    return [
        _case(path, document["word"], kind, number, said)
        for kind in ("passes", "fails")
        for number, said in enumerate(_listed(document.get(kind, [])), start=1)
    ]


def _listed(cases: Any) -> list[dict[str, Any]]:
    return cases if isinstance(cases, list) else [cases]


def _case(path: Path, word: str, kind: str, number: int, said: dict[str, Any]) -> Case:
    if unknown := said.keys() - _KEYS:
        raise CaseError(f"{path}: {kind} {number}: unknown {', '.join(sorted(unknown))}")
    if kind == "fails" and not said.keys() & {"check", "error", "rejects"}:
        raise CaseError(f"{path}: fails {number}: says neither check, error nor rejects")
    if kind == "passes" and not said.keys() & {"rows", "output", "counts"}:
        raise CaseError(f"{path}: passes {number}: says neither rows, output nor counts")
    return Case(word, kind, number, said)


def all_cases() -> list[Case]:
    """Return the cases of all files, by path."""
    return [case for path in sorted(CASES.rglob("*.yaml")) for case in cases_of(path)]
