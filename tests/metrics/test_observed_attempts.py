"""Observations: what is kept, how several processes' merge, and how large they are."""

from __future__ import annotations

import json
import random
from math import inf

import pytest

from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.observed_attempts import MOST_LATER, Observations, Observed

REFUSED = "rate_limited 429"


def many(count: int, *, most: int = 20_000, seed: int = 1) -> Observations:
    """Attempts at random instants within 20 s, half of them refused with advice."""
    chance, found = random.Random(seed), Observations(most)
    for _ in range(count):
        began_s = chance.random() * 20
        answer, advice = (REFUSED, LimitAdvice(chance.randrange(9))) if chance.random() < 0.5 else ("ok", LimitAdvice())
        found.add(began_s, began_s + chance.random() / 10, answer, chance.randrange(500), advice)
    return found


def test_an_attempt_is_kept_to_the_microsecond_with_what_came_and_what_was_told() -> None:
    observations = Observations()
    observations.add(2.000003, 2.5, REFUSED, 17, LimitAdvice(retry_after_s=7.0, reset_s=30.0))
    observations.add(1.25, 1.5, "ok", 3)
    assert list(observations.exact()) == [
        Observed(1.25, 1.5, "ok", 3, None, None),
        Observed(2.000003, 2.5, "rate_limited 429", 17, 7.0, 30.0),
    ]


def test_an_attempt_before_the_plans_start_is_kept() -> None:
    observations = Observations()
    observations.add(-0.5, 0.25, "ok", -1)
    assert next(observations.exact())[:2] == (-0.5, 0.25)


@pytest.mark.parametrize("form", ["to_plain", "compact"])
def test_what_is_read_back_is_what_was_written(form: str) -> None:
    observations = many(500, most=100)
    copy = Observations.from_plain(json.loads(json.dumps(getattr(observations, form)())))
    assert list(copy.exact()) == list(observations.exact())
    assert list(copy.later()) == list(observations.later())
    assert (copy.exact_until_s, copy.left_out) == (observations.exact_until_s, observations.left_out)


def test_ten_thousand_attempts_take_less_than_300_kb_of_a_record() -> None:
    assert len(json.dumps(many(10_000).compact())) < 300_000


@pytest.mark.parametrize("answers", [None, ["ok"], [REFUSED, "never came"], []])
def test_the_durations_are_those_of_the_attempts_that_are_kept_exactly(answers: list[str] | None) -> None:
    observations = many(500, most=100)
    kept = [each for each in observations.exact() if answers is None or each.answer in answers]
    assert observations.durations_s(answers) == pytest.approx(sorted(each.ended_s - each.began_s for each in kept))


def test_the_first_are_kept_exactly_and_a_sample_of_the_others() -> None:
    everything, observations = many(9000), many(9000, most=1000)
    observations.merge(Observations())
    observations.merge(many(0))
    kept = list(observations.exact())
    assert kept == [each for each in everything.exact() if each.began_s < observations.exact_until_s]
    assert 1000 <= len(observations) <= 2000  # in one process, until they are merged
    merged = Observations(1000)
    merged.merge(observations)
    assert len(merged) == 1000
    assert len(list(merged.later())) == MOST_LATER
    assert len(merged) + MOST_LATER + merged.left_out == 9000
    assert all(each.began_s >= merged.exact_until_s for each in merged.later())


def test_several_processes_observations_are_those_of_one_process() -> None:
    parts = [many(800, seed=seed) for seed in range(5)]
    one, other = Observations(1000), Observations(1000)
    for part in parts:
        one.merge(part)
    for part in reversed(parts):
        other.merge(part)
    assert list(one.exact()) == list(other.exact())
    assert sorted(one.later()) == sorted(other.later())
    assert one.left_out == other.left_out == 1000


def test_answers_of_two_processes_keep_their_texts() -> None:
    one, other = Observations(), Observations()
    one.add(1.0, 1.1, "ok", 1)
    other.add(0.5, 0.6, "reset 1006", 2)
    other.add(2.0, 2.1, "ok", 2)
    one.merge(other)
    assert [each.answer for each in one.exact()] == ["reset 1006", "ok", "ok"]


def test_without_attempts_nothing_is_kept() -> None:
    empty = Observations.from_plain(Observations().compact())
    assert (len(empty), list(empty.exact()), empty.exact_until_s) == (0, [], inf)


@pytest.mark.parametrize(
    "change",
    [
        {"count": 3},
        {"count": 5},
        {"answers": []},
        {"columns": {}},
        {"columns": {"began_us": "!"}},
        {"columns": {"began_us": "YWJj"}},
    ],
)
def test_columns_that_cannot_be_decoded_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"decoded|values|text"):
        Observations.from_plain(many(4).compact() | change)
