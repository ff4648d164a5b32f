"""`contract`: the contract of a dataset's output."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.datasets import known_datasets
from cli.errors import CliError
from cli.options import AsJson  # noqa: TC001 - Typer reads it at run time
from cli.output import print_json
from cli.paths import DATASETS, command


def contract(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")],
    location: Annotated[
        str | None,
        typer.Option(help="Where the output's files are: a URL, or a path with wildcards."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the contract of a dataset's output, for those who read it.

    It is an Open Data Contract, generated from what the dataset compiles to: columns, types,
    descriptions, partitions, and the rules that hold of the output as they do of the input.

    For example:
      pipeline contract flights > flights.odcs.yaml
      pipeline contract flights --location 's3://my-bucket/processed/flights/*/*.parquet'
    """
    # Compiling a dataset is heavy, and few verbs need it.
    import yaml  # noqa: PLC0415

    from pipeline.authoring.output_contract import output_contract  # noqa: PLC0415
    from pipeline.authoring.version import VersionError, version_of  # noqa: PLC0415

    known = known_datasets(DATASETS)
    if dataset not in known:
        raise CliError(f"there is no dataset {dataset!r}", f"There are: {', '.join(known)}")
    try:
        document = output_contract(version_of(DATASETS / dataset), location)
    except VersionError as error:
        raise CliError(str(error), f"See: {command('check')} {dataset}") from error
    if as_json:
        print_json(document)
    else:
        yaml.safe_dump(document, sys.stdout, sort_keys=False, allow_unicode=True, width=100)
