"""Life of the local cloud: a MiniStack process of our own on a port of our own.

Its data lives in that process's memory: stopping it forgets buckets, executions and the stack.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from cli import process
from cli.errors import CliError
from cli.paths import command
from pipeline.constants import ENV_LOCAL_PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS: Final = "127.0.0.1"
REGION: Final = "us-east-1"
ACCESS_KEY: Final = "test"
HEALTH_PATH: Final = "/_ministack/health"
START_SECONDS: Final = 60.0
SERVER_MODULE: Final = "cli.local_server"
RUNTIME_CLIENT: Final = "awslambdaric"
"""Runs the functions; the one package of the project that not every platform has."""

PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
"""The user's variables that the local cloud sees; AWS settings must not leak into functions."""

_STARTED: Final[dict[int, subprocess.Popen[bytes]]] = {}
"""Children of this very process; one that ends stays in the process table until waited for."""


@dataclass(frozen=True)
class Running:
    """A local cloud that answers."""

    pid: int
    port: int

    @property
    def endpoint_url(self) -> str:
        """Address that every AWS client is pointed at."""
        return f"http://{ADDRESS}:{self.port}"


@dataclass(frozen=True)
class LocalCloud:
    """The local cloud whose files are in `home`."""

    home: Path

    @property
    def log_file(self) -> Path:
        """What the process printed."""
        return self.home / "cloud.log"

    @property
    def state_file(self) -> Path:
        """Pid and port of the process that was started last."""
        return self.home / "cloud.json"

    def recorded(self) -> Running | None:
        """Say what the state file says, whether true or not."""
        try:
            state = json.loads(self.state_file.read_text())
            return Running(pid=int(state["pid"]), port=int(state["port"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def running(self) -> Running | None:
        """Return the process, if it lives, is ours and answers."""
        recorded = self.recorded()
        if recorded is None or not self._is_ours(recorded.pid):
            return None
        return recorded if _healthy(recorded) else None

    def start(self, port: int | None = None) -> Running:
        """Start the process (a living one is returned as it is) and wait until it answers."""
        living = self.running()
        if living is not None:
            if port not in (None, living.port):
                raise CliError(
                    f"the local cloud already runs on port {living.port}",
                    f"Stop it first: {command('down')}",
                )
            return living
        if importlib.util.find_spec(RUNTIME_CLIENT) is None:
            raise CliError(
                f"the local cloud needs {RUNTIME_CLIENT}, which is built for Linux only",
                "Use Linux or WSL, or work on AWS with --profile or --region",
            )
        self.stop()
        started = self._spawn(_free_port(port))
        self._await_health(started)
        return started

    def stop(self) -> bool:
        """Stop the process and its functions; False if there was none of ours."""
        recorded = self.recorded()
        ours = recorded is not None and self._is_ours(recorded.pid)
        if recorded is not None and ours:
            process.stop_group(recorded.pid)
        _forget_ended()
        self.state_file.unlink(missing_ok=True)
        shutil.rmtree(self.home / "tmp", ignore_errors=True)
        return ours

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time start, deploy to or stop this local cloud."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _is_ours(self, pid: int) -> bool:
        return process.is_ours(pid, (SERVER_MODULE, str(self.home)))

    def _spawn(self, port: int) -> Running:
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", SERVER_MODULE, str(self.home)],
                env=server_environment(port, self.home),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _STARTED[started.pid] = started
        running = Running(pid=started.pid, port=port)
        self.state_file.write_text(json.dumps(asdict(running)))
        return running

    def _await_health(self, started: Running) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if _healthy(started):
                return
            if _STARTED[started.pid].poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise CliError("the local cloud did not start", f"Its log says why: {self.log_file}")


def server_environment(port: int, home: Path) -> dict[str, str]:
    """Return the settings of the local cloud's process, which every function inherits."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return passed_on | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": ADDRESS,
        # Root is test/test; every role is held to its policies, as in AWS.
        "AUTH": "true",
        "AWS_ENDPOINT_URL": f"http://{ADDRESS}:{port}",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MINISTACK_HOST": ADDRESS,
        "MINISTACK_REGION": REGION,
        ENV_LOCAL_PYTHON: sys.executable,
        "TMPDIR": str(home / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Listeners and helpers that the pipeline has no use for.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # No Docker: otherwise it would look for, and clear away, containers of others.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }


def _free_port(wanted: int | None) -> int:
    """`wanted`, if nothing listens there; without a wish, a port that the system chooses."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, wanted or 0))
        except (OSError, OverflowError) as refused:
            raise CliError(
                f"port {wanted} is not free", "Leave --port out and a free one is chosen"
            ) from refused
        return int(probe.getsockname()[1])


def _healthy(running: Running) -> bool:
    """Whether the process answers on its port."""
    try:
        with urllib.request.urlopen(running.endpoint_url + HEALTH_PATH, timeout=5) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:
        return False


def _forget_ended() -> None:
    """Take processes that have ended out of the process table, where we are the parent."""
    for pid, child in list(_STARTED.items()):
        if child.poll() is not None:
            del _STARTED[pid]
