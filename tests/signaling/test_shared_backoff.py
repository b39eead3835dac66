"""A fleet's hold: who waits until when, on a clock that only the test moves."""

from __future__ import annotations

from locust_softphone.signaling.shared_backoff import SharedBackoff


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def a_hold_back(pace_per_s: float = 10.0) -> tuple[SharedBackoff, Clock, list[tuple[str, float]]]:
    clock, spread = Clock(), list[tuple[str, float]]()
    return SharedBackoff(clock, pace_per_s, lambda step, for_s: spread.append((step, for_s))), clock, spread


def test_nobody_waits_while_nobody_was_refused() -> None:
    shared_backoff, clock, _ = a_hold_back()
    clock.now_s = 3.0
    assert [shared_backoff.next_slot_s("offer") for _ in range(3)] == [3.0, 3.0, 3.0]


def test_after_a_429_all_come_back_in_the_order_of_asking_at_the_pace() -> None:
    shared_backoff, _, _ = a_hold_back(pace_per_s=10.0)
    shared_backoff.refused("offer", 2.0)
    assert [shared_backoff.next_slot_s("offer") for _ in range(3)] == [2.0, 2.1, 2.2]


def test_a_hold_is_one_steps_only() -> None:
    shared_backoff, _, _ = a_hold_back()
    shared_backoff.refused("offer", 2.0)
    assert shared_backoff.next_slot_s("handshake") == 0.0


def test_later_deadlines_of_the_same_wave_do_not_lengthen_the_hold() -> None:
    shared_backoff, _, spread = a_hold_back()
    for for_s in (1.0, 4.0, 9.0):
        shared_backoff.refused("offer", for_s)
    assert shared_backoff.next_slot_s("offer") == 1.0
    assert spread == [("offer", 1.0)], "and the fleet is told once"


def test_a_429_after_the_deadline_begins_another_hold_behind_the_turns_already_given() -> None:
    shared_backoff, clock, spread = a_hold_back(pace_per_s=1.0)
    shared_backoff.refused("offer", 1.0)
    assert [shared_backoff.next_slot_s("offer") for _ in range(4)] == [1.0, 2.0, 3.0, 4.0]
    clock.now_s = 1.5
    shared_backoff.refused("offer", 1.0)
    assert shared_backoff.next_slot_s("offer") == 5.0
    assert len(spread) == 2


def test_the_hold_ends_when_the_last_turn_has_passed() -> None:
    shared_backoff, clock, _ = a_hold_back()
    shared_backoff.refused("offer", 1.0)
    shared_backoff.next_slot_s("offer")
    clock.now_s = 1.2
    assert shared_backoff.next_slot_s("offer") == 1.2


def test_what_another_worker_was_told_holds_us_back_too_and_is_not_spread_again() -> None:
    shared_backoff, _, spread = a_hold_back()
    assert shared_backoff.hold("token", 1.0) is True
    assert shared_backoff.hold("token", 5.0) is False
    assert shared_backoff.next_slot_s("token") == 1.0
    assert spread == []
