"""Dead letters: what failed and why, and doing it again or giving it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import Route

from cli.replays import replay_plan
from console.pages.forms import action
from console.reading.letter_actions import (
    LETTERS,
    LetterAction,
    LetterDiscard,
    LetterReplay,
    named_among,
    unique,
)
from console.reading.letter_view import LetterView, letter_view, listing_of
from console.reading.row_replay import RowsReplay, rows_plan
from console.rendering import page
from console.workspace import console_of, workspace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from cli.entries import Entry
    from cli.target import Target
    from console.reading.actions import Action

MOST_CONFIRMED: Final = 50
"""So many replays are planned for the page that asks for a confirmation: each asks S3 and more."""


def listing(request: Request) -> Response:
    """Everything that failed and was not replayed yet, the latest first."""
    console = console_of(request)
    lying = console.letters.current(workspace_of(request).target)
    running = [each for each in console.actions.running(LETTERS) if isinstance(each, LetterAction)]
    shown = listing_of(lying, running, request.query_params)
    return page(request, "letters.html", shown=shown)


def one(request: Request) -> Response:
    """One entry: why it failed, and what a replay would do."""
    console, name = console_of(request), request.path_params["letter_id"]
    latest = console.actions.latest_about(LETTERS, name)
    if latest is not None and not latest.has_ended:
        return RedirectResponse(address_of(latest), status_code=303)
    target = workspace_of(request).target
    found = named_among(console.letters.current(target).entries, [name])
    if not found:
        return page(request, "letter_gone.html", status_code=404, name=name, latest_action=latest)
    view = letter_view(replay_plan(target, found[name]))
    return page(request, "letter.html", letter=view, latest_action=latest)


def confirm_replay(request: Request) -> Response:
    """Ask whether the chosen letters shall be replayed, and say what that would do."""
    target, found, missing = _asked_for(request)
    plans = [letter_view(replay_plan(target, entry)) for entry in found[:MOST_CONFIRMED]]
    return page(
        request,
        "letters_confirm.html",
        verb="replay",
        letters=plans,
        more=[entry.plain_id for entry in found[MOST_CONFIRMED:]],
        missing=missing,
    )


def confirm_discard(request: Request) -> Response:
    """Ask whether the chosen letters shall be deleted."""
    _, found, missing = _asked_for(request)
    views = [LetterView(entry) for entry in found[:MOST_CONFIRMED]]
    return page(
        request,
        "letters_confirm.html",
        verb="discard",
        letters=views,
        more=[entry.plain_id for entry in found[MOST_CONFIRMED:]],
        missing=missing,
    )


def replay(request: Request, form: FormData) -> Response:
    """Start the replay of letters."""
    console, target = console_of(request), workspace_of(request).target
    return _begun(request, LetterReplay(target, console.letters, _ids(form.getlist("id"))))


def discard(request: Request, form: FormData) -> Response:
    """Start to delete letters."""
    console, target = console_of(request), workspace_of(request).target
    return _begun(request, LetterDiscard(target, console.letters, _ids(form.getlist("id"))))


def confirm_rows(request: Request) -> Response:
    """Ask whether a run's rejected rows shall be run again."""
    name = request.path_params["name"]
    plan = rows_plan(workspace_of(request).target, name)
    return page(request, "letters_confirm_rows.html", name=name, plan=plan)


def replay_rows(request: Request, _form: FormData) -> Response:
    """Start the replay of a run's rejected rows."""
    target = workspace_of(request).target
    return _begun(request, RowsReplay(target, request.path_params["name"]))


def doing(request: Request) -> Response:
    """How far an action is, and what became of it."""
    found = console_of(request).actions.get(request.path_params["action_id"])
    if found is None:
        raise HTTPException(
            404,
            "This console does not know that action: it was started anew since. Nothing is lost: "
            "what was started goes on, and letters that were held are back within two minutes.",
        )
    return page(request, "letters_action.html", action=found, outcomes=found.outcomes())


def address_of(what: Action) -> str:
    """Address of an action's page."""
    return f"/dead-letters/actions/{what.id}"


def _begun(request: Request, what: Action) -> Response:
    begun = console_of(request).actions.start(what)
    return RedirectResponse(address_of(begun), status_code=303)


def _asked_for(request: Request) -> tuple[Target, list[Entry], list[str]]:
    """Return the target, the entries that the address names, and the names that mean none."""
    target = workspace_of(request).target
    names = _ids(request.query_params.getlist("id"))
    found = named_among(console_of(request).letters.current(target).entries, names)
    return target, unique(found.values()), [name for name in names if name not in found]


def _ids(given: Sequence[object]) -> list[str]:
    """Return the ids of a form or an address.

    Raises
    ------
    HTTPException
        400, if there is none.
    """
    names = [name for name in given if isinstance(name, str) and name]
    if not names:
        raise HTTPException(400, "No dead letter was chosen. Go back and choose one at least.")
    return names


ROUTES: Final = [
    Route("/dead-letters", listing, name="letters"),
    Route("/dead-letters/replay", confirm_replay),
    Route("/dead-letters/replay", action(replay), methods=["POST"]),
    Route("/dead-letters/discard", confirm_discard),
    Route("/dead-letters/discard", action(discard), methods=["POST"]),
    Route("/dead-letters/actions/{action_id}", doing, name="action"),
    Route("/dead-letters/{letter_id}", one, name="letter"),
    Route("/executions/{name}/replay-rows", confirm_rows),
    Route("/executions/{name}/replay-rows", action(replay_rows), methods=["POST"]),
]
