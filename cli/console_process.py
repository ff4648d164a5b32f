"""Life of the local cloud's console: a process of our own beside the cloud's.

Whoever starts it binds its socket and passes it on, so that the address is known at once, and a
browser that comes before it has imported its libraries only waits.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import zlib
from contextlib import closing
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from cli import process
from cli.errors import CliError
from cli.fingerprint import console_fingerprint
from cli.local_cloud import ADDRESS, PASSED_ON
from cli.paths import ENV_HOME, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

MODULE: Final = "console"
ENV_KEY: Final = "LAMBDA_PIPELINES_CONSOLE_KEY"
"""What the key is passed on by: a command line can be read by everybody on the machine."""

LOOPBACK: Final = (ADDRESS, "localhost", "::1")
ANY_ADDRESS: Final = ("0.0.0.0", "::")
START_SECONDS: Final = 30.0
FIRST_PORT: Final = 20_000
PORTS: Final = 10_000
"""Below those that systems give to clients, so that ours is seldom taken."""

_STARTED: Final[dict[int, subprocess.Popen[bytes]]] = {}
"""Children of this very process, kept until they end."""


@dataclass(frozen=True)
class Serving:
    """A console's process, and where it answers.

    `key` opens one that others can reach; `code` is the digest of what it runs, for it goes on with
    that when the files have become others.
    """

    pid: int
    host: str
    port: int
    stack: str
    key: str | None
    code: str

    def url(self, path: str = "/") -> str:
        """Address of a page, without the key."""
        return address(self.host, self.port, path)

    def answers(self) -> bool:
        """Whether it answers, which takes it a second after it was started."""
        host = ADDRESS if self.host in ANY_ADDRESS else self.host
        with closing(HTTPConnection(host, self.port, timeout=START_SECONDS)) as connection:
            try:
                connection.request("HEAD", "/static/icon.svg")
                connection.getresponse()
            except (OSError, HTTPException):
                return False
            return True

    def opening(self, path: str = "/") -> str:
        """Address that opens a page for a browser that has never been here."""
        return with_key(self.url(path), self.key)


@dataclass(frozen=True)
class ConsoleProcess:
    """The console of the local cloud whose files are in `home`."""

    home: Path

    @property
    def log_file(self) -> Path:
        """What the process printed."""
        return self.home / "console.log"

    @property
    def state_file(self) -> Path:
        """The process that was started last; an empty document if none is wanted."""
        return self.home / "console.json"

    def is_wanted(self) -> bool:
        """Whether nobody has said that this local cloud is to have none."""
        return self._state() != {}

    def forgo(self) -> None:
        """Note that this local cloud is to have none, unless one is there already."""
        if self.running() is None:
            self.state_file.write_text("{}")

    def running(self) -> Serving | None:
        """Return the process, if it lives and is ours."""
        state = self._state()
        try:
            recorded = Serving(**state) if state else None
        except TypeError:
            return None
        return recorded if recorded and self._is_ours(recorded.pid) else None

    def start(self, stack: str, host: str | None = None, port: int | None = None) -> Serving:
        """Start the process; a living one stays, if it is what is wanted, or else makes room.

        Raises
        ------
        CliError
            If something else listens there.
        """
        code = console_fingerprint(PROJECT)
        living = self.running()
        if living is not None:
            host, port = host or living.host, port or living.port
            wanted = (host, port, stack, code)
            if (living.host, living.port, living.stack, living.code) == wanted:
                return living
            self.stop()
        host = host or ADDRESS
        key = None if host in LOOPBACK else (living and living.key) or secrets.token_urlsafe()
        with closing(self._listening(host, port)) as listening:
            pid = self._spawn(listening.fileno(), host, stack, key)
            serving = Serving(pid, host, int(listening.getsockname()[1]), stack, key, code)
        self._record(serving)
        return serving

    def stop(self) -> bool:
        """Stop the process; False if there was none of ours."""
        running = self.running()
        if running is not None:
            process.stop_group(running.pid)
        for pid, child in list(_STARTED.items()):
            if child.poll() is not None:
                del _STARTED[pid]
        self.state_file.unlink(missing_ok=True)
        return running is not None

    def _state(self) -> dict[str, Any] | None:
        """Document of the state file; None if there is none that can be read."""
        try:
            state = json.loads(self.state_file.read_text())
        except (OSError, ValueError):
            return None
        return state if isinstance(state, dict) else None

    def _is_ours(self, pid: int) -> bool:
        return process.is_ours(pid, (f"-m {MODULE} ", str(self.home)))

    def _listening(self, host: str, port: int | None) -> socket.socket:
        """Without a wish, the port that this home had before: bookmarks stay good."""
        if port is not None:
            return listening_at(host, port)
        usual = FIRST_PORT + zlib.crc32(str(self.home).encode()) % PORTS
        try:
            return listening_at(host, usual)
        except CliError:
            return listening_at(host, None)

    def _spawn(self, descriptor: int, host: str, stack: str, key: str | None) -> int:
        options = ["--descriptor", str(descriptor), "--host", host, "--stack", stack]
        with self.log_file.open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", MODULE, *options, "--home", str(self.home)],
                env=_environment(self.home, key),
                cwd=PROJECT,
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _STARTED[started.pid] = started
        # For some microseconds the system does not know the new process's command line.
        while started.poll() is None and not self._is_ours(started.pid):
            time.sleep(0.001)
        return started.pid

    def _record(self, serving: Serving) -> None:
        """Note the process, for nobody else's eyes: the key may be in it."""
        self.state_file.touch()
        self.state_file.chmod(0o600)  # it may have been there, and open to all
        self.state_file.write_text(json.dumps(asdict(serving)))


def listening_at(host: str, port: int | None) -> socket.socket:
    """Return a listening socket; without a port, on one that the system chooses.

    Raises
    ------
    CliError
        If something else listens there, or the address is none of this machine's.
    """
    listening = None
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen()
    except OSError as refused:
        if listening is not None:
            listening.close()
        raise CliError(
            f"the console cannot listen on {host} port {port or 'any'}: {refused.strerror}",
            "Leave --port out and a free one is chosen"
            if port
            else "Leave --host out and only this machine can reach it",
        ) from refused
    return listening


def address(host: str, port: int, path: str = "/") -> str:
    """Address of a page; where every interface is listened on, by this machine's name."""
    name = socket.gethostname() if host in ANY_ADDRESS else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}{path}"


def page_of(execution: str) -> str:
    """Path of an execution's page."""
    return f"/executions/{quote(execution, safe='')}"


def with_key(url: str, key: str | None) -> str:
    """Return the address that opens a console which asks for a key."""
    return url if key is None else f"{url}?key={key}"


def _environment(home: Path, key: str | None) -> dict[str, str]:
    """Return the process's variables: none of the shell's AWS settings, which mean other clouds."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    own = {ENV_HOME: str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return passed_on | own | ({ENV_KEY: key} if key else {})
