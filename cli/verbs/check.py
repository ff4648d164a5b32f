"""`check`: tells whether every dataset is sound, before anything is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import EXIT_WRONG_USE
from cli.options import AsJson  # noqa: TC001 - Typer reads it at run time
from cli.output import print_json, say, stdout
from cli.paths import DATASETS

if TYPE_CHECKING:
    from pipeline.authoring.check import Finding


def check(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Names of datasets; left out, all of them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check datasets: contract, steps, every expression against the contract's columns.

    Exit status 2 if there is an error; warnings and notes are no errors.

    For example:
      pipeline check
      pipeline check flights
      pipeline check --json | jq '.[] | select(.severity == "error")'
    """
    # The linters are heavy, and no other verb needs them.
    from pipeline.authoring.check import check_datasets  # noqa: PLC0415

    findings = check_datasets(DATASETS, datasets or [])
    if as_json:
        print_json([finding_record(finding) for finding in findings])
    for finding in [] if as_json else findings:
        stdout().print(str(finding), markup=False)
    errors = sum(1 for finding in findings if finding.severity == "error")
    say(f"{errors} errors, {len(findings) - errors} other findings")
    if errors:
        raise typer.Exit(EXIT_WRONG_USE)


def finding_record(finding: Finding) -> dict[str, Any]:
    """One finding as `--json` prints it."""
    return {
        "file": str(finding.file),
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity,
        "message": finding.message,
    }
