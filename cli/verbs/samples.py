"""`samples`: real files to try the pipeline on."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import Annotated

import typer

from cli.options import AsJson  # noqa: TC001 - Typer reads it at run time
from cli.output import print_json, stdout
from cli.paths import data_dir
from cli.samples import write_samples


def samples(
    into: Annotated[
        Path | None, typer.Option(help="Folder to write to; left out, .pipeline/data.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a file of real data for each example dataset: flights, weather, penguins and others.

    For example:
      pipeline samples
      pipeline samples --into /tmp/samples
    """
    files = [str(file) for file in write_samples(into or data_dir())]
    if as_json:
        print_json(files)
    else:
        stdout().print("\n".join(files), markup=False)
