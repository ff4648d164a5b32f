"""`report`: one page about a run, to keep and to pass on."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.browser import open_in_browser
from cli.errors import CliError
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, working
from cli.paths import home
from cli.report.document import report_document
from cli.report.reading import run_reading
from cli.report.runs import execution_of
from cli.summary import where_options
from cli.target import Target, Where, open_target
from pipeline.constants import PROFILES_PREFIX

if TYPE_CHECKING:
    from typing import Any

REPORTS: Final = "reports"
"""Folder of the reports in the command's own folder."""


def report(
    run: Annotated[str, typer.Argument(help="Name or ARN of an execution, a run's id, or `last`.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the page to this file.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Put the page into the output bucket, too.")
    ] = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page about a run: rows, rejects, columns, repairs, time, cost, versions.

    The page needs nothing else: no network, no script. Failed runs have one, too.
    Some values of the run's rows are in it; those of masked columns are not.

    For example:
      pipeline report last
      pipeline report last --open
      pipeline report a6b135c9437ffcaca9e6f71b8f7b41cd --output january.html
      pipeline report last --json | jq .outcome.sentence
    """
    target = open_target(Where(profile, region, stack))
    found = run_reading(target, execution_of(target, run))
    document = report_document(found, where_options(target))
    if as_json:
        if output or show or publish:
            raise CliError("--json writes no page", "Leave out --output, --open and --publish")
        print_json(document)
        return
    if publish and not (document["run_id"] and document["dataset"]):
        raise CliError(
            "this run failed before it had an id, so its report has no place in the bucket",
            "Leave out --publish",
        )
    path, html = _written(document, output)
    typer.echo(path)
    if publish:
        say(f"Published: {_published(target, document, html)}")
        say("Some of the run's values are in it: who may read profiles can read these now.")
    if show and not open_in_browser(path.resolve().as_uri()):
        say("There is no display here to open it on.")


def _written(document: dict[str, Any], output: Path | None) -> tuple[Path, str]:
    """Write the page; return where, and the page."""
    # Plots take a library that is slow to load, and that no other verb needs.
    from cli.report.rendering import file_name, report_page  # noqa: PLC0415

    with working("Drawing the report"):
        html = report_page(document)
    path = output or home() / REPORTS / file_name(document)
    if output is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, "utf-8")
    return path, html


def _published(target: Target, document: dict[str, Any], html: str) -> str:
    """Put the page beside the profiles, for it holds values as they do; return its address."""
    key = f"{PROFILES_PREFIX}{document['dataset']}/{document['run_id']}/report.html"
    target.cloud.s3().put_object(
        Bucket=target.output_bucket,
        Key=key,
        Body=html.encode(),
        ContentType="text/html; charset=utf-8",
    )
    return f"s3://{target.output_bucket}/{key}"
