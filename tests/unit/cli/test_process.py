from __future__ import annotations

import os
import subprocess
import sys
import time

from cli.process import is_ours, stop_group


def sleeper() -> subprocess.Popen[bytes]:
    """A process with a child, in a session of its own."""
    code = (
        "import subprocess, sys, time; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, "
        "flush=True); time.sleep(60)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, "our-mark"], stdout=subprocess.PIPE, start_new_session=True
    )


def test_a_process_is_ours_if_its_command_line_says_so() -> None:
    assert not is_ours(os.getpid(), ("never in a command line",))
    assert is_ours(os.getpid(), ())


def test_stopping_takes_the_children_along() -> None:
    with sleeper() as leader:
        assert leader.stdout
        child = int(leader.stdout.readline())
        assert is_ours(leader.pid, ("our-mark",))

        stop_group(leader.pid)

        deadline = time.monotonic() + 5
        while is_ours(child, ()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_ours(leader.pid, ("our-mark",))
        assert not is_ours(child, ())


def test_stopping_a_process_that_is_gone_is_no_trouble() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as gone:
        gone.wait()

    stop_group(gone.pid)
