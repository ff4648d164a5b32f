"""The stack, made from the sources in a folder as the CDK's context says."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from infra.context import settings_from
from infra.context_values import SettingsError
from infra.packaging.assets import staged_assets
from infra.packaging.bytecode import add_bytecode
from infra.packaging.layers import built_layers
from infra.packaging.sizes import check_package_sizes
from infra.settings import Target
from infra.stack import PipelineStack

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from aws_cdk import App

    from infra.packaging.assets import DatasetCompiler


def add_pipeline(
    app: App, *, root: Path, build: Path, compile_datasets: DatasetCompiler
) -> PipelineStack:
    """Stack that is added to `app`; what it ships is made from `root`, below `build`.

    Raises
    ------
    SettingsError, LayerBuildError, BytecodeError, PackageTooLargeError
        The context, a layer's lock file or the code cannot be used, or a function would be too
        large for Lambda; what the datasets' compiler raises passes.
    """
    settings = settings_from(app.node)
    local = settings.target is Target.LOCAL
    assets = staged_assets(
        root=root,
        build=build,
        target=settings.target,
        compile_datasets=compiler_of(settings.datasets, compile_datasets),
        compile_code=None if local else add_bytecode,
    )
    layers = {} if local else built_layers(root=root, build=build)
    if not local:
        check_package_sizes(assets, layers)
    return PipelineStack(app, settings=settings, assets=assets, layers=layers)


def compiler_of(chosen: Collection[str], compile_datasets: DatasetCompiler) -> DatasetCompiler:
    """Compiler that keeps the chosen datasets alone; all, if none is chosen.

    The others are compiled nevertheless: a mistake in them is told as soon as it is made.

    Raises
    ------
    SettingsError
        When it compiles, and a chosen dataset is not there.
    """

    def compile_chosen(datasets: Path, compiled: Path) -> None:
        compile_datasets(datasets, compiled)
        there = {folder.name: folder for folder in compiled.iterdir()}
        if unknown := [name for name in chosen if name not in there]:
            raise SettingsError(
                f"context 'datasets' names {', '.join(unknown)}; there are only "
                + ", ".join(sorted(there))
            )
        for name in there.keys() - set(chosen):
            shutil.rmtree(there[name])

    return compile_chosen if chosen else compile_datasets
