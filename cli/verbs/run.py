"""`run`: upload files and follow what becomes of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from cli.console_process import ConsoleProcess, page_of
from cli.datasets import dataset_of, known_datasets
from cli.errors import EXIT_RUN_FAILED, CliError
from cli.executions import ExecutionFinder
from cli.follow import Followed, Follower, still_running
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, stderr, stdout
from cli.paths import DATASETS, command, home
from cli.summary import how_to_look, summary
from cli.target import Target, Where, open_target
from cli.upload import object_key, upload
from cli.verbs.cloud import bring_up
from cli.view import chosen_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.outcome import RunResult


def run(
    files: Annotated[list[Path], typer.Argument(help="CSV or JSON files, plain or gzipped.")],
    *,
    dataset: Annotated[
        str | None,
        typer.Option(help="Dataset of all files; left out, each file's or folder's name says it."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to follow before giving up.")] = 3600,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Upload files, follow them through the pipeline, and show the outcome.

    The local cloud is started and the stack deployed to it first, if need be.

    For example:
      pipeline run flights.csv
      pipeline run january.csv february.csv --dataset flights
      pipeline run flights.csv --json | jq '.[0].rows'
      pipeline run flights.csv --profile production
    """
    named = datasets_of(files, dataset)
    where = Where(profile, region, stack)
    target = bring_up(stack) if where.is_local else open_target(where)
    followed = uploads(target, files, named)
    results = Follower(target, timeout_seconds=timeout).follow(followed, chosen_view())
    report(followed, results, target, as_json=as_json)
    if still_running(results):
        raise CliError(
            f"still running after {timeout:.0f} s, and goes on", f"See: {command('show last')}"
        )
    if not all(result.is_good for result in results):
        raise typer.Exit(EXIT_RUN_FAILED)


def datasets_of(files: Sequence[Path], dataset: str | None) -> list[str]:
    """Return the dataset of each file, which must exist; a named dataset may be unknown."""
    for file in files:
        if not file.is_file():
            what = "a folder, not a file" if file.is_dir() else "not there"
            raise CliError(f"{file} is {what}", "Give the path of a CSV or JSON file")
    known = known_datasets(DATASETS)
    if dataset is not None and dataset not in known:
        say(f"Warning: there is no dataset {dataset} here, only: {', '.join(known) or 'none'}.")
    named = [dataset or dataset_of(file, known) for file in files]
    keys = [object_key(name, file.name) for name, file in zip(named, files, strict=True)]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise CliError(
            f"several files would become {twice[0]}, and each replace the one before",
            "Give them different names, or run them one after the other",
        )
    return named


def uploads(target: Target, files: Sequence[Path], named: Sequence[str]) -> list[Followed]:
    """Upload all files, with a bar on a terminal."""
    finder = ExecutionFinder(target)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    followed = []
    console = stderr()
    shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with shown as progress:
        for file, dataset in zip(files, named, strict=True):
            task = progress.add_task(f"Uploading {file.name}", total=file.stat().st_size)
            on_bytes = partial(progress.advance, task)
            uploaded = upload(target.cloud.s3(), target.input_bucket, dataset, file, on_bytes)
            # The bar's own console: another one would write into the bar's line.
            console.print(
                f"Uploaded {file.name} to s3://{uploaded.bucket}/{uploaded.key}", markup=False
            )
            find = partial(finder.find, uploaded)
            followed.append(Followed(str(file), dataset, uploaded.source, find))
    return followed


def report(
    followed: Sequence[Followed],
    results: Sequence[RunResult],
    target: Target,
    *,
    as_json: bool,
) -> None:
    """Print the outcome of every file."""
    if as_json:
        print_json([result.as_json() for result in results])
        return
    out = stdout()
    for file, result in zip(followed, results, strict=True):
        for line in summary(file.label, result, target):
            out.print(line)
    for line in how_to_look([result for result in results if result.is_good], target):
        out.print(line)
    if url := _page_url(results, target):
        out.print(f"See it in the console: {url}", markup=False)


def _page_url(results: Sequence[RunResult], target: Target) -> str | None:
    """Address of the console's page about the runs; None if there is no console."""
    serving = ConsoleProcess(home()).running() if target.cloud.is_local else None
    arns = [result.execution_arn for result in results]
    path = page_of(arns[0].rpartition(":")[2]) if len(arns) == 1 and arns[0] else "/executions"
    return serving.opening(path) if serving else None
