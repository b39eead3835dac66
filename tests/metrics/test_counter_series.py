"""Counters by second: packed or not, they are the same, and few bytes when they are packed."""

from __future__ import annotations

import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.metrics.counter_series import BLOCK_S, CounterSeries

HOUR_S = 3600


@given(st.lists(st.tuples(st.integers(0, 20 * BLOCK_S), st.sampled_from("abc"), st.integers(0, 10**12))))
def test_whatever_is_counted_is_there_in_order(events: list[tuple[int, str, int]]) -> None:
    counted: CounterSeries[str] = CounterSeries()
    expected: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for second, name, by in events:
        counted.at(second)[name] += by
        expected[second][name] += by
    assert list(counted.items()) == sorted(expected.items())
    plain = [
        [second, *(each for pair in counts.items() for each in pair)] for second, counts in sorted(expected.items())
    ]
    assert counted.plain() == plain
    assert counted.last == max(expected, default=-1)


@given(st.sets(st.integers(0, 9 * BLOCK_S)), st.integers(-1, 10 * BLOCK_S))
def test_from_any_second_on(seconds: set[int], since: int) -> None:
    counted: CounterSeries[int] = CounterSeries()
    for second in seconds:
        counted.at(second)[7] += 1
    assert [second for second, _ in counted.items(since)] == sorted(each for each in seconds if each >= since)


def test_what_comes_late_is_added_to_what_is_packed() -> None:
    counted: CounterSeries[int] = CounterSeries()
    for second in (0, 10 * BLOCK_S, 1, 0, 20 * BLOCK_S):
        counted.at(second)[1_000_000] += 1
    assert dict(counted.items()) == {
        0: {1_000_000: 2},
        1: {1_000_000: 1},
        10 * BLOCK_S: {1_000_000: 1},
        20 * BLOCK_S: {1_000_000: 1},
    }


def test_merged_it_adds_up() -> None:
    one: CounterSeries[str] = CounterSeries()
    other: CounterSeries[str] = CounterSeries()
    for second in range(5 * BLOCK_S):
        one.at(second)["a"] += 1
        other.at(second)["a"] += 2
    one.merge(other)
    assert [counts["a"] for _, counts in one.items()] == [3] * (5 * BLOCK_S)


@pytest.mark.parametrize("names", [[f"attempts.{step}" for step in "abcdefghij"], [*range(10_000, 10_025)]])
def test_an_hour_takes_little_memory(names: Sequence[str | int]) -> None:
    counted: CounterSeries[str | int] = CounterSeries()
    tracemalloc.start()
    try:
        for second in range(HOUR_S):
            for number, name in enumerate(names):
                counted.at(second)[name] += 500 + second * number % 7
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 100 * HOUR_S  # unpacked it is six and ten times as much
