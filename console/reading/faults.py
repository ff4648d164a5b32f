"""What an error says, and whose fault it is: the same words on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.summary import CLIENT_ERROR

if TYPE_CHECKING:
    from cli.outcome import RunResult


def whose_fault(status_code: int | None) -> str:
    """Name what has to change before it can work: 400 is the data's fault."""
    if status_code == CLIENT_ERROR:
        return "the data or its definition"
    return "the platform or the pipeline"


def reason(result: RunResult) -> str:
    """Return an error's message without the file that it is about, which stands beside it.

    The stages put it first (`pipeline/runtime.py`). Empty if nothing failed.
    """
    message = result.error.message if result.error else ""
    address = f"s3://{result.source['bucket']}/{result.source['key']}: "
    before, _, said = message.partition(address)
    is_named = before in ("", f"Dataset {result.dataset}, file ")
    return said if is_named else message
