"""docs/reliability.md: the scenarios and what was seen, as text that only changes when they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.end_to_end.cloud import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.suite import Result

PAGE: Final = PROJECT / "docs" / "reliability.md"
COLUMNS: Final = (
    "scenario",
    "fault",
    "where",
    "what must happen",
    "outcome seen",
    "executions",
    "attempts",
    "letters",
    "alerts",
    "verdict",
)
PASSED: Final = "passed"

INTRO: Final = """\
# Reliability

What happens when things break, as it was seen on the deployed stack. `make reliability` injects
every fault below into the real functions under the real state machine, on the local cloud, and
writes this page; `make test` does the same and fails where anything differs.

## What must hold after every scenario

- **No row is lost and none is there twice.** Each row of the files has an id of its own. The ids in
  the Parquet files that the manifest names, and those in its quarantine, are exactly the ones that
  the file's rows ask for, and the manifest counts every row once: as written, rejected, duplicate,
  filtered or dropped by a lookup. A file that has no manifest is named by a letter in the
  dead-letter queue.
- **No output is torn.** What a listing of `processed/` shows of a file is what its manifest names,
  version by version, and no note of an unfinished commit is left; except while a letter for the
  file waits.

## How the faults are made

The functions reach S3 through a proxy of the tests (`tests/faults/proxy.py`), which they are
pointed at by `AWS_ENDPOINT_URL_S3`, a setting of the AWS SDK. A rule of the proxy names requests
by method, bucket, key, stage and how-manieth, and answers them with an error of S3, closes the
connection before or in the middle of an answer, holds them, or has the test do something first:
kill the process that asks, delete an object, stop the execution.

A proxy, and not hooks in the SDK: nothing in the product is patched. The sockets are real, the
processes are real and die by `SIGKILL`, the SDK's own retries take part, and so do the state
machine's waits of 2 and 4 seconds. Races are made certain: where a file was delivered six times,
the proxy holds all six commits until the last has come.

What this cannot show is how often S3, Lambda or Step Functions themselves fail in such ways. The
local cloud does not model the retries of EventBridge, and it tells a throttled function as
`Lambda.Unknown`, so these two are not among the scenarios.

## What was seen

*Attempts* are the invocations of validate, clean, transform, enrich and write, in this order; a
stage that a replay takes over is invoked and returns at once. *Letters* and *alerts* are all that
were sent in the scenario, also those that a replay has settled since. Where executions race, the
outcomes are those seen, and the attempts the most in one execution.

"""


def page(found: Iterable[Result]) -> str:
    """Return the whole page."""
    lines = [_line(COLUMNS), _line("---" for _ in COLUMNS)]
    return INTRO + "\n".join([*lines, *(_line(_cells(result)) for result in found), ""])


def rows_of_page(text: str) -> list[dict[str, str]]:
    """Return the table of a page, by column."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in lines[2:]]


def _cells(result: Result) -> tuple[str, ...]:
    item, seen = result.scenario, result.seen
    return (
        item.name,
        item.fault,
        item.where,
        item.must,
        seen.endings,
        str(seen.executions),
        seen.attempts,
        str(seen.letters),
        str(seen.alerts),
        "failed" if result.problems else PASSED,
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
