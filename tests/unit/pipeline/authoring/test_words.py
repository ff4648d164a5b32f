"""The list of words agrees with the plan that they compile to."""

from __future__ import annotations

import dataclasses
from typing import Any

import jsonschema
import pytest

from pipeline.authoring.words import (
    contract_schema,
    contract_words,
    custom_schema,
    pipeline_schema,
    vocabulary,
)
from pipeline.formats.limits import LIMIT_WORDS
from pipeline.plan_contract import Limits, Source, Spelling
from pipeline.plan_steps import Dedupe, Dependency, Drift, Lookup, Rejects, Write

BY_PATH = {word.path: word for word in vocabulary()}
SOURCE = {
    "quoteChar": "quote",
    "doubleQuote": "double_quote",
    "skipInitialSpace": "skip_initial_space",
    "headerRows": "header_rows",
    "headerJoin": "header_join",
    "footerRows": "footer_rows",
}
SPELLING = {
    "decimalChar": "decimal_char",
    "groupChar": "group_char",
    "bareNumber": "bare_number",
}


@pytest.mark.parametrize("schema", [contract_schema(), pipeline_schema()])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    jsonschema.Draft201909Validator.check_schema(schema)


def test_every_word_stands_once() -> None:
    assert len(BY_PATH) == len(vocabulary())
    assert {"csvDialect.commentChar", "logicalType.array", "quality.rowCount"} <= BY_PATH.keys()
    assert {"clean.columns.trim", "enrich.constants", "transform.unpivot.name"} <= BY_PATH.keys()


@pytest.mark.parametrize(
    ("path", "kind", "names"),
    [
        ("rejects", Rejects, {}),
        ("drift", Drift, {}),
        ("clean.dependencies", Dependency, {}),
        ("clean.dedupe", Dedupe, {}),
        ("enrich", Lookup, {}),
        ("write", Write, {}),
        ("limits", Limits, {word: name for name, word in LIMIT_WORDS.items()}),
        ("csvDialect", Source, SOURCE),
        ("customProperties", Spelling, SPELLING),
    ],
)
def test_defaults_are_those_of_the_plan(path: str, kind: Any, names: dict[str, str]) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    compared = 0
    for word in BY_PATH.values():
        *around, name = word.path.split(".")
        field = names.get(name, name)
        if ".".join(around) != path or field not in defaults:
            continue
        default = defaults[field]
        if default is dataclasses.MISSING or default is None or default == ():
            continue
        said = word.schema.get("default")
        assert said == (list(default) if isinstance(default, tuple) else default), word.path
        compared += 1
    assert compared


def test_custom_properties_that_are_ours() -> None:
    assert custom_schema("csvDialect") is contract_schema()["$defs"]["csvDialect"]
    assert custom_schema("trueValues", of_column=True) is not None
    assert custom_schema("trueValues") is None
    assert custom_schema("csvDialect", of_column=True) is None


def test_words_that_only_hold_others_are_groups() -> None:
    groups = {word.path for word in vocabulary() if word.is_group}
    assert {"write", "quality", "transform.split", "logicalType"} <= groups
    assert not groups & {"clean.dedupe", "clean.columns.fill", "clean.all", "salvage"}
    assert all(word.values == [] for word in contract_words() if word.is_group)
