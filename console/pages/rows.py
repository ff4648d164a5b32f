"""What became of the rows of one execution."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.routing import Route

from cli.paths import command
from cli.quarantine import MEANING, stage_of
from cli.summary import query_command, where_options
from console.reading.cells import cell
from console.reading.definitions import definitions_in
from console.reading.execution import execution_view
from console.reading.outputs import LISTED, hiding, partition
from console.reading.rejected import SHOWN, Place, Wanted, place_named, rejected_page
from console.reading.rows import rows_view
from console.reading.sample import Sample, sample
from console.rendering import page
from console.workspace import console_of, workspace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from cli.target import Target
    from console.reading.rejected import RejectedPage
    from console.reading.rows import RowsView
    from pipeline.plan import Plan

STEPS_BACK: Final = 20
"""Pages that an address remembers, to go back to."""
CHUNK: Final = 256 * 1024
UNKNOWN_MASKS: Final = (
    "Which columns are personal or secret is not known, so no values are shown: the dataset is not "
    "defined here, and the run has left no profile."
)


def rows(request: Request) -> Response:
    """Funnel, rejected rows, repairs, checks, lookups, and a sample of the output."""
    target = workspace_of(request).target
    view = execution_view(target, request.path_params["name"])
    found = rows_view(target, view)
    plan = _plan(request, view.result.dataset)
    wanted, steps, chosen = _wanted(request), _Steps(request), _chosen(request, found)
    is_alone = request.query_params.get("rows") == "1"
    return page(
        request,
        "rows.html",
        name=view.name,
        view=view,
        found=found,
        wanted=wanted,
        rejected_rows=_rejected_page(target, found, plan, wanted, steps.start, alone=is_alone),
        is_alone=is_alone,
        steps=steps,
        link=partial(_link, view.name),
        partition=partition,
        chosen=chosen,
        sample=_sample(target, found, plan, chosen),
        meaning=MEANING,
        listed=LISTED,
        stage_of=stage_of,
        shown=cell,
        commands=_commands(target, found, view.result.dataset),
    )


def download(request: Request) -> Response:
    """A file of rejected rows or of repairs, as it is."""
    target = workspace_of(request).target
    found = rows_view(target, execution_view(target, request.path_params["name"]))
    kind, stage = request.path_params["kind"], request.path_params["stage"]
    quarantine = found.rejected.state.addresses if found.rejected else []
    told = {"quarantine": quarantine, "repairs": list(map(str, found.repairs("files")))}
    addresses = [address for address in told.get(kind, []) if stage_of(address) == stage]
    if not addresses:
        raise HTTPException(
            404, f"This execution has left no {kind} of {stage}. Go back to its rows."
        )
    return _file(target, addresses[0], f"{kind}-{found.summary.get('run_id')}-{stage}.jsonl")


class _Steps:
    """Where the page of rejected rows begins, and the pages before it, as the address says."""

    def __init__(self, request: Request) -> None:
        named = map(place_named, request.query_params.get("back", "").split("_"))
        self.before = [place for place in named if place is not None][-STEPS_BACK:]
        self.start = place_named(request.query_params.get("at", "")) or Place()

    @property
    def is_first(self) -> bool:
        """Whether the page begins with the first row."""
        return self.start == Place()

    @property
    def onward(self) -> str:
        """Parameter of the next page: this one is among those before it."""
        return "_".join(map(str, [*self.before, self.start][-STEPS_BACK:]))

    @property
    def backward(self) -> dict[str, Any]:
        """Parameters of the page before this one: the first one, if nobody remembers it."""
        *earlier, last = self.before or [Place()]
        return {"at": last, "back": "_".join(map(str, earlier))}


def _wanted(request: Request) -> Wanted:
    asked = request.query_params
    return Wanted(asked.get("column"), asked.get("rule"), asked.get("stage"))


def _rejected_page(
    target: Target,
    found: RowsView,
    plan: Plan | None,
    wanted: Wanted,
    start: Place,
    *,
    alone: bool,
) -> RejectedPage | None:
    """Rejected rows from a place on; `alone` is the first of them, as a whole."""
    if found.rejected is None:
        return None
    return rejected_page(
        target.cloud.s3(),
        found.rejected.state.addresses,
        wanted,
        start=start,
        limit=1 if alone else SHOWN,
        sources=plan.source_names if plan else None,
    )


def _chosen(request: Request, found: RowsView) -> int:
    """Position of the output file that is looked into."""
    asked = request.query_params.get("file", "")
    files = found.output.files if found.output else ()
    at = int(asked) if re.fullmatch(r"\d{1,6}", asked) else 0
    return at if at < len(files) else 0


def _sample(target: Target, found: RowsView, plan: Plan | None, chosen: int) -> Sample | None:
    if found.output is None or not found.output.files:
        return None
    hidden = hiding(target, found.summary, plan)
    if hidden is None:
        return Sample(trouble=UNKNOWN_MASKS)
    file = found.output.files[chosen]
    return sample(target.cloud.s3(), file, found.output.written_by(plan), hidden)


def _plan(request: Request, dataset: str | None) -> Plan | None:
    """Return the plan of the dataset as it is defined here, if it is."""
    definition = definitions_in(console_of(request).datasets).get(dataset) if dataset else None
    return definition.plan if definition else None


def _link(name: str, _anchor: str = "", **asked: Any) -> str:
    """Address of the execution's rows with parameters; those that are None are left out."""
    given = {key: value for key, value in asked.items() if value is not None}
    query = f"?{urlencode(given)}" if given else ""
    return f"/executions/{quote(name, safe='')}/rows{query}{_anchor}"


def _commands(target: Target, found: RowsView, dataset: str | None) -> dict[str, str]:
    """What to type about the rows."""
    run_id = found.rejected.state.run.run_id if found.rejected else ""
    return {
        "replay": f"{command('quarantine replay')} {run_id}{where_options(target)}",
        "query": query_command(dataset, target) if dataset else "",
    }


def _file(target: Target, address: str, name: str) -> Response:
    bucket, key = address.removeprefix("s3://").split("/", 1)
    found = target.cloud.s3().get_object(Bucket=bucket, Key=key)

    def chunks() -> Iterator[bytes]:
        with found["Body"] as body:
            while chunk := body.read(CHUNK):
                yield chunk

    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return StreamingResponse(
        chunks(),
        media_type="application/x-ndjson",
        headers={
            "Content-Disposition": f'attachment; filename="{plain}"',
            "Content-Length": str(found["ContentLength"]),
            "Cache-Control": "no-store",
        },
    )


ROUTES: Final = [
    Route("/executions/{name}/rows", rows, name="rows"),
    Route("/executions/{name}/rows/{kind}/{stage}.jsonl", download, name="rows-file"),
]
