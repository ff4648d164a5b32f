"""What computing a small file takes: CPU seconds of the five warm handlers, and whose they are.

`python -m benchmarks.small_files` prints a table. One process takes files of 1,000 rows through the
five handlers, one after the other; the first ones are not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.flights_store import handlers, prepare, said_by, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS: Final = 1_000
ROUNDS: Final = 30
WARMING: Final = 5
"""Files before any is counted: by then each cache is filled, and all is imported."""
OURS: Final = "ours"
"""What is left of all without `sdk` and `store`: the computing."""


class Shares:
    """CPU seconds inside the SDK's calls, and of them those of the store that answers."""

    def __init__(self) -> None:
        self.sdk = self.store = 0.0
        self.requests = 0
        self._called = self._sent = 0.0

    def watch(self, client: Any) -> None:
        """Look on at all that a client does from now on."""
        events = client.meta.events
        events.register_first("provide-client-params.s3", self._on_call)
        events.register_first("before-send.s3", self._on_send)
        events.register_first("response-received.s3", self._on_answer)
        events.register_last("after-call.s3", self._on_return)

    def _on_call(self, **_: Any) -> None:
        self._called = time.process_time()

    def _on_send(self, **_: Any) -> None:
        self.requests += 1
        self._sent = time.process_time()

    def _on_answer(self, **_: Any) -> None:
        self.store += time.process_time() - self._sent

    def _on_return(self, **_: Any) -> None:
        self.sdk += time.process_time() - self._called


def computing(rounds: int = ROUNDS) -> dict[str, float]:
    """Return medians of CPU seconds by stage, and of all stages: `ours`, `sdk` and `store`.

    `sdk` is what botocore takes to make, sign and read `requests`, whose number is told, too;
    `store` what the files in place of S3 take, which no function has.
    """
    with tempfile.TemporaryDirectory() as folder:
        keys = prepare(Path(folder), (WARMING + rounds) * (ROWS,))
        counted = said_by("benchmarks.small_files", Path(folder), keys)[WARMING:]
    return {name: statistics.median(each[name] for each in counted) for name in counted[0]}


def _measured(stages: Mapping[str, Any], state: dict[str, Any], shares: Shares) -> dict[str, float]:
    shares.sdk, shares.store, shares.requests = 0.0, 0.0, 0
    found = {}
    for stage, handler in stages.items():
        began = time.process_time()
        state["run"] = handler(state, None)
        found[stage] = time.process_time() - began
    parts = {"sdk": shares.sdk - shares.store, "store": shares.store}
    ours = sum(found.values()) - shares.sdk
    return {**found, OURS: ours, **parts, "requests": float(shares.requests)}


def main() -> None:
    """Print a table in Markdown, or, of a store's objects, what each took as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true", help="print the medians as JSON")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("keys", nargs="*", metavar="key")
    options = parser.parse_args()
    if options.folder:
        _print_each(options.folder, options.keys)
        return
    found = computing(options.rounds)
    if options.json:
        print(json.dumps({"rows": ROWS, "cpu": found}))
        return
    print(f"{found.pop('requests'):.0f} requests\n\n| part | CPU ms |\n| --- | --- |")
    for name, seconds in found.items():
        print(f"| {name} | {1000 * seconds:.1f} |")


def _print_each(folder: Path, keys: list[str]) -> None:
    shares = Shares()
    stages = handlers(folder, shares.watch)
    print(json.dumps([_measured(stages, state_of(folder, key), shares) for key in keys]))


if __name__ == "__main__":
    main()
