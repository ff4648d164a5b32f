"""Run by the interpreter of the standard's command line: many commands, one start.

Reads a JSON list of command lines, and writes a JSON list of what each says; nothing, where it
succeeds.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from datacontract.cli import app


def said(arguments: list[str]) -> str:
    """What one command says if it fails."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            app(arguments)
        except SystemExit as exit_:
            return out.getvalue() or "failed" if exit_.code else ""
    return out.getvalue() + "did not end as commands do"


json.dump([said(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
