"""Which executions of all that are known a page of the list shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from console.reading.listed import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.reading.listed import Listed

SHOWN: Final = 50
"""Executions on a page of the list."""
FIRST: Final = ("page", 1)
"""What an address leaves out."""


@dataclass(frozen=True)
class Selection:
    """What somebody wants to see; empty texts mean all."""

    status: str = ""
    dataset: str = ""
    text: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Selection:
        """Return the selection that an address names; what is no selection is left out."""
        status, page = query.get("status", ""), query.get("page", "")
        return cls(
            status=status if status in GROUPS else "",
            dataset=query.get("dataset", ""),
            text=query.get("q", "").strip(),
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 10 else 1,  # noqa: PLR2004
        )

    @property
    def is_all(self) -> bool:
        """Whether it leaves nothing out."""
        return not (self.status or self.dataset or self.text)

    def query(self, **changes: str | int) -> str:
        """Return the query of the address of this selection with changes; a change ends the page.

        It begins with a question mark, unless it is empty.
        """
        fields = {"status": self.status, "dataset": self.dataset, "q": self.text} | changes
        told = {name: value for name, value in fields.items() if value and (name, value) != FIRST}
        return f"?{urlencode(told)}" if told else ""

    def has(self, one: Listed) -> bool:
        """Whether an execution fits, of whatever status: every word is in one of its texts."""
        if self.dataset and one.dataset != self.dataset:
            return False
        texts = (one.name, one.dataset, one.key, one.error, one.message)
        sought = "\n".join(text for text in texts if text).casefold()
        return all(word in sought for word in self.text.casefold().split())


@dataclass(frozen=True)
class Found:
    """A page of the executions that fit; `counts` are those of each group, without the status."""

    shown: Sequence[Listed]
    counts: Mapping[str, int]
    number: int
    page: int

    @property
    def all(self) -> int:
        """How many fit, whatever their status."""
        return sum(self.counts.values())

    @property
    def pages(self) -> int:
        """How many pages they fill; an empty one is a page, too."""
        return max(1, -(-self.number // SHOWN))

    @property
    def first(self) -> int:
        """Position of the first one shown, from one."""
        return (self.page - 1) * SHOWN + 1


def selected(executions: Sequence[Listed], selection: Selection) -> Found:
    """Return the page of the executions that fit; the last one, if there are not so many."""
    fitting = [one for one in executions if selection.has(one)]
    counts = Counter(one.group for one in fitting)
    if selection.status:
        fitting = [one for one in fitting if one.group == selection.status]
    found = Found((), counts, len(fitting), 1)
    page = min(max(selection.page, 1), found.pages)
    first = (page - 1) * SHOWN
    return Found(fitting[first : first + SHOWN], counts, len(fitting), page)
