"""`console`: the web console of the local cloud, or of an account."""

from __future__ import annotations

import secrets
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from cli.browser import open_in_browser
from cli.console_process import (
    LOOPBACK,
    ConsoleProcess,
    Serving,
    address,
    listening_at,
    page_of,
    with_key,
)
from cli.errors import CliError
from cli.executions import described
from cli.local_cloud import ADDRESS, LocalCloud
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, stdout
from cli.paths import DATASETS, home
from cli.target import Target, Where, open_target
from cli.verbs.cloud import bring_up

if TYPE_CHECKING:
    from collections.abc import Callable


def console(
    execution: Annotated[
        str | None, typer.Argument(help="Open the page of this execution; `last` is the latest.")
    ] = None,
    *,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to listen on; left out, a free one is chosen."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; left out, only this machine's own.")
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Open the web console: executions, rows, dead letters and datasets as pages.

    That of the local cloud runs beside it until `pipeline down`; the cloud is started first, if
    need be. That of an account runs until Control-C.

    For example:
      pipeline console
      pipeline console last --no-browser
      pipeline console --profile production
    """
    if host is not None and host not in LOOPBACK:
        say(
            f"Warning: whoever reaches {host} can reach the console; it answers only who has its "
            "key, which the address below carries. Nothing is encrypted on the way."
        )

    def show(url: str) -> None:
        shown(url, as_json=as_json, browse=not (no_browser or as_json))

    where = Where(profile, region, stack)
    if where.is_local:
        show(_beside_the_cloud(stack, host, port).opening(_page(_local_target(stack), execution)))
    else:
        _in_the_foreground(where, host or ADDRESS, port, execution, show)


def shown(url: str, *, as_json: bool, browse: bool) -> None:
    """Print the console's address, and open it in a browser, if there can be one."""
    if as_json:
        print_json({"console_url": url})
    else:
        stdout().print(url, markup=False)
    sys.stdout.flush()
    if browse:
        open_in_browser(url)


def _beside_the_cloud(stack: str, host: str | None, port: int | None) -> Serving:
    """Return the local cloud's console, started where it is asked for if need be."""
    local, beside = LocalCloud(home()), ConsoleProcess(home())
    with local.locked():
        serving = beside.start(stack, host, port)
        if serving.answers():
            return serving
        beside.stop()
    raise CliError("the console did not start", f"Its log says why: {beside.log_file}")


def _local_target(stack: str) -> Target:
    """Return the local cloud as it is; one that does not run is brought up."""
    if LocalCloud(home()).running() is None:
        return bring_up(stack)
    return open_target(Where(stack=stack))


def _in_the_foreground(
    where: Where,
    host: str,
    port: int | None,
    execution: str | None,
    show: Callable[[str], None],
) -> None:
    """Serve an account's console until Control-C."""
    # Its libraries take a while to import, and no other verb wants them.
    from console.server import serve  # noqa: PLC0415
    from console.workspace import Console  # noqa: PLC0415

    path = _page(open_target(where), execution)
    key = secrets.token_urlsafe()
    with closing(listening_at(host, port)) as listening:
        show(with_key(address(host, listening.getsockname()[1], path), key))
        say("Stop it with Control-C.")
        with suppress(KeyboardInterrupt):
            serve(Console(where, DATASETS, key=key), listening, host)


def _page(target: Target, execution: str | None) -> str:
    """Path of the page to begin with.

    Raises
    ------
    CliError
        If there is no such execution.
    """
    return page_of(described(target, execution)["name"]) if execution else "/"
