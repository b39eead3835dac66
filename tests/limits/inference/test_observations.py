"""When requests reached the limit, as far as their client can know."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.limits.inference.observations import Arrival, ArrivalCurve, Evidence, Observation, thinned


@given(
    arrivals=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 9), st.floats(0, 1)), max_size=40),
    begin=st.floats(0, 10),
    length=st.floats(0, 10),
)
def test_the_true_number_lies_between_the_curves(
    arrivals: list[tuple[float, float, float]], begin: float, length: float
) -> None:
    curve = ArrivalCurve(Arrival(at - before, at + after, True, 0, at + after) for before, at, after in arrivals)
    true = sum(begin <= at <= begin + length for _, at, _ in arrivals)
    assert curve.surely_in(begin, begin + length) <= true <= curve.possibly_in(begin, begin + length)


def test_the_delay_that_all_requests_share_is_ignored() -> None:
    evidence = Evidence.of([Observation(0.0, 0.1, True), Observation(1.0, 1.1, True), Observation(2.0, 2.13, False)])
    assert [each.earliest_s for each in evidence.all] == [0.0, 1.0, 2.0]
    assert [each.latest_s for each in evidence.all] == pytest.approx([0.0, 1.0, 2.03])


def test_jitter_lies_within_the_bounds() -> None:
    """On the clock shifted by the shortest one-way delay."""
    rng = random.Random(1)
    ways = [(rng.expovariate(1000), rng.expovariate(1000)) for _ in range(500)]
    evidence = Evidence.of(Observation(n, n + 0.3 + there + back, True) for n, (there, back) in enumerate(ways))
    shortest_there = min(there for there, _ in ways)
    for number, (each, (there, _)) in enumerate(zip(evidence.all, ways, strict=True)):
        assert each.earliest_s <= number + there - shortest_there <= each.latest_s + 2e-4


def at(instants: str) -> list[Observation]:
    """One a second, without jitter: A is admitted, r refused."""
    return [Observation(second, second + 0.1, letter == "A") for second, letter in enumerate(instants)]


@pytest.mark.parametrize(
    ("decisions", "reopenings"),
    [
        ("AAA", []),
        ("AArr", []),
        ("AArrA", [(3, 4)]),
        ("AArrAArA", [(3, 4), (6, 7)]),
        ("rA", [(0, 1)]),
    ],
)
def test_a_reopening_is_an_admission_after_a_refusal(decisions: str, reopenings: list[tuple[int, int]]) -> None:
    found = Evidence.of(at(decisions)).reopenings
    assert [(refused.earliest_s, admitted.earliest_s) for refused, admitted in found] == reopenings


def test_requests_in_an_unknown_order_are_not_a_reopening() -> None:
    evidence = Evidence.of([Observation(0.0, 0.5, False), Observation(0.1, 0.2, True)])
    assert evidence.reopenings == []


@pytest.mark.parametrize(
    ("items", "most", "expected"), [(3, 5, [0, 1, 2]), (5, 3, [0, 2, 4]), (101, 5, [0, 25, 50, 75, 100]), (0, 3, [])]
)
def test_thinned_keeps_the_ends(items: int, most: int, expected: list[int]) -> None:
    assert thinned(range(items), most) == expected
