"""Keys are found again, in short runs and in packed ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import key_runs
from pipeline.key_runs import KeyRuns, PackedRun, _merged_long

Key = tuple[int, int]

BITS = 128 - 46  # what a packed run keeps of a key
HIGH = st.sampled_from([0, 1, 2**46 - 1, 2**46, 2**46 + 1, 2**63, 2**64 - 2**46, 2**64 - 1])
LOW = st.sampled_from([0, 2**46, 2**63, 2**64 - 2**46])
"""Words at the borders of what is kept: keys of them differ in the first 82 bits, or not at all."""


@pytest.fixture
def few_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_runs, "_LONG", 4)


@pytest.fixture
def two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_runs, "_MOST_YOUNG", 2)


def words(keys: list[Key]) -> tuple[np.ndarray, np.ndarray]:
    high, low = np.array(sorted(keys), np.uint64).reshape(-1, 2).T.copy()
    return high, low


BATCHES = st.lists(st.sets(st.tuples(HIGH, LOW), max_size=12), min_size=1, max_size=8)


@pytest.mark.usefixtures("few_are_long")
@given(BATCHES)
def test_what_was_added_is_found_again(batches: list[set[Key]]) -> None:
    assert_found_again(batches)


@pytest.mark.usefixtures("two_are_many")
@given(BATCHES)
def test_what_was_added_is_found_in_runs_that_became_one(batches: list[set[Key]]) -> None:
    assert_found_again(batches)


def assert_found_again(batches: list[set[Key]]) -> None:
    runs, seen = KeyRuns(), set[Key]()

    for batch in batches:
        keys = sorted(batch)
        assert runs.contained(*words(keys)).tolist() == [key in seen for key in keys]
        new = [key for key in keys if key not in seen]
        runs.add(*words(new))
        seen.update(new)


def random_words(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (2, rows), dtype=np.uint64)


def by_first_word(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    high, low = keys[:, np.argsort(keys[0])]
    return high, low


def test_long_runs_are_packed_and_find_their_keys_and_no_others() -> None:
    # GIVEN
    rows = 300_000
    runs, keys = KeyRuns(), random_words(8 * rows, seed=1)

    # WHEN
    for part in np.split(keys, 8, axis=1):
        runs.add(*by_first_word(part))

    # THEN
    strange = random_words(rows, seed=2)
    assert runs.contained(*by_first_word(keys[:, ::7])).all()
    assert not runs.contained(*by_first_word(strange)).any()
    (run,) = runs._runs
    assert isinstance(run, PackedRun)
    assert run.rest.nbytes == 8 * 8 * rows


def test_runs_that_are_merged_hold_no_memory() -> None:
    left, right = (PackedRun.of(*by_first_word(random_words(1000, seed))) for seed in (1, 2))

    merged = _merged_long(left, right)

    assert (len(merged.rest), len(left.rest), len(right.rest)) == (2000, 0, 0)


def test_keys_that_differ_behind_what_is_kept_are_one() -> None:
    run = PackedRun.of(*words([(5, 7)]))

    others = words([(5, 7 + 2 ** (128 - BITS - 1)), (5, 7 + 2 ** (128 - BITS))])
    assert run.contains(*others).tolist() == [True, False]
