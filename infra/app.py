"""Entry point of the CDK: `python -m infra.app`, as `cdk.json` says."""

from __future__ import annotations

import sys
from pathlib import Path

from aws_cdk import App

from infra.assembly import add_pipeline
from infra.context import rules_wanted, settings_from
from infra.context_values import SettingsError
from infra.packaging.bytecode import BytecodeError
from infra.packaging.layers import LayerBuildError
from infra.packaging.sizes import PackageTooLargeError
from pipeline.authoring.build import DatasetError, compile_datasets
from pipeline.errors import InvalidPlanError

ROOT = Path(__file__).resolve().parent.parent

MISTAKES = (
    *(SettingsError, DatasetError, InvalidPlanError),
    *(LayerBuildError, BytecodeError, PackageTooLargeError),
)
"""What ends in one line, for the user to put right."""


def main() -> None:
    """Synthesise; a mistake of the user's ends in one line instead of a traceback."""
    app = App()
    try:
        stack = add_pipeline(
            app, root=ROOT, build=ROOT / ".build", compile_datasets=compile_datasets
        )
        stack.add_tables()
        if rules_wanted(app.node):
            from infra.compliance.nag import demand_rules  # noqa: PLC0415 - a development requirement

            demand_rules(app, stack, settings_from(app.node))
    except MISTAKES as error:
        sys.exit(f"error: {error}")
    app.synth()


if __name__ == "__main__":
    main()
