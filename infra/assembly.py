"""The stack, made from the sources in a folder as the CDK's context says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.assets import staged_assets
from infra.layers import built_layers
from infra.settings import Target, settings_from
from infra.stack import PipelineStack

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import App

    from infra.assets import DatasetCompiler


def add_pipeline(
    app: App, *, root: Path, build: Path, compile_datasets: DatasetCompiler
) -> PipelineStack:
    """Stack that is added to `app`; what it ships is made from `root`, below `build`.

    Raises
    ------
    SettingsError, LayerBuildError
        The context or a layer's lock file cannot be used; what the compiler raises passes.
    """
    settings = settings_from(app.node)
    assets = staged_assets(
        root=root, build=build, target=settings.target, compile_datasets=compile_datasets
    )
    local = settings.target is Target.LOCAL
    layers = {} if local else built_layers(root=root, build=build)
    return PipelineStack(app, settings=settings, assets=assets, layers=layers)
