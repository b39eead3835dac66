"""The retry budget: never more is taken than it has, however it is divided and moved."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.config.profile import Profile
from locust_softphone.retry.budget import RetryBudget


def taken(budget: RetryBudget, wanted: int) -> int:
    return sum(budget.take() for _ in range(wanted))


@pytest.mark.parametrize(("attempts", "granted"), [(0, 0), (0.9, 0), (1, 1), (2.5, 2), (3, 3)])
def test_only_whole_attempts_are_granted(attempts: float, granted: int) -> None:
    assert taken(RetryBudget(attempts), 10) == granted


def test_slots_bring_their_share_of_the_budget_and_take_it_away() -> None:
    budget = RetryBudget(1)
    budget.move(2)
    assert taken(budget, 10) == 3
    budget.move(-2)
    budget.move(2)
    assert taken(budget, 10) == 0, "what was spent is not there again"


@given(st.integers(1, 8), st.integers(1, 50), st.floats(1, 30), st.lists(st.integers(0, 7), max_size=20))
def test_all_workers_together_take_no_more_than_the_budget(
    workers: int, users: int, budget: float, moves: list[int]
) -> None:
    each = (budget - 1) * 3
    places = [len(range(index, users, workers)) for index in range(workers)]
    budgets = [RetryBudget(each * n) for n in places]
    for move in moves:  # a place from one to another
        giver, taker = move % workers, (move + 1) % workers
        if places[giver]:
            places[giver] -= 1
            places[taker] += 1
            budgets[giver].move(-each)
            budgets[taker].move(each)
    assert sum(taken(one, 10_000) for one in budgets) <= Fraction(each) * users + Fraction(1, 1000)


@pytest.mark.parametrize(
    ("softphone", "planned", "most", "why"),
    [
        ({"retry": {"max_retries": 3, "budget": 2}, "token": "per-connection"}, 30, 60, "twice the plan"),
        ({"retry": {"max_retries": 3, "budget": 1}, "token": "shared"}, 21, 21, "no retry at all"),
        ({"retry": {"max_retries": 1000}, "token": "per-connection"}, 30, 600, "20 times by default"),
        (
            {"retry": {"max_retries": 0}, "token": "per-connection"},
            30,
            80,
            "a 401 is worth a token and an attempt",
        ),
        ({"retry": {"max_retries": 0, "budget": 1.5}, "token": "per-connection"}, 30, 45, "but not above the budget"),
    ],
)
def test_the_budget_of_a_profile(softphone: dict[str, object], planned: int, most: int, why: str) -> None:
    profile = Profile.model_validate({"name": "p", "users": 10, "ramp": "0s", "softphone": softphone})
    assert (profile.planned_attempts(), profile.most_attempts()) == (planned, most), why
    assert profile.planned_attempts() + profile.attempts_beyond_plan() == planned * profile.softphone.retry.budget
