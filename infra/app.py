"""Entry point of the CDK: `python -m infra.app`, as `cdk.json` says."""

from __future__ import annotations

import sys
from pathlib import Path

from aws_cdk import App

from infra.assembly import add_pipeline
from infra.layers import LayerBuildError
from infra.settings import SettingsError
from pipeline.authoring.build import DatasetError, compile_datasets
from pipeline.errors import InvalidPlanError

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Synthesise; a mistake of the user's ends in one line instead of a traceback."""
    app = App()
    try:
        stack = add_pipeline(
            app, root=ROOT, build=ROOT / ".build", compile_datasets=compile_datasets
        )
        stack.add_tables()
    except (SettingsError, LayerBuildError, DatasetError, InvalidPlanError) as error:
        sys.exit(f"error: {error}")
    app.synth()


if __name__ == "__main__":
    main()
