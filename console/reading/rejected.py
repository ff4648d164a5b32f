"""Rejected rows of one run, a page at a time: of a quarantine only that is read which is shown.

A page begins at a place in the files, which its address names, so the hundredth page is read as
fast as the first. A filter may fit no row for long: a page ends after `MOST_READ` rows, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli.manifests import NOT_THERE
from cli.quarantine import COUNTED_ROWS, stage_of
from console.reading.cells import Cell, cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from types_boto3_s3 import S3Client

SHOWN: Final = 100
"""Rows of a page."""
MOST_READ: Final = COUNTED_ROWS
MOST_BYTES: Final = 64_000_000
"""Rows and bytes that are read for one page."""
CHUNK: Final = 256 * 1024
CELLS: Final = 40
WHOLE_CELLS: Final = 2_000
"""Cells of a row that are shown among others, and of one that is looked at alone."""
LINE_WIDTH: Final = 2_000
"""Characters that are shown of a row that could not be taken apart."""
BEYOND: Final = ("InvalidRange", "416")
PLACE: Final = re.compile(r"(\d{1,2})\.(\d{1,15})")


@dataclass(frozen=True, order=True)
class Place:
    """Where a row begins: the file's position among the run's, and the byte in it."""

    file: int = 0
    offset: int = 0

    def __str__(self) -> str:
        """`0.48211`, as addresses have it."""
        return f"{self.file}.{self.offset}"


def place_named(text: str) -> Place | None:
    """Return the place that an address names; None if it names none."""
    found = PLACE.fullmatch(text)
    return Place(int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True)
class Wanted:
    """Which rows: those with a violation of this column and rule, of this stage; None is any.

    The column "" stands for violations of the row as a whole.
    """

    column: str | None = None
    rule: str | None = None
    stage: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether every row is wanted."""
        return self == Wanted()

    def fits(self, violations: Sequence[Mapping[str, Any]]) -> bool:
        """Whether one of a row's violations is of the wanted column and rule."""
        return any(
            self.column in (None, violation.get("column") or "")
            and self.rule in (None, violation.get("rule"))
            for violation in violations
        )


@dataclass(frozen=True)
class Violation:
    """One broken rule of a row."""

    column: str | None
    rule: str
    message: str
    value: Cell


@dataclass(frozen=True)
class RawCell:
    """One cell of a row as it was read; `is_bad` where a violation is about it."""

    name: str
    value: Cell
    is_bad: bool


@dataclass(frozen=True)
class RejectedRow:
    """A rejected row; `line_text` is there instead of cells where it could not be taken apart.

    `hidden` cells are not among `cells`; those that a violation is about are always there.
    """

    place: Place
    number: int | None
    line: int | None
    stage: str
    violations: tuple[Violation, ...]
    cells: tuple[RawCell, ...]
    hidden: int
    line_text: Cell | None


@dataclass(frozen=True)
class RejectedPage:
    """Rows of a page. `following` is where the next begins; None at the end.

    `read` rows were looked at, `unreadable` of them are no records; `is_cut` where reading ended
    before the page was full.
    """

    rows: tuple[RejectedRow, ...]
    read: int
    unreadable: int
    is_cut: bool
    following: Place | None


def rejected_page(
    s3: S3Client,
    addresses: Sequence[str],
    wanted: Wanted,
    *,
    start: Place = Place(),
    limit: int = SHOWN,
    sources: Mapping[str, str] | None = None,
) -> RejectedPage:
    """Return the rows that are wanted, from a place on.

    Parameters
    ----------
    addresses
        The run's files, in the order of the stages.
    sources
        What the file calls columns that the contract calls otherwise.
    """
    rows: list[RejectedRow] = []
    read = seen = unreadable = 0
    for place, text in _lines(s3, addresses, start, wanted.stage):
        if read == MOST_READ or seen > MOST_BYTES:
            return RejectedPage(tuple(rows), read, unreadable, len(rows) < limit, place)
        record = _record(text)
        violations = _violations(record)
        if record is None:
            unreadable += 1
        elif wanted.fits(violations):
            if len(rows) == limit:
                return RejectedPage(tuple(rows), read, unreadable, False, place)
            bad = _names(violations, sources or {})
            cells = _cells(record.get("raw"), bad, WHOLE_CELLS if limit == 1 else CELLS)
            rows.append(_row(place, stage_of(addresses[place.file]), record, cells))
        read, seen = read + 1, seen + len(text)
    return RejectedPage(tuple(rows), read, unreadable, False, None)


def _lines(
    s3: S3Client, addresses: Sequence[str], start: Place, stage: str | None
) -> Iterator[tuple[Place, bytes]]:
    """Lines of the files from a place on, each with its own place."""
    for at, address in enumerate(addresses):
        if at < start.file or stage not in (None, stage_of(address)):
            continue
        offset = start.offset if at == start.file else 0
        for begin, text in _lines_of(s3, address, offset):
            yield Place(at, begin), text


def _lines_of(s3: S3Client, address: str, offset: int) -> Iterator[tuple[int, bytes]]:
    """Lines of a file that begin at `offset` or after it, with where they begin."""
    bucket, key = address.removeprefix("s3://").split("/", 1)
    # From the byte before: then the first line is what is left of another one, whatever it is.
    first = max(0, offset - 1)
    try:
        body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-")["Body"]
    except ClientError as error:
        if error.response["Error"].get("Code") in (*NOT_THERE, *BEYOND):
            return
        raise
    try:
        lines = _split(body, first)
        if offset:
            next(lines, None)
        yield from lines
    finally:
        body.close()


def _split(body: Any, offset: int) -> Iterator[tuple[int, bytes]]:
    rest = b""
    while chunk := body.read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield offset, line
            offset += len(line) + 1
    if rest:
        yield offset, rest


def _record(text: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _violations(record: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return all that is wrong with a row; older records have one violation only, their own."""
    if record is None:
        return []
    found = record.get("violations") or [record]
    return [one for one in found if isinstance(one, dict)]


def _row(
    place: Place, stage: str, record: Mapping[str, Any], cells: tuple[RawCell, ...]
) -> RejectedRow:
    raw: Any = record.get("raw")
    in_parts = isinstance(raw, dict)
    return RejectedRow(
        place=place,
        number=_whole(record.get("row_number")),
        line=_whole(record.get("line")),
        stage=stage,
        violations=tuple(map(_violation, _violations(record))),
        cells=cells,
        hidden=len(raw) - len(cells) if in_parts else 0,
        line_text=None if in_parts else cell(raw, LINE_WIDTH),
    )


def _violation(found: Mapping[str, Any]) -> Violation:
    column = found.get("column")
    return Violation(
        column=None if column is None else str(column),
        rule=str(found.get("rule") or ""),
        message=str(found.get("message") or ""),
        value=cell(found.get("value")),
    )


def _names(violations: Sequence[Mapping[str, Any]], sources: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the columns that violations are about, as the contract and as the file has them."""
    columns = [str(found["column"]) for found in violations if found.get("column")]
    names = {name for column in columns for name in (column, *column.split(", "))}
    return tuple(names | {sources[name] for name in names if name in sources})


def _cells(raw: Any, bad: Sequence[str], most: int) -> tuple[RawCell, ...]:
    """Return the first cells, and whatever later ones violations are about."""
    named = enumerate(raw.items() if isinstance(raw, dict) else ())
    told = ((at, name, value, _is_about(name, bad)) for at, (name, value) in named)
    return tuple(
        RawCell(name, cell(value), is_bad)
        for at, name, value, is_bad in told
        if is_bad or at < most
    )


def _is_about(name: str, bad: Sequence[str]) -> bool:
    """Whether a violation is about a cell; in JSON, it may be about what lies inside of it."""
    return name in bad or any(one.startswith((f"{name}.", f"{name}[")) for one in bad)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None
