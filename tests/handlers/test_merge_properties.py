"""Random files, replayed under a corrected dataset: each row's fate, told by a short model.

The model knows nothing of batches, frames, manifests or quarantine files. Where a row that is
settled has a key, a replayed one with the same stays out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handlers.cloud import OUTPUT
from tests.handlers.merges import assert_books_balance, manifest_of, published, quarantined
from tests.handlers.orders import COLUMNS, KEY, Deployments, Orders, csv, replay_of_quarantine

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

Cells = tuple[str, ...]
BROKEN: Cells = ("9", "c9")
QUICK = settings(max_examples=12, deadline=None, derandomize=True, database=None)


@dataclass(frozen=True)
class Rules:
    """A version of the dataset, for the model and for the functions."""

    last_day: int
    items: tuple[str, ...]
    missing: tuple[str, ...]
    quantity_required: bool

    @property
    def orders(self) -> Orders:
        return Orders(
            last_day=self.last_day,
            items=dict.fromkeys(self.items, 3),
            missing_values=self.missing,
            columns={"quantity": {"required": self.quantity_required}},
        )


STRICT = Rules(31, ("tea",), ("",), quantity_required=True)
RELAXED = Rules(40, ("tea", "gold"), ("", "n/a"), quantity_required=False)


def keeps_the_contract(cells: Cells, rules: Rules) -> bool:
    """Whether a row is good, apart from keys."""
    if len(cells) != len(COLUMNS):
        return False
    id_, _, day, quantity, _ = cells
    if not (id_.isdigit() and day.isdigit() and 1 <= int(day) <= rules.last_day):
        return False
    return quantity.isdigit() or (quantity in rules.missing and not rules.quantity_required)


def fates(rows: dict[int, Cells], rules: Rules, ids: set[str], codes: set[str]) -> dict[int, str]:
    """What becomes of rows, by their numbers, where keys are claimed already."""
    found = {}
    for number, cells in rows.items():
        if not keeps_the_contract(cells, rules) or cells[0] in ids:
            found[number] = "rejected"
            continue
        id_, code, _, quantity, item = cells
        ids.add(id_)
        if code in codes:
            found[number] = "duplicates"
            continue
        codes.add(code)
        if not quantity.isdigit() or int(quantity) == 0:
            found[number] = "filtered"
        elif item not in rules.items:
            found[number] = "dropped_by_lookup"
        else:
            found[number] = "written"
    return found


def in_quarantine(found: dict[int, str]) -> set[int]:
    return {n for n, fate in found.items() if fate in ("rejected", "dropped_by_lookup")}


CELLS = st.tuples(
    st.sampled_from(["1", "2", "3", "4", "5", "6", "7", "8", "", "x"]),
    st.sampled_from([f"c{n}" for n in range(9)]),
    st.sampled_from(["1", "2", "2", "35", "99", ""]),
    st.sampled_from(["2", "2", "2", "0", "", "n/a", "?"]),
    st.sampled_from(["tea", "tea", "gold", "brass"]),
)
FILES = st.lists(CELLS | st.just(BROKEN), min_size=1, max_size=14)


def lines(rows: list[Cells]) -> bytes:
    return csv(*(",".join(cells) for cells in rows))


def test_each_row_meets_its_fate(cloud: Cloud, deploy: Deployments) -> None:
    @QUICK
    @given(FILES)
    def holds(file: list[Cells]) -> None:
        rows = dict(enumerate(file, start=1))
        first = fates(rows, STRICT, set(), set())
        replayed = {n: rows[n] for n in in_quarantine(first)}
        settled = {n: cells for n, cells in rows.items() if n not in replayed}
        # A row that was the duplicate of one without lookup claims nothing of that row's.
        codes = {cells[1] for n, cells in settled.items() if first[n] != "duplicates"}

        # GIVEN
        cloud.empty(OUTPUT, keep="-")
        deploy(STRICT.orders)
        event = cloud.upload(KEY, lines(file))
        run = cloud.run(event)
        counted = Counter(first.values())
        assert run["rows"] == dict.fromkeys(run["rows"], 0) | counted | {"read": len(file)}

        # WHEN
        deploy(RELAXED.orders)
        merge = cloud.run(replay_of_quarantine(event, run))

        # THEN
        assert_books_balance(cloud, run)
        then = fates(replayed, RELAXED, {cells[0] for cells in settled.values()}, codes)
        last = first | then
        books = dict.fromkeys(run["rows"], 0) | Counter(last.values()) | {"read": len(file)}
        assert manifest_of(cloud, run)["run"]["rows"] == books
        assert quarantined(cloud, run) == sorted(in_quarantine(last))
        written = Counter(int(rows[n][0]) for n, fate in last.items() if fate == "written")
        assert Counter(row["id"] for row in published(cloud, run)) == written
        assert merge["outcome"] == expected_outcome(replayed, last)

    holds()


def expected_outcome(replayed: dict[int, Cells], last: dict[int, str]) -> str:
    if not replayed:
        return "ALREADY_PROCESSED"
    return "SUCCEEDED_WITH_REJECTS" if in_quarantine(last) else "SUCCEEDED"


def test_without_common_keys_a_merge_gives_what_the_whole_file_gives(
    cloud: Cloud, deploy: Deployments
) -> None:
    @QUICK
    @given(FILES)
    def holds(file: list[Cells]) -> None:
        # GIVEN rows of which no two have a key in common
        file = [
            (str(n), f"c{n}", *cells[2:]) if len(cells) == len(COLUMNS) else cells
            for n, cells in enumerate(file)
        ]
        cloud.empty(OUTPUT, keep="-")
        deploy(STRICT.orders)
        event = cloud.upload(KEY, lines(file))
        run = cloud.run(event)

        # WHEN
        deploy(RELAXED.orders)
        cloud.run(replay_of_quarantine(event, run))
        merged = manifest_of(cloud, run)
        rows, left = published(cloud, run), quarantined(cloud, run)
        cloud.empty(OUTPUT, keep="-")
        whole = cloud.run(event)

        # THEN
        assert rows == published(cloud, whole)
        assert left == quarantined(cloud, whole)
        assert merged["run"]["rows"] == whole["rows"]
        assert top_rules(merged["run"]) == top_rules(whole)

    holds()


def top_rules(run: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {tuple(rule.values()) for rule in run["rejects"]["top_rules"]}
