"""Datasets: their contracts as documentation, and how their runs go.

What compiles a dataset is imported by the first request that needs it: it takes the better part of
a second, which the start of the console has not.
"""

from __future__ import annotations

import difflib
import shlex
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.routing import Route

from cli.paths import command
from cli.summary import query_command, where_options
from console.reading.definitions import definitions_in
from console.rendering import page
from console.workspace import console_of, workspace_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from cli.target import Target
    from console.reading.datasets import Overview

SHOWN_RUNS: Final = 10
"""Runs that a dataset's page lists; the list of executions has the others."""
LIST_SLOTS: Final = 20
"""Runs whose rejects the list shows."""

PATIENCE_SECONDS: Final = 0.3
"""So long the list waits for definitions that are to be read; its next look goes on with them."""


def listing(request: Request) -> Response:
    """Every dataset of the folder, and those that executions name."""
    from console.reading import stage_words, trends  # noqa: PLC0415
    from console.reading.datasets import overviews  # noqa: PLC0415

    console = console_of(request)
    index = workspace_of(request).index
    progress = index.progress  # before what it is about: what is missing is then told of
    found = overviews(definitions_in(console.datasets), index.listed(), PATIENCE_SECONDS)
    charts = {
        each.name: trends.rejects_chart(trends.trend_of(each.runs), slots=LIST_SLOTS, height=22)
        for each in found
    }
    return page(
        request,
        "datasets.html",
        datasets=found,
        charts=charts,
        words=stage_words,
        progress=progress,
        changing=any(_is_changing(each) for each in found) or not progress.is_complete,
        init_command=command("init FILE --dataset NAME"),
    )


def dataset(request: Request) -> Response:
    """One dataset: what its contract says, and its runs."""
    from console.reading import datasets, stage_words, trends  # noqa: PLC0415

    workspace = workspace_of(request)
    definitions = definitions_in(console_of(request).datasets)
    name = request.path_params["name"]
    progress = workspace.index.progress  # before what it is about: what is missing is told of
    one = datasets.overview(name, definitions, workspace.index.listed())
    if one is None:
        raise HTTPException(404, _unknown(name, definitions.names()))
    wanted = request.query_params.get("column", "")
    documented = datasets.documentation(one.definition) if one.definition else None
    trend = trends.trend_of(one.runs)
    return page(
        request,
        "dataset.html",
        one=one,
        dataset=one.name,
        documented=documented,
        inputs=datasets.fitting(documented.inputs, wanted) if documented else [],
        outputs=datasets.fitting(documented.outputs, wanted) if documented else [],
        wanted=wanted,
        most=datasets.SHOWN_COLUMNS,
        owner=datasets.owner_of(one.definition.declared) if one.definition else "",
        stages=stage_words.stages(one.definition) if one.definition else [],
        words=stage_words,
        runs=one.runs[:SHOWN_RUNS],
        progress=progress,
        changing=_is_changing(one) or not progress.is_complete,
        trend=trend,
        charts=[trends.rejects_chart(trend), trends.duration_chart(trend)],
        share=lambda run: trends.percent(trends.rejected_share(run)),
        deployed=datasets.deployed_hash(workspace.target, one.runs),
        commands=_commands(one.name, workspace.target),
    )


def _is_changing(one: Overview) -> bool:
    """Whether a look in two seconds may see more than this one."""
    unread = one.in_folder and one.definition is None
    return unread or any(run.is_running for run in one.runs)


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return f"There is no dataset {name[:200]!r}. {hint}The datasets are listed at /datasets."


def _commands(name: str, target: Target) -> list[tuple[str, str]]:
    """What to type about a dataset, and what for."""
    quoted = shlex.quote(name)
    where = where_options(target)
    return [
        ("Run a file, and see what becomes of it", command(f"run FILE --dataset {quoted}{where}")),
        ("Ask its output with SQL", query_command(name, target)),
        ("Check the contract and the steps", command(f"check {quoted}")),
        ("What a change would break", command(f"check {quoted} --against git:main")),
    ]


ROUTES: Final = [
    Route("/datasets", listing, name="datasets"),
    Route("/datasets/{name}", dataset, name="dataset"),
]
