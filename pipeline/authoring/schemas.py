"""Check documents against JSON Schemas, and say what is wrong in words."""

from __future__ import annotations

import difflib
import json
import re
import sys
from functools import cache, reduce
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema

from pipeline.authoring.words import contract_words, pipeline_schema, pipeline_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from jsonschema.exceptions import ValidationError

    from pipeline.authoring.yaml_source import Location, YamlSource

_OLDER: Final = {"v3.0.0": "v3.0", "v3.0.1": "v3.0", "v3.0.2": "v3.0", "v3.1.0": "v3.1"}
_NEWEST: Final = "v3.2.0"
ODCS_VERSIONS: Final = (*_OLDER, _NEWEST)
"""Versions of the Open Data Contract Standard that contracts may be written in."""
_WHOLE: Final = object()
"""Stands for the source's own data."""
_OLDER_FOLDER: Final = Path(sys.prefix) / "share" / "odcs"
"""Where `make setup` puts the packages of older versions: two of one name can't be installed."""


class SchemaMissingError(Exception):
    """The JSON Schema of an older version of the standard is not installed."""


@cache
def odcs_schema(version: str = _NEWEST) -> dict[str, Any]:
    """Return the official JSON Schema of a version of the Open Data Contract Standard.

    Raises
    ------
    SchemaMissingError
        If this environment has none for that version.
    """
    root: Traversable = resources.files("open_data_contract_standard")
    if version in _OLDER:
        root = _OLDER_FOLDER / _OLDER[version] / "open_data_contract_standard"
    try:
        schema: dict[str, Any] = json.loads((root / "schema.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise SchemaMissingError(
            f"the JSON Schema of {version} is not installed here; run `make setup`"
        ) from error
    return schema


@cache
def newer_words(version: str) -> frozenset[str]:
    """Return the words that the standard got after a version."""
    return frozenset(_all_words(odcs_schema())) - frozenset(_all_words(odcs_schema(version)))


def _all_words(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    children = schema.values() if isinstance(schema, dict) else schema
    for inner in children:
        if isinstance(inner, (dict, list)):
            yield from _all_words(inner)


def check_schema(
    source: YamlSource,
    schema: dict[str, Any],
    data: Any = _WHOLE,
    where: Location = (),
    *,
    name: str = "the file",
    newer: frozenset[str] = frozenset(),
) -> None:
    """Add an error to the source for each place that its schema does not allow.

    Parameters
    ----------
    data
        What to check in place of the source's own data; places must be the same.
    where
        Where the data stand in the source.
    name
        What the data as a whole are called.
    newer
        Words that the schema does not know, since they came to the standard later.
    """
    validator = jsonschema.Draft201909Validator(schema)
    document = source.data if data is _WHOLE else data
    errors = [deep for error in validator.iter_errors(document) for deep in _deepest(error)]
    said = {
        ((*where, *error.absolute_path, *word), message): None
        for error in errors
        for word, message in _worded(error, schema, name, newer)
        if word or not _follows(error, errors)
    }
    for place, message in said:
        source.error(place, message)


def _follows(error: ValidationError, errors: list[ValidationError]) -> bool:
    """Whether known words are unexpected only since the rules that name them failed themselves."""
    place = list(error.absolute_path)
    return error.validator == "unevaluatedProperties" and any(
        other.validator != error.validator and list(other.absolute_path)[: len(place)] == place
        for other in errors
    )


def _deepest(error: ValidationError) -> Iterator[ValidationError]:
    """Of the alternatives that all failed, all that is wrong with the one that came furthest."""
    if not error.context or _missing_words(error):
        yield error
        return
    best = max(error.context, key=_relevance)
    yield from _deepest(best)
    if error.validator == "anyOf" and best.validator in _WORDS_OF_A_MAPPING:
        alternative = best.relative_schema_path[0]
        for other in error.context:
            if other is not best and other.relative_schema_path[0] == alternative:
                yield from _deepest(other)


_WORDS_OF_A_MAPPING: Final = ("additionalProperties", "required")


def _missing_words(error: ValidationError) -> list[str]:
    """Words of which one must be said, where that is all that the alternatives ask for."""
    context = error.context or ()
    if {inner.validator for inner in context} != {"required"}:
        return []
    values: list[Any] = [inner.validator_value for inner in context]
    return [word for value in values for word in value]


def _relevance(error: ValidationError) -> tuple[int, bool, int, bool]:
    """How well an alternative fits what is written: by depth, kind of value, and known words."""
    scalar = not isinstance(error.instance, (dict, list))
    words = error.instance if isinstance(error.instance, dict) else ()
    schema: Any = error.schema
    known = schema.get("properties", ())
    return (
        len(error.absolute_path),
        error.validator != "type",
        sum(bool(difflib.get_close_matches(word, known, n=1)) for word in words),
        (error.validator == "enum") == scalar,
    )


_Message = tuple[tuple[str, ...], str]
"""What is wrong, after the word below the error's place that it is about, if any."""


def _worded(
    error: ValidationError, root: dict[str, Any], name: str, newer: frozenset[str]
) -> list[_Message]:
    value: Any = error.validator_value
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        allowed = _properties(error.schema, root)
        instance: Any = error.instance
        unknown = sorted(set(instance) - set(allowed))
        said: list[_Message] = [
            ((word,), _unknown(word, allowed, error, root, newer)) for word in unknown
        ]
        return said or [((), _without_home(error))]
    if error.validator in ("enum", "const"):
        return [((), _none_of(error, root))]
    if error.validator == "required":
        return [((), f"{error.message}: add it here")]
    if missing := _missing_words(error):
        return [((), f"one of {', '.join(missing)} is missing: add it here")]
    if error.validator == "oneOf" and not error.context:
        written: Any = error.instance
        words = [word for part in value for word in part.get("required", ())]
        doubled = [word for word in words if word in written]
        if doubled:
            return [((doubled[-1],), f"only one of {', '.join(doubled)} can be said")]
    return [((), _measured(error, name))]


def _unknown(
    word: str,
    allowed: list[str],
    error: ValidationError,
    root: dict[str, Any],
    newer: frozenset[str],
) -> str:
    """What to say of a word that is unknown where it stands, and perhaps known elsewhere."""
    if word in newer:
        return f"{word!r} is a word of {_NEWEST}; say apiVersion: {_NEWEST}"
    others = _alternatives(error, root)
    if word in [value for other in others for value in other.get("enum", ())]:
        return f"{word!r} has no value: write {word}, without a colon"
    if any(word in other.get("properties", ()) for other in others):
        return f"{word!r} does not go with the words beside it: give it a dash of its own"
    said = unknown_word(word, allowed)
    known = pipeline_words() if root is pipeline_schema() else contract_words()
    places = [path[-2] for path in (each.path.split(".") for each in known) if path[1:] == [word]]
    homes = [home for home in places if home in allowed]
    return f"unknown word {word!r} here; it stands below {homes[0]}" if homes else said


def _without_home(error: ValidationError) -> str:
    """What to say of known words that mean something beside another one only."""
    words = ", ".join(re.findall(r"'([^']+)'", error.message))
    missing = "metric" if "quality" in error.absolute_path else "a word that it belongs to"
    return f"{words} says nothing by itself: {missing} is missing"


def _alternatives(error: ValidationError, root: dict[str, Any]) -> list[Any]:
    """Schemas of which one must fit what the error is about."""
    parent = error.parent
    if parent is None or parent.validator != "anyOf":
        return []
    schemas: Any = parent.validator_value
    return [_resolved(schema, root) for schema in schemas]


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = reduce(dict.__getitem__, schema["$ref"].split("/")[1:], root)
    return schema


def _none_of(error: ValidationError, root: dict[str, Any]) -> str:
    """What to say of a value that is none of those that can be listed."""
    others = _alternatives(error, root)
    value: Any = error.instance
    allowed: Any = error.validator_value
    if error.validator == "const":
        lists = any(other.get("items") for other in others)
        return f"{value!r} is not {allowed!r}{f', or a list: write [{value}]' if lists else ''}"
    if value in [word for other in others for word in _properties(other, root)]:
        return f"{value!r} needs a value: write {{{value}: ...}}"
    close = difflib.get_close_matches(str(value), map(str, allowed), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{value!r} is none of {', '.join(map(repr, allowed))}{hint}"


_KINDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of words to values",
}
_SHOWN: Final = 60
"""Characters of a value that a message has."""


def _measured(error: ValidationError, name: str) -> str:
    """What kind or size a value must have."""
    bound: Any = error.validator_value
    last = [name, *error.absolute_path][-1]
    subject = "each item" if isinstance(last, int) else last
    kinds = bound if isinstance(bound, list) else [bound]
    wanted = {
        "type": " or ".join(_KINDS.get(str(kind), str(kind)) for kind in kinds),
        "minimum": f"at least {bound}",
        "maximum": f"at most {bound}",
        "exclusiveMinimum": f"above {bound}",
        "minLength": f"text of {bound} characters or more",
        "maxLength": f"text of {bound} characters at most",
        "minItems": f"a list of {bound} or more",
        "maxItems": f"a list of {bound} at most",
        "minProperties": f"a mapping of {bound} or more words",
        "maxProperties": "a mapping of one word" if bound == 1 else f"of {bound} words at most",
        "pattern": f"text that {bound} matches",
    }.get(str(error.validator))
    if not wanted:
        return str(error.message)
    return f"{subject} is {wanted}, not {_written(error.instance)}{_remedy(error, kinds)}"


def _written(value: Any) -> str:
    """A value as a message has it."""
    text = repr(value)
    if len(text) <= _SHOWN:
        return text
    kind = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else ""
    return kind or f"{text[:_SHOWN]}..."


def _remedy(error: ValidationError, kinds: list[Any]) -> str:
    """What to write instead, where that can be told."""
    value = error.instance
    is_item = isinstance([*error.absolute_path, ""][-2 if error.absolute_path else -1], int)
    if error.validator == "maxProperties" and kinds == [1]:
        return ": give each a dash of its own" if is_item else ": say one of them"
    if error.validator == "pattern" and list(error.absolute_path)[-1:] in (["to"], ["from"]):
        return ": say table.column"
    return _as_wanted(value, kinds, error.schema) if error.validator == "type" else ""


def _as_wanted(value: Any, kinds: list[Any], schema: Any) -> str:
    """How a value of the wrong kind is written as one of the right kind."""
    needed = schema.get("required", ())
    text = isinstance(value, str)
    scalar = isinstance(value, (bool, int, float))
    if "string" in kinds and scalar:
        return ": put it in quotes"
    if kinds == ["object"] and len(needed) == 1 and (text or scalar):
        return f": write {{{needed[0]}: {value}}}"
    if kinds == ["array"] and text:
        return f": write [{value}]"
    return ": begin each item with a dash" if kinds == ["array"] and value else ""


def _properties(schema: Any, root: dict[str, Any]) -> list[str]:
    """Words that a schema knows by itself, by what it refers to and by what it is made of."""
    parts = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
    if "then" in schema:
        parts.append(schema["then"])
    if "$ref" in schema:
        parts.append(reduce(dict.__getitem__, schema["$ref"].split("/")[1:], root))
    inherited = (word for part in parts for word in _properties(part, root))
    return list(dict.fromkeys([*schema.get("properties", {}), *inherited]))


def unknown_word(word: str, allowed: list[str]) -> str:
    """Return what to say of a word that is none of the allowed ones."""
    close = difflib.get_close_matches(word, allowed, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(allowed)}"
    return f"unknown word {word!r}; {hint}"
