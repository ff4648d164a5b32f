"""What an error says: the same words on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.outcome import RunResult


def reason(result: RunResult) -> str:
    """Return an error's message without the file that it is about, which stands beside it.

    The stages put it first (`pipeline/runtime.py`). Empty if nothing failed.
    """
    message = result.error.message if result.error else ""
    address = f"s3://{result.source['bucket']}/{result.source['key']}: "
    before, _, said = message.partition(address)
    is_named = before in ("", f"Dataset {result.dataset}, file ")
    return said if is_named else message
