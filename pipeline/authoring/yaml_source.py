"""YAML documents whose every value knows its line and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"

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

    def note(self, where: Location, message: str) -> None:
        """Add a note at a location: true, and not in the way."""
        self._add(where, "note", message)

    def _add(self, where: Location, severity: str, message: str) -> None:
        while where not in self.marks and where:
            where = where[:-1]
        mark = self.marks.get(where, Mark(1, 1))
        self.findings.append(Finding(_shown(self.path), mark.line, mark.column, severity, message))


def _shown(path: Path) -> str:
    """Path from the working directory where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


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
        source.error((), f"not valid YAML: {getattr(error, 'problem', None) or error}")
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
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:  # an unknown tag, the 31st of February
        source.error(where, f"not valid YAML: {getattr(error, 'problem', None) or error}")
        return None


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
