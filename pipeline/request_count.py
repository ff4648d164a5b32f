"""How many requests a function has sent to S3, by what S3 bills them as.

Counted where the SDK sends, so that its own repeats count, too: they are billed as well.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

GET: Final = "get"
PUT: Final = "put"
LIST: Final = "list"
DELETE: Final = "delete"
"""Kinds of requests. `get`: reads and looks (HEAD); `put`: PUT, COPY, POST; `delete`: also aborted
uploads; free."""
_KINDS: Final = {"Get": GET, "Head": GET, "List": LIST, "Delete": DELETE, "Abort": DELETE}

_sent: list[str] = []  # appending is one step of the interpreter: parts are sent by several threads


def count_requests(client: S3Client) -> None:
    """Count what this client sends from now on."""
    client.meta.events.register("before-send.s3", _note)


def forget_requests() -> None:
    """Begin at zero: what follows is another invocation's."""
    _sent.clear()


def requests_sent() -> dict[str, int]:
    """Return the number of requests by kind; zeros are left out."""
    return dict(Counter(_sent))


def _note(event_name: str, **_: Any) -> None:
    operation = event_name.rpartition(".")[2]
    kinds = (kind for verb, kind in _KINDS.items() if operation.startswith(verb))
    _sent.append(next(kinds, PUT))
