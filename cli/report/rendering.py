"""The report as HTML: one page that needs nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from cli.costs.texts import quantity_words
from cli.figures import count, duration, size
from cli.outcome import common_address
from cli.render import dollars, shortened
from cli.report import PALETTE, STYLE, TEMPLATES
from cli.report.columns import DERIVED, DROPPED, KEPT, LOOKED_UP, RENAMED
from cli.report.drawings import DRAWN_COLUMNS, drawings, rule_name, value_words
from cli.report.words import LOSSES
from cli.summary import fault_by_status
from cli.templating import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHEETS: Final = (PALETTE, TEMPLATES / "page.css", STYLE)
SHOWN_CHECKS: Final = 100
LEAST_PERCENT: Final = 0.1
SHOWN_REPAIRS: Final = 50
SHOWN_KEYS: Final = 20


def report_page(report: Mapping[str, Any]) -> str:
    """Return the document as a whole HTML page, styles and plots in it."""
    html = _ENVIRONMENT.get_template("page.html").render(
        report=report,
        body=report_body(report),
        styles=Markup("".join(sheet.read_text("utf-8") for sheet in SHEETS)),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    # JSON may tell of halves of characters, which no file has.
    return html.encode(errors="replace").decode()


def report_body(report: Mapping[str, Any], *, with_head: bool = True) -> Markup:
    """Return the document as HTML for a page that brings `report.css` and the colours.

    Parameters
    ----------
    with_head
        Whether to tell what the head of a page about the execution tells anyway.
    """
    html = _ENVIRONMENT.get_template("body.html").render(
        report=report,
        with_head=with_head,
        plots={name: Markup(svg) for name, svg in drawings(report).items()},
        drawn_columns=DRAWN_COLUMNS,
        losses=[name for name in LOSSES if report["rows"].get(name)],
        shown={"checks": SHOWN_CHECKS, "repairs": SHOWN_REPAIRS, "missing_keys": SHOWN_KEYS},
    )
    return Markup(html)


def file_name(report: Mapping[str, Any]) -> str:
    """`flights-january-3f0c9a52.html`: dataset, stem of the file, beginning of the run's id."""
    stem = str(report["source"]["key"] or "").rpartition("/")[2].partition(".")[0]
    run = str(report["run_id"] or report["execution"]["name"])[:8]
    parts = (report["dataset"] or "unknown", stem, run)
    return "-".join(_plain(part) for part in parts if part) + ".html"


def _plain(text: str) -> str:
    """Return a part of a file's name that every system takes."""
    kept = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in text)
    return kept[:60]


def utc(moment: str | None) -> str:
    """`2026-11-24 00:45:31 UTC` for a moment in ISO 8601."""
    return f"{moment[:19].replace('T', ' ')} UTC" if moment else "–"


def share(part: float | None, whole: float | None) -> str:
    """`2.5 %`; nothing where it would say nothing."""
    if not part or not whole:
        return ""
    percent = 100 * part / whole
    return f"{percent:.1f} %" if percent >= LEAST_PERCENT else f"<{LEAST_PERCENT} %"


def figure(value: Any, kind: str | None = None) -> str:
    """Return a least or greatest value of a type: numbers with six digits, others in short."""
    if kind == "timestamp":
        return str(value).replace("T", " ").replace("+00:00", " UTC")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shortened(value_words(value), 40)
    separator = "," if abs(value) >= 10_000 else ""  # noqa: PLR2004 - a year has none
    return format(value, separator if isinstance(value, int) else f"{separator}.6g")


def became(column: Mapping[str, Any]) -> str:
    """`renamed from station`: what has become of a column, or where it comes from."""
    names: Sequence[str] = column["made_of"]
    told = ", ".join(shortened(name, 40) for name in names[:5])
    told += f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004
    words = {
        KEPT: "",
        RENAMED: f"renamed from {told}",
        DERIVED: f"derived from {told}",
        LOOKED_UP: f"from the lookup {told}",
        DROPPED: f"dropped; used for {told}" if told else "dropped",
    }
    return words.get(column["became"], str(column["became"]))


_ENVIRONMENT: Final = environment(
    TEMPLATES,
    became,
    common_address,
    count,
    dollars,
    duration,
    fault_by_status,
    figure,
    quantity_words,
    rule_name,
    share,
    shortened,
    size,
    utc,
    value_words,
)
