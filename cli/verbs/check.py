"""`check`: tells whether every dataset is sound, before anything is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import EXIT_RUN_FAILED, EXIT_WRONG_USE, CliError
from cli.options import AsJson  # noqa: TC001 - Typer reads it at run time
from cli.output import print_json, say, stdout
from cli.paths import DATASETS

if TYPE_CHECKING:
    from pipeline.authoring.against import Differences
    from pipeline.authoring.check import Finding


def check(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Names of datasets; left out, all of them.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="List what changed since an earlier version of the one dataset: a contract, "
            "a dataset's folder, or git:REVISION."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check datasets: contract, steps, every expression against the contract's columns.

    Exit status 2 if there is an error; warnings and notes are no errors. With --against, 1 if a
    change breaks something for those who send files or for those who read the output.

    For example:
      pipeline check
      pipeline check flights
      pipeline check flights --against git:main
      pipeline check --json | jq '.[] | select(.severity == "error")'
    """
    # The linters are heavy, and no other verb needs them.
    from infra.catalog.query_notes import query_notes  # noqa: PLC0415
    from pipeline.authoring.check import check_datasets  # noqa: PLC0415

    if against is not None and len(datasets or []) != 1:
        raise CliError("--against compares one dataset", "Name it: pipeline check NAME --against …")
    findings = check_datasets(DATASETS, datasets or [], query_notes)
    errors = sum(1 for finding in findings if finding.severity == "error")
    changed = _differences((datasets or [""])[0], against) if against and not errors else None
    if as_json:
        listed = [finding_record(finding) for finding in findings]
        print_json({"findings": listed, **changed.to_json()} if changed else listed)
    else:
        for line in (*findings, *(changed.changes if changed else ())):
            stdout().print(str(line), markup=False)
    say(f"{errors} errors, {len(findings) - errors} other findings")
    if errors:
        raise typer.Exit(EXIT_WRONG_USE)
    if changed and _summed_up(changed):
        raise typer.Exit(EXIT_RUN_FAILED)


def _differences(name: str, against: str) -> Differences:
    from pipeline.authoring.against import differences  # noqa: PLC0415
    from pipeline.authoring.version import VersionError  # noqa: PLC0415

    try:
        return differences(DATASETS / name, against)
    except VersionError as error:
        raise CliError(str(error)) from error


def _summed_up(changed: Differences) -> int:
    """Say how much changed and which version that asks for; return the number of breaking ones."""
    breaking = sum(1 for change in changed.changes if change.breaks)
    say(f"{breaking} breaking changes, {len(changed.changes) - breaking} others")
    if changed.suggested:
        say(
            f"the contract's version is {changed.new_version}, and was {changed.old_version}: "
            f"these changes ask for {changed.suggested}"
        )
    return breaking


def finding_record(finding: Finding) -> dict[str, Any]:
    """One finding as `--json` prints it."""
    return {
        "file": str(finding.file),
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity,
        "message": finding.message,
    }
