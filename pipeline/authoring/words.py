"""Every word of the dataset language, out of the JSON Schemas of its two files.

`contract.schema.json` describes the words of the contract that the pipeline enforces, on top of the
standard's own schema; `pipeline.schema.json` those of `pipeline.yaml`. The reference in
docs/datasets.md, the messages about unknown words and the tests' list of words are made of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTRACT_SECTIONS: Final = {
    "server": "servers",
    "csvDialect": "csvDialect",
    "fileWords": "",
    "limits": "limits",
    "property": "",
    "logicalTypeOptions": "logicalTypeOptions",
    "columnWords": "customProperties",
    "quality": "quality",
    "tableWords": "schema",
}
"""Definitions in the contract's schema, and what their words' paths begin with."""


@dataclass(frozen=True)
class Word:
    """A word of the language.

    `path` are the words that lead to it, without positions and names of columns; `schema` is what
    JSON Schema says of it; `required` whether the words around it ask for it; `is_group` whether
    it only holds other words.
    """

    path: str
    schema: dict[str, Any] = field(hash=False)
    required: bool = False
    is_group: bool = False

    @property
    def description(self) -> str:
        """What it means, in a sentence or two."""
        return str(self.schema.get("description", ""))

    @property
    def values(self) -> list[Any]:
        """The values that it may have, if they can be listed and are no words themselves."""
        return [] if self.is_group else list(self.schema.get("enum", []))


@cache
def contract_schema() -> dict[str, Any]:
    """Return the JSON Schema of what the pipeline reads of a contract."""
    return _read("contract.schema.json")


@cache
def pipeline_schema() -> dict[str, Any]:
    """Return the JSON Schema of `pipeline.yaml`."""
    return _read("pipeline.schema.json")


def _read(name: str) -> dict[str, Any]:
    file = resources.files("pipeline.authoring") / name
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def custom_schema(name: str, *, of_column: bool = False) -> dict[str, Any] | None:
    """Return the JSON Schema of a custom property's value; None if the pipeline reads none such."""
    definitions = contract_schema()["$defs"]
    words: dict[str, dict[str, Any]] = definitions["columnWords"]["properties"]
    if not of_column:
        words = {word: definitions[word] for word in ("csvDialect", "limits")}
        words |= definitions["fileWords"]["properties"]
    return words.get(name)


@cache
def contract_words() -> tuple[Word, ...]:
    """Return the words of the contract that the pipeline enforces, section by section."""
    root = contract_schema()
    sections = _CONTRACT_SECTIONS.items()
    return _each_once(
        word for name, prefix in sections for word in _words(root["$defs"][name], prefix, root)
    )


@cache
def pipeline_words() -> tuple[Word, ...]:
    """Return the words of `pipeline.yaml`, in the order of its schema."""
    return _each_once(_words(pipeline_schema(), "", pipeline_schema()))


def vocabulary() -> tuple[Word, ...]:
    """Return every word of both files."""
    return (*contract_words(), *pipeline_words())


def _each_once(words: Iterator[Word]) -> tuple[Word, ...]:
    """Words by their paths, whatever alternatives lead to them."""
    found: dict[str, Word] = {}
    for word in words:
        found.setdefault(word.path, word)
    return tuple(found.values())


def _words(schema: dict[str, Any], prefix: str, root: dict[str, Any]) -> Iterator[Word]:
    """Words below a place of a schema."""
    schema = _resolved(schema, root)
    for name, inner in schema.get("properties", {}).items():
        yield from _word(name, inner, prefix, schema, root)
    for alternative in schema.get("anyOf", ()):
        yield from _words(alternative, prefix, root)
    described = zip(schema.get("enum", ()), schema.get("enumDescriptions", ()), strict=False)
    for name, description in described:
        yield Word(_path(prefix, name), {"description": description})
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from _words(inner, prefix, root)


def _word(
    name: str, inner: dict[str, Any], prefix: str, schema: dict[str, Any], root: dict[str, Any]
) -> Iterator[Word]:
    path = _path(prefix, name)
    described = _resolved(inner, root) | {key: inner[key] for key in inner if key != "$ref"}
    referred = inner.get("$ref", "").removeprefix("#/$defs/")
    # Sections of their own, and steps that are the same for all columns, stand once.
    below = [] if referred else list(_words(inner, path, root))
    is_group = referred in _CONTRACT_SECTIONS or (bool(below) and "anyOf" not in described)
    yield Word(path, described, name in schema.get("required", ()), is_group)
    yield from below


def _path(prefix: str, name: str) -> str:
    joined = f"{prefix}.{name}" if prefix else name
    return joined.replace("quality.metric.", "quality.")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema
