"""Templates as the CDK makes them, without its command line and without building layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import App

from infra.context import settings_from
from infra.packaging.assets import staged_assets
from infra.packaging.layers import LAYERS
from infra.stack import PipelineStack

if TYPE_CHECKING:
    from infra.packaging.assets import DatasetCompiler

ROOT = Path(__file__).resolve().parents[2]

Template = dict[str, Any]
Resource = dict[str, Any]


def empty_plans(*names: str) -> DatasetCompiler:
    """Stand in for the compiler: the assets' form is tested here, not their contents."""

    def compiler(_datasets: Path, compiled: Path) -> None:
        for name in names:
            (compiled / name).mkdir()
            (compiled / name / "plan.json").write_text("{}")

    return compiler


one_dataset = empty_plans("flights")


def app(folder: Path, **context: str) -> App:
    """App with the feature flags of `cdk.json`, without its settings; assets stay in place."""
    known = json.loads((ROOT / "cdk.json").read_text())["context"]
    flags = {key: value for key, value in known.items() if key.startswith("@")}
    quick = {"aws:cdk:disable-asset-staging": True, "aws:cdk:version-reporting": False}
    return App(context=flags | quick | context, outdir=str(folder / "cdk.out"))


def synthesised(
    folder: Path, *, compiler: DatasetCompiler = one_dataset, **context: str
) -> Template:
    """Template of the stack that this context asks for."""
    return template_of(composed(folder, compiler=compiler, **context))


def composed(
    folder: Path, *, compiler: DatasetCompiler = one_dataset, **context: str
) -> PipelineStack:
    """Stack that this context asks for, in an app of its own."""
    made = app(folder, **context)
    settings = settings_from(made.node)
    assets = staged_assets(
        root=ROOT, build=folder, target=settings.target, compile_datasets=compiler
    )
    return PipelineStack(made, settings=settings, assets=assets, layers=_empty_layers(folder))


def template_of(stack: PipelineStack) -> Template:
    """Template that the stack's app makes of it."""
    made = stack.node.root
    assert isinstance(made, App)
    return dict(made.synth().get_stack_by_name(stack.stack_name).template)


def _empty_layers(folder: Path) -> dict[str, Path]:
    layers = {layer.name: folder / "layers" / layer.name for layer in LAYERS}
    for name, layer in layers.items():
        layer.mkdir(parents=True)
        (layer / "name").write_text(name)
    return layers


def resources(template: Template, kind: str) -> dict[str, Resource]:
    """Resources of one type, by logical id."""
    return {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def properties(template: Template, kind: str, name: str) -> dict[str, Any]:
    """Properties of the one resource of this type whose logical id starts with `name`."""
    (found,) = (
        resource["Properties"]
        for logical_id, resource in resources(template, kind).items()
        if logical_id.startswith(name)
    )
    return dict(found)


def text(value: Any) -> str:
    """Value of a property as text, in which references stand as `<logical id>`."""
    match value:
        case str():
            return value
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::If": [_, _, otherwise]}:  # conditions tell the partitions other than `aws`
            return text(otherwise)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator.join(text(part) for part in parts))
    raise TypeError(value)


def definition(template: Template) -> dict[str, Any]:
    """State machine's definition in the Amazon States Language."""
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    return dict(json.loads(text(machine["Properties"]["DefinitionString"])))
