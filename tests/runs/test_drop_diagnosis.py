"""What sessions have in common that the edge ended: a table of made-up edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from locust_softphone.metrics.observed_attempts import OWN, SESSIONS, Observations
from locust_softphone.runs.drop_diagnosis import drops_of

LOST = "lost 1006"
END_S = 30.0

Ends = Iterator[tuple[float, float, str]]
"""When each session opened and ended, and how."""


def all_at_once() -> Ends:
    for number in range(100):
        yield number / 10, 12.0 + number / 1000, LOST


def after_a_deadline() -> Ends:
    for number in range(100):  # every third has a call in time
        opened_s = number / 10 + (number * 7 % 5) / 50
        yield (opened_s, END_S, OWN) if number % 3 else (opened_s, opened_s + 5.0, LOST)


def the_oldest_of_40() -> Ends:
    for number in range(100):  # at an uneven pace, so that they last differently
        opened_s = _uneven_s(number)
        yield (opened_s, _uneven_s(number + 40) + 0.01, LOST) if number < 60 else (opened_s, END_S, OWN)


def those_beyond_70() -> Ends:
    for number in range(100):
        opened_s = number / 10
        yield (opened_s, END_S, OWN) if number < 70 else (opened_s, opened_s + 1.0 + number % 7, LOST)


def by_chance() -> Ends:
    for number in range(100):
        opened_s = number / 10
        lasted_s = 1.0 + number * 37 % 17
        yield (opened_s, END_S, OWN) if number * 13 % 3 else (opened_s, opened_s + lasted_s, LOST)


def _uneven_s(number: int) -> float:
    return number / 10 + number * number / 700


def drops(ends: Ends, *, answered: Callable[[int], bool] = lambda _: True) -> dict[str, Any] | None:
    sessions, offers = Observations(), Observations()
    for number, (opened_s, ended_s, how) in enumerate(ends):
        sessions.add(opened_s, ended_s, how, number)
        if answered(number):
            offers.add(opened_s + 0.01, opened_s + 0.02, "ok", number)
    return drops_of({SESSIONS: sessions, "offer": offers})


@pytest.mark.parametrize(
    ("ends", "kinds", "size"),
    [
        (all_at_once, ["together"], 12.0),
        (after_a_deadline, ["lifetime"], 5.0),
        (the_oldest_of_40, ["evicted"], 40),
        (those_beyond_70, ["crowded"], 70),
        (by_chance, [], None),
    ],
)
def test_what_the_drops_have_in_common(ends: Callable[[], Ends], kinds: list[str], size: float | None) -> None:
    found = drops(ends())
    assert found is not None
    assert [each["kind"] for each in found["explanations"]] == kinds
    for each in found["explanations"]:
        assert each["bounds"]["low"] - 0.01 <= size <= each["bounds"]["high"] + 0.01


def test_sessions_that_were_dropped_because_they_had_no_call() -> None:
    found = drops(after_a_deadline(), answered=lambda number: number % 3 != 0)
    assert found is not None
    assert [each["kind"] for each in found["explanations"]] == ["lifetime", "no call"]


def test_sessions_that_ended_before_a_drop_was_due_are_no_counter_example() -> None:
    ends = [*after_a_deadline(), *((END_S - 4.0, END_S - 1.0, OWN) for _ in range(50))]
    found = drops(iter(ends), answered=lambda number: number < 100 and number % 3 != 0)
    assert found is not None
    assert [each["kind"] for each in found["explanations"]] == ["lifetime", "no call"]


def test_a_few_drops_show_nothing_but_are_counted() -> None:
    found = drops(iter([(0.0, 1.0, LOST), (0.0, 9.0, OWN), (0.5, 1.5, LOST)]))
    assert found is not None
    assert (found["sessions"], found["dropped"], found["explanations"]) == (3, 2, [])


def test_without_drops_there_is_nothing_to_explain() -> None:
    assert drops(iter([(0.0, 1.0, OWN)])) is None
    assert drops_of({}) is None
