"""The shared back-off: who waits until when, on a clock that only the test moves."""

from __future__ import annotations

from locust_softphone.signaling.shared_backoff import SharedBackoff


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def a_shared_backoff(pace_per_s: float = 10.0) -> tuple[SharedBackoff, Clock, list[tuple[str, float]]]:
    clock, spread = Clock(), list[tuple[str, float]]()
    return SharedBackoff(clock, pace_per_s, lambda step, for_s: spread.append((step, for_s))), clock, spread


def test_without_a_429_no_softphone_waits() -> None:
    shared_backoff, clock, _ = a_shared_backoff()
    clock.now_s = 3.0
    assert [shared_backoff.next_slot_s("offer") for _ in range(3)] == [3.0, 3.0, 3.0]


def test_after_a_429_slots_are_given_in_order_at_the_pace() -> None:
    shared_backoff, _, _ = a_shared_backoff(pace_per_s=10.0)
    shared_backoff.refused("offer", 2.0)
    assert [shared_backoff.next_slot_s("offer") for _ in range(3)] == [2.0, 2.1, 2.2]


def test_a_hold_is_for_one_step() -> None:
    shared_backoff, _, _ = a_shared_backoff()
    shared_backoff.refused("offer", 2.0)
    assert shared_backoff.next_slot_s("handshake") == 0.0


def test_another_429_before_the_deadline_does_not_lengthen_the_hold() -> None:
    shared_backoff, _, spread = a_shared_backoff()
    for for_s in (1.0, 4.0, 9.0):
        shared_backoff.refused("offer", for_s)
    assert shared_backoff.next_slot_s("offer") == 1.0
    assert spread == [("offer", 1.0)], "the other processes are informed once"


def test_a_429_after_the_deadline_begins_another_hold_after_the_slots_already_given() -> None:
    shared_backoff, clock, spread = a_shared_backoff(pace_per_s=1.0)
    shared_backoff.refused("offer", 1.0)
    assert [shared_backoff.next_slot_s("offer") for _ in range(4)] == [1.0, 2.0, 3.0, 4.0]
    clock.now_s = 1.5
    shared_backoff.refused("offer", 1.0)
    assert shared_backoff.next_slot_s("offer") == 5.0
    assert len(spread) == 2


def test_the_hold_ends_with_its_last_slot() -> None:
    shared_backoff, clock, _ = a_shared_backoff()
    shared_backoff.refused("offer", 1.0)
    shared_backoff.next_slot_s("offer")
    clock.now_s = 1.2
    assert shared_backoff.next_slot_s("offer") == 1.2


def test_a_hold_of_another_worker_counts_here_and_is_not_spread_again() -> None:
    shared_backoff, _, spread = a_shared_backoff()
    assert shared_backoff.hold("token", 1.0) is True
    assert shared_backoff.hold("token", 5.0) is False
    assert shared_backoff.next_slot_s("token") == 1.0
    assert spread == []
