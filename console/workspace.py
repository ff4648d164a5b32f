"""What the console works on: the target, what it knows of its executions, and who may ask."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from cli.local_cloud import LocalCloud
from cli.paths import home
from cli.target import open_target
from console.reading.actions import Actions
from console.reading.executions import ExecutionIndex
from console.reading.letters import LetterBox
from console.reading.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request

    from cli.local_cloud import Running
    from cli.target import Target, Where


@dataclass(frozen=True)
class Workspace:
    """An open target, and the index of its executions; `process` is that of the local cloud."""

    target: Target
    index: ExecutionIndex
    process: Running | None = None


@dataclass
class Console:
    """State of the console's process, in `app.state.console`.

    Parameters
    ----------
    where
        The cloud that the options name.
    datasets
        Folder of the datasets' definitions.
    token
        What every form has to carry; see `console.security`.
    key
        What a browser has to have shown once; None where only this machine's user can ask.
    opening
        Opens the target.
    """

    where: Where
    datasets: Path
    token: str = field(default_factory=secrets.token_urlsafe)
    key: str | None = None
    letters: LetterBox = field(default_factory=LetterBox)
    actions: Actions = field(default_factory=Actions)
    uploads: Uploads = field(default_factory=Uploads)
    opening: Callable[[Where], Target] = open_target
    _opened: Workspace | None = None
    _is_stale: bool = False
    _lock: Lock = field(default_factory=Lock)

    def workspace(self) -> Workspace:
        """Return the target, opened when first asked for, and when the local cloud is a new one.

        Raises
        ------
        CliError
            If the local cloud does not run, or there is no such stack.
        """
        with self._lock:
            process = LocalCloud(home()).recorded() if self.where.is_local else None
            if self._opened is None or self._is_stale or self._opened.process != process:
                self._opened = self._reopened(process)
                self._is_stale = False
            return self._opened

    def forget(self) -> None:
        """Open the target anew for the next request: this one does not answer."""
        self._is_stale = True

    def _reopened(self, process: Running | None) -> Workspace:
        """Open the target; what is known of the same cloud's executions stays known."""
        target, before = self.opening(self.where), self._opened
        if (
            before
            and before.process == process
            and before.target.state_machine_arn == (target.state_machine_arn)
        ):
            before.index.use(target)
            return Workspace(target, before.index, process)
        if before:
            before.index.stop()
        return Workspace(target, ExecutionIndex(target), process)


def console_of(request: Request) -> Console:
    """Return the state of the process that a request has reached."""
    console: Console = request.app.state.console
    return console


def workspace_of(request: Request) -> Workspace:
    """Return what the console works on."""
    return console_of(request).workspace()
