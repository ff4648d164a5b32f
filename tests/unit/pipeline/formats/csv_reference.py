"""A CSV reader of the simplest kind, written from the rules of docs/adr/0009 for tests to compare.

It goes through the text character by character, and holds all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.plan_contract import Source


class Row(NamedTuple):
    """What stands on a line: the cells of a row, or the text and the rule of a rejected one."""

    line: int
    cells: list[str] | None
    raw: str = ""
    rule: str = ""


class Reference:
    """The rows of a text after its header, in one dialect."""

    def __init__(self, text: str, source: Source, columns: int, limit: int) -> None:
        self.text = text
        self.source = source
        self.delimiter = source.delimiter or ","
        self.columns = columns
        self.limit = limit
        ends = [source.line_terminator] if source.line_terminator else ["\r\n", "\n", "\r"]
        self.ends: list[str] = [end for end in ends if end]
        if text and not text.endswith(tuple(self.ends)):
            self.text += self.ends[-1] if source.line_terminator else "\n"

    def rows(self, line: int) -> list[Row]:
        """Return all rows; the text's first line has this number."""
        found: list[Row] = []
        at = 0
        while at < len(self.text):
            row, end = self._row(at, line)
            found += [row] if row else []
            line += len(self._line_ends(at, end))
            at = end
        return found

    def lines(self) -> list[str]:
        """Return the text's lines."""
        return self._lines(0, len(self.text))

    def _row(self, at: int, line: int) -> tuple[Row | None, int]:
        stop = self._line_stop(at)
        first = self.text[at:stop]
        after = stop + len(self._end_at(stop))
        bare = first.lstrip(" ") if self.source.skip_initial_space else first
        if not bare or (self.source.comment and first.startswith(self.source.comment)):
            return None, after
        cells, end = self._cells(self.text, at)
        if cells is None:
            return Row(line, None, first, "quotes"), after
        if len(cells) != self.columns and end > stop:
            between = [one for one in self._lines(at, end)[1:-1] if one]
            if sum(map(self._fits, between)) * 2 > len(between):
                return Row(line, None, first, "quotes"), after
        raw, end = self.text[at:end], end + len(self._end_at(end))
        if len(cells) != self.columns:
            return Row(line, None, raw, "cells"), end
        return Row(line, cells), end

    def _fits(self, line: str) -> bool:
        alone = Reference(line, self.source, self.columns, self.limit)
        cells, _ = alone._cells(line, 0)
        return cells is not None and len(cells) == self.columns

    def _cells(self, text: str, begin: int) -> tuple[list[str] | None, int]:
        """Cells of the row that begins at a position, and where it ends; None for a stray quote."""
        cells: list[str] = []
        at = begin
        while True:
            while self.source.skip_initial_space and text[at : at + 1] == " ":
                at += 1
            quoted = bool(self.source.quote) and text.startswith(self.source.quote, at)
            cell, at = self._quoted(text, at + 1, begin) if quoted else self._plain(text, at)
            if cell is None:
                return None, at
            cells.append(cell)
            if not text.startswith(self.delimiter, at):
                return cells, at
            at += 1

    def _plain(self, text: str, at: int) -> tuple[str | None, int]:
        cell = ""
        while at < len(text) and text[at] != self.delimiter and not self._end_at(at, text):
            if text[at] == self.source.escape:
                at += 1
                escaped = self._end_at(at, text) or text[at : at + 1]
                cell, at = cell + escaped, at + len(escaped)
            else:
                cell, at = cell + text[at], at + 1
        return cell, at

    def _quoted(self, text: str, at: int, begin: int) -> tuple[str | None, int]:
        quote, cell = self.source.quote, ""
        while at < len(text) and len(text[begin:at].encode()) < self.limit:
            if text[at] == self.source.escape:
                escaped = self._end_at(at + 1, text) or text[at + 1 : at + 2]
                cell, at = cell + escaped, at + 1 + len(escaped)
            elif text[at] != quote:
                cell, at = cell + text[at], at + 1
            elif self.source.double_quote and text[at + 1 : at + 2] == quote:
                cell, at = cell + quote, at + 2
            else:
                at += 1
                ended = at == len(text) or text[at] == self.delimiter or self._end_at(at, text)
                return (cell, at) if ended else (None, at)
        return None, at

    def _end_at(self, at: int, text: str | None = None) -> str:
        text = self.text if text is None else text
        return next((end for end in self.ends if text.startswith(end, at)), "")

    def _line_stop(self, at: int) -> int:
        while at < len(self.text) and not self._end_at(at):
            at += 1
        return at

    def _line_ends(self, at: int, stop: int) -> list[str]:
        ends: list[str] = []
        while at < stop:
            end = self._end_at(at)
            ends += [end] if end else []
            at += len(end) or 1
        return ends

    def _lines(self, at: int, stop: int) -> list[str]:
        lines = [""]
        while at < stop:
            end = self._end_at(at)
            if end:
                lines.append("")
            else:
                lines[-1] += self.text[at]
            at += len(end) or 1
        return lines
