"""What AWS charges for a unit of each thing that the pipeline uses, by region.

Standard library only. The table is `prices.json` beside this module: list prices without tax, free
tier or discount, each with the page that it comes from. `--prices FILE` lays a file of the same
`everywhere` and `regions` over it, for prices of one's own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TABLE: Final = Path(__file__).with_name("prices.json")
EVERYWHERE: Final = "everywhere"
REGIONS: Final = "regions"


class PricesError(ValueError):
    """A table of prices that cannot be used; its text is the whole message to the user."""


@dataclass(frozen=True)
class Item:
    """Something that is billed; AWS states its price for `per` units."""

    service: str
    what: str
    unit: str
    per: int


@dataclass(frozen=True)
class Prices:
    """Prices of one region.

    `usd` are by item, for one unit. `unconfirmed` are those that nobody could check against AWS's
    own figures; `wanted` is the region that was asked for, which may have none; `own` is the file
    whose prices go before the table's.
    """

    region: str
    wanted: str
    as_of: str
    currency: str
    items: Mapping[str, Item]
    usd: Mapping[str, float]
    unconfirmed: frozenset[str] = field(default_factory=frozenset)
    own: Path | None = None

    @property
    def notice(self) -> str | None:
        """What to tell a person whose region has no prices."""
        if self.region == self.wanted:
            return None
        return (
            f"There are no prices for {self.wanted}; those of {self.region} are used. "
            f"Add the region to {TABLE.name}, or give its prices with --prices."
        )


def prices_for(region: str, *, own: Path | None = None, table: Path = TABLE) -> Prices:
    """Return the prices of a region, or of the default region if there are none.

    Parameters
    ----------
    own
        File of prices that go before the table's.

    Raises
    ------
    PricesError
        If a file is none, or holds an item or a price that makes no sense.
    """
    known = _read(table)
    items = {name: _item(about) for name, about in known["items"].items()}
    laid_over = _own(own, items) if own else {}
    regions = {*known[REGIONS], *laid_over.get(REGIONS, {})}
    found = region if region in regions else known["default_region"]
    # A region of one's own file may be incomplete: the default region's prices fill it up.
    layers = [*_layers(known, known["default_region"]), *_layers(known, found)]
    stated: dict[str, Any] = {}
    for layer in (*layers, *_layers(laid_over, found)):
        stated |= layer
    return Prices(
        region=found,
        wanted=region,
        as_of=known["as_of"],
        currency=known["currency"],
        items=items,
        usd={name: _usd(price) / items[name].per for name, price in stated.items()},
        unconfirmed=frozenset(name for name, price in stated.items() if _is_unconfirmed(price)),
        own=own,
    )


def _layers(table: Mapping[str, Any], region: str) -> Iterator[dict[str, Any]]:
    """Prices of a table that hold in a region, the particular ones last."""
    yield table.get(EVERYWHERE, {})
    yield table.get(REGIONS, {}).get(region, {})


def _own(file: Path, items: Mapping[str, Item]) -> dict[str, Any]:
    """Return a file of one's own prices, checked."""
    document = _read(file)
    if not document or not set(document) <= {EVERYWHERE, REGIONS}:
        raise PricesError(
            f"{file} must hold the objects {EVERYWHERE!r} and {REGIONS!r} or one of them, "
            f"as {TABLE.name} does."
        )
    regions = document.get(REGIONS, {})
    groups = [document.get(EVERYWHERE, {}), *(regions.values() if _is_object(regions) else [None])]
    for group in groups:
        if not _is_object(group):
            raise PricesError(f"{file}: prices stand in an object, by item.")
        for name, price in group.items():
            _check(file, name, price, items)
    return document


def _check(file: Path, name: str, price: Any, items: Mapping[str, Item]) -> None:
    if name not in items:
        raise PricesError(f"{file}: there is no item {name!r}; known are {', '.join(items)}.")
    usd = price.get("usd") if isinstance(price, dict) else price
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < float("inf"):
        raise PricesError(
            f"{file}: the price of {name!r} must be a number of dollars for "
            f"{items[name].per:,} x {items[name].unit}, not {price!r}."
        )


@cache
def _parsed(file: Path, _changed_ns: int) -> dict[str, Any]:
    document = json.loads(file.read_bytes())
    if not _is_object(document):
        raise PricesError(f"{file} holds no JSON object.")
    return dict(document)


def _read(file: Path) -> dict[str, Any]:
    """Return a file's JSON object, read again only if the file has changed."""
    try:
        return _parsed(file, file.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        if isinstance(error, PricesError):
            raise
        why = error.strerror if isinstance(error, OSError) else error
        raise PricesError(f"{file} cannot be read as JSON: {why}") from error


def _item(about: Mapping[str, Any]) -> Item:
    return Item(about["service"], about["what"], about["unit"], about["per"])


def _usd(price: Any) -> float:
    return float(price["usd"] if isinstance(price, dict) else price)


def _is_unconfirmed(price: Any) -> bool:
    return isinstance(price, dict) and bool(price.get("unconfirmed"))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
