"""YAML documents whose every value knows its line and column."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
_OTHER_BASE: Final = re.compile(r"[-+]?(0[0-9_]|[0-9_]+:)")
"""Numbers that YAML 1.1 counts in eights (`010`) or sixties (`12:30`), which nobody means."""
_QUOTE_IT: Final = "; a text with such signs in it stands in quotes"
_HINTS: Final = {
    "indicator": "; is this line, or the one above, indented like its neighbours?",
    "expected key": "; is this line, or the one above, indented like its neighbours?",
    "not allowed in this context": f"; is it indented too far?{_QUOTE_IT.replace(';', '', 1)}",
    "found a tab": "; indent with spaces",
    "cannot start any token": _QUOTE_IT,
    "undefined alias": _QUOTE_IT,
    "could not find expected ':'": "; is there a colon and a space after the word?",
    "unexpected end of stream": "; is a quote or bracket left open?",
    "expected ',' or": "; is a bracket left open in the lines above?",
}
"""What people did where YAML says that."""

Location = tuple[str | int, ...]
"""Where a value stands in the document: keys and positions from the root."""


class Mark(NamedTuple):
    """A place in a file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Finding:
    """Something to say about a dataset's files; `severity` is error, warning or note."""

    file: str
    line: int
    column: int
    severity: str
    message: str

    def __str__(self) -> str:
        """Return it in the form that editors and terminals make a link of."""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """Return it by field name."""
        return vars(self).copy()


@dataclass
class YamlSource:
    """A parsed file: its data, the marks of its values, and what was found wrong with it."""

    path: Path
    data: Any = None
    marks: dict[Location, Mark] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether there is data and no error so far."""
        return not any(finding.severity == "error" for finding in self.findings)

    def error(self, where: Location, message: str) -> None:
        """Add an error at a location."""
        self._add(where, "error", message)

    def warning(self, where: Location, message: str) -> None:
        """Add a warning at a location: allowed, and perhaps not what is meant."""
        self._add(where, "warning", message)

    def note(self, where: Location, message: str) -> None:
        """Add a note at a location: true, and not in the way."""
        self._add(where, "note", message)

    def mark(self, where: Location) -> Mark:
        """Return where a location stands in the file, or the nearest one around it."""
        while where not in self.marks and where:
            where = where[:-1]
        return self.marks.get(where, Mark(1, 1))

    @property
    def shown(self) -> str:
        """The file's path from the working directory, where it lies below it."""
        here = Path.cwd()
        below = self.path.is_relative_to(here)
        return str(self.path.relative_to(here) if below else self.path)

    def _add(self, where: Location, severity: str, message: str) -> None:
        mark = self.mark(where)
        self.findings.append(Finding(self.shown, mark.line, mark.column, severity, message))


@dataclass(frozen=True)
class Place:
    """A location of a source, to say something there; messages begin with what it is `about`."""

    source: YamlSource
    where: Location = ()
    about: str = ""

    def at(self, *words: str | int) -> Place:
        """Return the place below this one."""
        return Place(self.source, (*self.where, *words), self.about)

    def error(self, message: str) -> None:
        """Add an error here."""
        self.source.error(self.where, f"{self.about}{message}")

    def warning(self, message: str) -> None:
        """Add a warning here."""
        self.source.warning(self.where, f"{self.about}{message}")

    def note(self, message: str) -> None:
        """Add a note here."""
        self.source.note(self.where, f"{self.about}{message}")


def yaml_source(path: Path) -> YamlSource:
    """Return a YAML file's data with marks; a syntax error is a finding, not an exception."""
    source = YamlSource(path)
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        source.error((), f"there is no {path.name}; a dataset needs one")
        return source
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        if mark is not None:
            source.marks[()] = Mark(mark.line + 1, mark.column + 1)
        problem = str(getattr(error, "problem", None) or error)
        hint = next((said for part, said in _HINTS.items() if part in problem), "")
        source.error((), f"not valid YAML: {problem}{hint}")
        return source
    try:
        source.data = None if node is None else _constructed(node, (), source)
    except RecursionError:
        source.error((), "not valid YAML here: an alias that contains itself")
        return source
    if not isinstance(source.data, dict):
        source.error((), "the file must hold a mapping of words to values")
    return source


def _constructed(node: yaml.Node, where: Location, source: YamlSource) -> Any:
    """Python value of a node; marks every part of it on the way."""
    source.marks.setdefault(where, Mark(node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, source)
    if isinstance(node, yaml.SequenceNode):
        return [_constructed(item, (*where, at), source) for at, item in enumerate(node.value)]
    if node.tag == _TIMESTAMP:  # plans are JSON, which has no dates: the text as it stands
        return str(node.value)
    try:
        value = yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:  # an unknown tag, the 31st of February
        source.error(where, f"not valid YAML: {getattr(error, 'problem', None) or error}")
        return None
    if isinstance(value, float) and not math.isfinite(value):  # nothing can be held against it
        source.error(where, f"{node.value} is no number that a rule could have")
    elif isinstance(value, (int, float)) and _OTHER_BASE.match(node.value):
        source.error(where, f"YAML reads {node.value} as {value}; write that, or put it in quotes")
    return value


def _mapping(node: yaml.MappingNode, where: Location, source: YamlSource) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        # YAML 1.1 reads a bare `on` as true; in these files it is a word.
        key = str(key_node.value)
        mark = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        source.marks[(*where, key)] = mark
        if key in values:
            source.error((*where, key), f"{key!r} stands here a second time")
        values[key] = _constructed(value_node, (*where, key), source)
    return values
