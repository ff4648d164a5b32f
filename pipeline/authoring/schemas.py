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


def check_schema(source: YamlSource, schema: dict[str, Any], data: Any = None) -> None:
    """Add an error to the source for each place that its schema does not allow.

    Parameters
    ----------
    data
        What to check in place of the source's own data; places must be the same.
    """
    validator = jsonschema.Draft201909Validator(schema)
    said = {
        ((*deepest.absolute_path, *word), message): None
        for error in validator.iter_errors(source.data if data is None else data)
        for deepest in (_deepest(error),)
        for word, message in _worded(deepest, schema)
    }
    for where, message in said:
        source.error(where, message)


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


def _worded(error: ValidationError, root: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """Messages, each with the word below the error's place that it is about, if any."""
    value: Any = error.validator_value
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        allowed = _properties(error.schema, root)
        instance: Any = error.instance
        unknown = sorted(set(instance) - set(allowed))
        return [((word,), _unknown(word, allowed)) for word in unknown]
    if error.validator == "enum":
        return [((), f"{error.instance!r} is none of {', '.join(map(repr, value))}")]
    if error.validator == "required":
        return [((), f"{error.message}: add it here")]
    return [((), str(error.message))]


def _properties(schema: Any, root: dict[str, Any]) -> list[str]:
    """Words that a schema knows by itself, by what it refers to and by what it is made of."""
    if "$ref" in schema:
        *_, name = schema["$ref"].split("/")
        return _properties(root["$defs"][name], root)
    inherited = [word for part in schema.get("allOf", ()) for word in _properties(part, root)]
    return [*schema.get("properties", {}), *inherited]


def _unknown(word: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(word, allowed, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(allowed)}"
    return f"unknown word {word!r}; {hint}"
