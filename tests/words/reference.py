"""The reference of the dataset language: tables of words, made of the schemas and of the cases.

`make docs` puts them into docs/datasets.md between its markers; everything else on that page is
written by hand.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.authoring.words import Word, contract_words, pipeline_words
from tests.words.example import example
from tests.words.markdown import row, table, told
from tests.words.standard import passed_over

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parents[2]
SALVAGE: Final = "pipeline/formats"
PAGE: Final = ROOT / "docs" / "datasets.md"
_BLOCK: Final = re.compile(
    r"(<!-- made by `make docs`: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL
)
_ELSEWHERE: Final = frozenset({"logicalTypeOptions", "quality", "quality.metric", "logicalType"})
"""Words that only hold others, which have tables of their own."""
_HEAD: Final = ("word", "what may stand there", "what it does", "example")


@dataclass(frozen=True)
class Section:
    """A table of the reference: the words below a path, and those that it names itself."""

    title: str
    path: str = ""
    words: tuple[str, ...] = ()

    def has(self, word: Word) -> bool:
        """Whether a word stands in this table, if no earlier one has it."""
        below = bool(self.path) and word.path.startswith(f"{self.path}.")
        return below or word.path in (self.path, *self.words)

    def short(self, word: Word) -> str:
        """The word as its table names it."""
        return word.path.removeprefix(f"{self.path}.") if self.path else word.path


CONTRACT: Final = (
    Section("Format and missing values", words=("missingValues",), path="servers.format"),
    Section("csvDialect: how CSV files are written", "csvDialect"),
    Section("limits: what a file may demand at once", "limits"),
    Section("logicalType: types", "logicalType"),
    Section("logicalTypeOptions: what values are allowed", "logicalTypeOptions"),
    Section("customProperties of a column: how its values are written", "customProperties"),
    Section("quality: metrics and their bounds", "quality"),
    Section("Columns", words=tuple(word.path for word in contract_words() if "." not in word.path)),
    Section("Tables", "schema"),
)
PIPELINE: Final = (
    Section("rejects: how many bad rows are too many", "rejects"),
    Section("drift and salvage: files that are not as the contract says", "drift", ("salvage",)),
    Section("clean.columns: steps for values", "clean.columns", ("clean.all",)),
    Section("clean.dependencies: inconsistent values", "clean.dependencies"),
    Section("clean.dedupe: repeated rows", "clean.dedupe"),
    Section("transform", "transform"),
    Section("enrich", "enrich"),
    Section("write", "write"),
)


def page(text: str) -> str:
    """Return the page with its made blocks made anew."""
    blocks = {
        "index": index(),
        "contract": tables(CONTRACT, contract_words()),
        "standard": passed_over(),
        "lexical": told(_docstring(ROOT / "pipeline/lexical.py"), ("word", "what it accepts")),
        "dates": told(
            _docstring(ROOT / "pipeline/jdk_format.py"), ("letters", "what they stand for")
        ),
        "pipeline": tables(PIPELINE, pipeline_words()),
        "salvage": "\n\n".join(
            told(_docstring(path), ()) for path in sorted((ROOT / SALVAGE).glob("salvage*.py"))
        ),
    }
    return _BLOCK.sub(lambda block: f"{block[1]}{blocks[block['name']]}\n{block[3]}", text)


def _docstring(file: Path) -> str:
    """What a module says of itself; read, not imported: cores need not come along."""
    return ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""


def index() -> str:
    """Return all words in alphabetical order, a line a letter, each a link to its row."""
    words = [word for word in (*contract_words(), *pipeline_words()) if not word.is_group]
    by_name = sorted(words, key=lambda word: (_last(word).lower(), word.path))
    letters = groupby(by_name, key=lambda word: _last(word)[0].upper())
    return "\n".join(
        f"* **{letter}** {', '.join(f'[{_named(word)}](#{word.path})' for word in found)}"
        for letter, found in letters
    )


def _last(word: Word) -> str:
    return word.path.rsplit(".", 1)[-1]


def _named(word: Word) -> str:
    *around, name = word.path.split(".")
    return f"`{name}`" + (f" ({'.'.join(around)})" if around else "")


def tables(sections: Iterable[Section], words: Iterable[Word]) -> str:
    """Return a heading and a table for each section."""
    left = [word for word in words if word.path not in _ELSEWHERE]
    parts = []
    for section in sections:
        inside = [word for word in left if section.has(word)]
        left = [word for word in left if word not in inside]
        parts.append(f"#### {section.title}\n\n{_told(section, inside)}\n")
    assert all(word.is_group for word in left), left
    return "\n".join(parts)


def _told(section: Section, words: list[Word]) -> str:
    """What the section's own word means, and the table of those below it."""
    groups = [word for word in words if word.is_group and word.path == section.path]
    rows = [_row(section, word) for word in words if word not in groups]
    return "\n\n".join([*(word.description for word in groups), table(_HEAD, rows)])


def _row(section: Section, word: Word) -> str:
    name = f'<a id="{word.path}"></a>`{section.short(word)}`'
    return row(name, allowed(word), word.description, example(word))


def allowed(word: Word) -> str:
    """Return in words what may stand after a word, and what stands for it if it is absent."""
    schema = word.schema
    text = _kinds(schema)
    if "default" in schema:
        text += f"; default `{_plain(schema['default'])}`"
    return f"{text} (required)" if word.required else text


def _kinds(schema: dict[str, object]) -> str:
    if "const" in schema:
        return f"`{_plain(schema['const'])}`"
    if "enum" in schema:
        values = schema["enum"]
        assert isinstance(values, list)
        return " or ".join(f"`{value}`" for value in values)
    if "anyOf" in schema:
        alternatives = schema["anyOf"]
        assert isinstance(alternatives, list)
        return " or ".join(dict.fromkeys(_kinds(one) for one in alternatives))
    if schema.get("$ref") == "#/$defs/names":
        return "list"
    kinds = schema.get("type", "")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return " or ".join(_kind(str(kind), schema) for kind in listed)


_KINDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "array": "list",
    "object": "mapping",
    "null": "`null`",
}


def _kind(kind: str, schema: dict[str, object]) -> str:
    if kind == "string" and schema.get("maxLength") == 1:
        return "one character"
    bounds = [
        f"{sign} {_plain(schema[word])}"
        for word, sign in {
            "minimum": "from",
            "exclusiveMinimum": "above",
            "maximum": "to",
        }.items()
        if word in schema
    ]
    inside = schema.get("additionalProperties")
    if isinstance(inside, dict) and "enum" in inside:
        return f"mapping to {_kinds(inside)}"
    return " ".join([_KINDS.get(kind, kind), *bounds])


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return f"[{', '.join(map(repr, value))}]"
    return repr(value) if isinstance(value, str) and not value.strip() else str(value)
