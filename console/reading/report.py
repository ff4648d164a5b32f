"""The run report as the console shows it; what has been drawn is kept."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from cli.report.document import report_document
from cli.report.reading import run_reading
from cli.summary import where_options

if TYPE_CHECKING:
    from markupsafe import Markup
    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from cli.target import Target

KEPT: Final = 16
"""Reports that are kept as they were drawn: drawing takes a second, reading a tenth of it."""
_ONE_AT_A_TIME: Final = Lock()
"""Drawing is one thread's work at any time: the others would only fill the memory, and wait."""


@dataclass(frozen=True)
class Report:
    """A run's report; `document` is what `pipeline report --json` prints."""

    document: dict[str, Any]

    def body(self) -> Markup:
        """Return the HTML inside of one of the console's pages."""
        document = json.dumps(self.document, default=str)
        with _ONE_AT_A_TIME:
            return _drawn(document)

    def page(self) -> str:
        """Return the whole HTML page, which needs nothing else."""
        with _ONE_AT_A_TIME:
            load_pandas()
            from cli.report.rendering import report_page  # noqa: PLC0415 - takes long to load

            return report_page(self.document)

    @property
    def file_name(self) -> str:
        """What to call the page as a file; ASCII."""
        from cli.report.rendering import file_name  # noqa: PLC0415 - takes long to load

        return file_name(self.document).encode("ascii", "replace").decode().replace("?", "-")


def report_of(target: Target, found: DescribeExecutionOutputTypeDef) -> Report:
    """Read what an execution's run has left behind: it is read anew each time.

    What becomes of rejected rows, and of the file's output, changes after a run has ended.
    """
    return Report(report_document(run_reading(target, found), where_options(target)))


@lru_cache(maxsize=KEPT)
def _drawn(document: str) -> Markup:
    load_pandas()
    from cli.report.rendering import report_body  # noqa: PLC0415 - takes long to load

    return report_body(json.loads(document), with_head=False)


def load_pandas() -> None:
    """Load pandas, if it is there, as a whole.

    Altair asks it about values as soon as any thread has begun to load it, which Arrow does, too;
    of one that is half loaded it would fail.
    """
    with suppress(ImportError):
        import_module("pandas")
