"""A filter of keys lets all known ones pass, and few others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.key_filter import KeyFilter

NEAR = st.integers(0, 40).map(lambda step: step * 2**36)
"""First words whose bits lie in the same bytes of the filter, or next to each other."""
WORDS = st.lists(NEAR | st.integers(0, 2**64 - 1)).map(lambda words: np.array(words, np.uint64))


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_what_was_added_passes(batches: list[np.ndarray]) -> None:
    known = KeyFilter()

    for batch in batches:
        known.add(batch)

    assert known.may_have(np.concatenate(batches)).all()


@given(NEAR, NEAR)
def test_words_that_begin_alike_pass_and_no_others(added: int, asked: int) -> None:
    known = KeyFilter()
    known.add(np.array([added], np.uint64))

    found = known.may_have(np.array([asked], np.uint64)).tolist()

    assert found == [added >> 37 == asked >> 37]


def test_of_a_million_keys_few_are_taken_for_known_ones() -> None:
    known, random = KeyFilter(), np.random.default_rng(1)
    known.add(random.integers(0, 2**64, 1_000_000, dtype=np.uint64))

    strange = random.integers(0, 2**64, 100_000, dtype=np.uint64)

    assert 0.005 < known.may_have(strange).mean() < 0.01
