"""Buckets: few or many, they have counted the same, and many of them take no more memory than all that there can be."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.metrics import buckets
from locust_softphone.metrics.buckets import Buckets

HOUR_US = 3_600_000_000
Counted: TypeAlias = list[tuple[int, int]]
COUNTED = st.lists(st.tuples(st.integers(0, HOUR_US), st.integers(1, 10**9)))


def lowest_equivalent(value: int) -> int:
    """As HdrHistogram has it for 3 significant digits: the lowest value that is counted in the same bucket."""
    shift = max(value.bit_length() - 11, 0)
    return value >> shift << shift


@given(COUNTED)
def test_few_or_many_have_counted_the_same(counted: Counted) -> None:
    expected: Counter[int] = Counter()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(buckets, "FEW", 3)
        kept = Buckets()
        for value, count in counted:
            kept.add(value, count)
            expected[lowest_equivalent(value)] += count
    assert dict(kept.items()) == expected


@given(COUNTED, COUNTED, st.integers(0, 10))
def test_what_is_merged_has_been_counted_too(ours: Counted, theirs: Counted, few: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(buckets, "FEW", few)
        merged, together = Buckets(ours), Buckets([*ours, *theirs])
        merged.merge(Buckets(theirs))
    assert dict(merged.items()) == dict(together.items())


@pytest.mark.parametrize("value", [0, 1, 2047, 2048, 2049, 4095, 4096, 4099, 10**6, HOUR_US])
def test_at_the_edges_of_buckets(value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "FEW", 0)
    kept = Buckets()
    kept.add(value, 7)
    assert list(kept.items()) == [(lowest_equivalent(value), 7)]


def test_many_durations_take_no_more_memory_than_some() -> None:
    chance, kept, taken = random.Random(1), Buckets(), []
    tracemalloc.start()
    try:
        for durations in (10_000, 200_000):
            for _ in range(durations):
                kept.add(int(chance.lognormvariate(9, 1)))
            taken.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert taken[1] < 200_000
    assert taken[1] < 1.5 * taken[0]
