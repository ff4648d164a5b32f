"""Holds events against the OpenLineage standard: its JSON Schema, and openlineage-python's models.

The models are taken apart and put together by what they say of themselves, so that a field which
they do not know, or another version of a facet than theirs, is found.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attr
from jsonschema import Draft202012Validator
from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde
from referencing import Registry, Resource

from pipeline.authoring.lineage import BooksRunFacet
from pipeline.lineage_template import BOOKS

HERE = Path(__file__).parent
BOOKS_SCHEMA = HERE.parents[1] / "docs" / "lineage-books.schema.json"


def assert_standard(event: dict[str, Any]) -> None:
    """The event keeps the JSON Schema, formats included, and is what the models would write."""
    problems = [f"{error.json_path}: {error.message}" for error in validator().iter_errors(event)]
    assert problems == []
    assert Serde.to_dict(as_model(event)) == event


@cache
def validator() -> Draft202012Validator:
    books = json.loads(BOOKS_SCHEMA.read_text())
    registry: Registry[Any] = Registry().with_resource(books["$id"], Resource.from_contents(books))
    return Draft202012Validator(
        json.loads((HERE / "schema.json").read_text()),
        registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def as_model(event: dict[str, Any]) -> event_v2.RunEvent:
    """The event as an object of openlineage-python's."""
    run, job = event["run"], event["job"]
    return event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(run["runId"], _facets(run["facets"])),
        job=event_v2.Job(job["namespace"], job["name"], _facets(job["facets"])),
        inputs=_datasets(event_v2.InputDataset, event["inputs"], "inputFacets"),
        outputs=_datasets(event_v2.OutputDataset, event["outputs"], "outputFacets"),
    )


def _datasets(kind: Any, datasets: list[dict[str, Any]], of_kind: str) -> list[Any]:
    return [
        kind(one["namespace"], one["name"], _facets(one[of_kind]), facets=_facets(one["facets"]))
        for one in datasets
    ]


def _facets(facets: dict[str, Any]) -> dict[str, Any]:
    return {key: _facet(key, facet) for key, facet in facets.items()}


def _facet(key: str, facet: dict[str, Any]) -> Any:
    if key == BOOKS:
        plain = {name: value for name, value in facet.items() if not name.startswith("_")}
        return BooksRunFacet(producer=facet["_producer"]).with_additional_properties(**plain)
    return _built(_facet_classes()[facet["_schemaURL"]], facet)


@cache
def _facet_classes() -> dict[str, Any]:
    """Classes of the standard's facets by the address of the schema that they say they keep."""
    listed = [getattr(facet_v2, name) for name in facet_v2.__all__]
    modules = [one for one in listed if isinstance(one, ModuleType)]
    found = [value for module in modules for value in vars(module).values()]
    return {
        one._get_schema(): one
        for one in found
        if isinstance(one, type)
        and issubclass(one, facet_v2.BaseFacet)
        and "_get_schema" in vars(one)
    }


def _built(kind: Any, value: Any) -> Any:
    """A value in the type that a model declares for it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _built(next(one for one in arguments if one is not type(None)), value)
    if origin is list:
        return [_built(arguments[0], item) for item in value]
    if origin is dict:
        return {name: _built(arguments[1], item) for name, item in value.items()}
    if not attr.has(kind):
        return value
    types = get_type_hints(kind)
    known = {field.name: field for field in attr.fields(kind)}
    assert set(value) <= set(known), f"{kind.__name__} knows no {set(value) - set(known)}"
    # What stays unsaid is told to be nothing: the models' own defaults are empty lists.
    given = {name: None for name, field in known.items() if field.default is not attr.NOTHING}
    given |= {name: _built(types[name], item) for name, item in value.items()}
    return kind(**{name.lstrip("_"): item for name, item in given.items() if known[name].init})
