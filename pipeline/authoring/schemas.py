"""Check documents against JSON Schemas, and say what is wrong in words."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

    from pipeline.authoring.yaml_source import YamlSource


@cache
def odcs_schema() -> dict[str, Any]:
    """Return the official JSON Schema of the Open Data Contract Standard."""
    file = resources.files("open_data_contract_standard") / "schema.json"
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


@cache
def pipeline_schema() -> dict[str, Any]:
    """Return the JSON Schema of `pipeline.yaml`."""
    file = resources.files("pipeline.authoring") / "pipeline.schema.json"
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def check_schema(source: YamlSource, schema: dict[str, Any]) -> None:
    """Add an error to the source for each place that its schema does not allow."""
    validator = jsonschema.Draft201909Validator(schema)
    for error in validator.iter_errors(source.data):
        deepest = _deepest(error)
        where = tuple(deepest.absolute_path)
        for word, message in _worded(deepest):
            source.error((*where, *word), message)


def _deepest(error: ValidationError) -> ValidationError:
    """Of the alternatives that all failed, the one that came furthest."""
    while error.context:
        error = max(error.context, key=_relevance)
    return error


def _relevance(error: ValidationError) -> tuple[int, bool, bool]:
    """How well an alternative fits what is written: by depth, then by the kind of value."""
    scalar = not isinstance(error.instance, (dict, list))
    return (
        len(error.absolute_path),
        error.validator != "type",
        (error.validator == "enum") == scalar,
    )


def _worded(error: ValidationError) -> list[tuple[tuple[str, ...], str]]:
    """Messages, each with the word below the error's place that it is about, if any."""
    value: Any = error.validator_value
    if error.validator == "additionalProperties":
        schema: Any = error.schema
        allowed = list(schema.get("properties", {}))
        instance: Any = error.instance
        unknown = sorted(set(instance) - set(allowed))
        return [((word,), _unknown(word, allowed)) for word in unknown]
    if error.validator == "enum":
        return [((), f"{error.instance!r} is none of {', '.join(map(repr, value))}")]
    if error.validator == "required":
        return [((), f"{error.message}: add it here")]
    return [((), str(error.message))]


def _unknown(word: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(word, allowed, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(allowed)}"
    return f"unknown word {word!r}; {hint}"
