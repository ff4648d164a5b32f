"""Some rejected rows of each rule, from the quarantine."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cli.quarantine import records
from cli.render import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from types_boto3_s3 import S3Client

    Rule = tuple[str | None, str | None, str | None]
    """Stage, column and name of a rule."""

PER_RULE: Final = 5
LOOKED_THROUGH: Final = 20_000
"""Rejected rows of each file that are looked through: some rules may be broken only further on."""
VALUE_WIDTH: Final = 80
CELL_WIDTH: Final = 60
SHOWN_CELLS: Final = 40
LINE_WIDTH: Final = 600


@dataclass(frozen=True)
class Samples:
    """Rejected rows by rule, at most `PER_RULE` each; `looked_through` is how many were read."""

    by_rule: Mapping[Rule, Sequence[dict[str, Any]]] = field(default_factory=dict)
    looked_through: int = 0


NO_SAMPLES: Final = Samples()


def samples_of(s3: S3Client, addresses: Sequence[str], rules: Iterable[Rule]) -> Samples:
    """Return some rejected rows of each rule, the first ones of the file.

    Parameters
    ----------
    addresses
        Files of the quarantine; each is read only as far as its rules still lack rows.
    rules
        What the run says was broken: when all of these have enough rows, reading ends.
    """
    found: defaultdict[Rule, list[dict[str, Any]]] = defaultdict(list)
    wanted = set(rules)
    looked_through = 0
    for address in addresses:
        for record in islice(records(s3, [address]), LOOKED_THROUGH):
            looked_through += 1
            for rule, violation in _violations(record):
                if len(found[rule]) < PER_RULE:
                    found[rule].append(_sample(record, violation))
            if _enough(found, wanted, record["stage"]):
                break
    return Samples(dict(found), looked_through)


def _enough(found: Mapping[Rule, Sequence[Any]], wanted: set[Rule], stage: str) -> bool:
    """Whether each rule of a stage that is known to be broken has its rows."""
    of_stage = [rule for rule in wanted if rule[0] == stage]
    return bool(of_stage) and all(len(found.get(rule, ())) == PER_RULE for rule in of_stage)


def _violations(record: Mapping[str, Any]) -> Iterator[tuple[Rule, Mapping[str, Any]]]:
    """Rules that a row breaks, each once."""
    seen: set[Rule] = set()
    for violation in record.get("violations") or [record]:
        rule = (record["stage"], violation.get("column"), violation.get("rule"))
        if rule not in seen:
            seen.add(rule)
            yield rule, violation


def _sample(record: Mapping[str, Any], violation: Mapping[str, Any]) -> dict[str, Any]:
    value = violation.get("value")
    return {
        "row_number": record.get("row_number"),
        "line": record.get("line"),
        "value": None if value is None else shortened(_text(value), VALUE_WIDTH),
        "message": shortened(str(violation.get("message") or ""), 2 * VALUE_WIDTH),
        **_raw(record.get("raw")),
    }


def _raw(raw: Any) -> dict[str, Any]:
    """Return the row as it was read: its first cells, or a line; `cells_left_out` beyond them."""
    if not isinstance(raw, dict):
        return {"raw": None if raw is None else shortened(_text(raw), LINE_WIDTH)}
    cells = {
        shortened(str(name), CELL_WIDTH): None
        if value is None
        else shortened(_text(value), CELL_WIDTH)
        for name, value in islice(raw.items(), SHOWN_CELLS)
    }
    return {"raw": cells, "cells_left_out": max(0, len(raw) - SHOWN_CELLS)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
