"""Which worker serves which slot, at the start and when workers are lost or join late."""

from __future__ import annotations

from locust_softphone.config.schedule import Schedule, Stage
from locust_softphone.swarm.cluster.slots import SlotOwners

ONE_A_SECOND = Schedule(10, (Stage(10, 10.0),))


def test_slots_are_dealt_out_in_turn() -> None:
    owners = SlotOwners(ONE_A_SECOND, ["a", "b", "c"])
    assert owners.of("a") == [0, 3, 6, 9]
    assert owners.of("b") == [1, 4, 7]
    assert owners.of("c") == [2, 5, 8]


def test_of_a_worker_only_the_slots_that_are_due_later() -> None:
    owners = SlotOwners(ONE_A_SECOND, ["a", "b"])
    assert owners.of("a", after_s=3.5) == [4, 6, 8]
    assert owners.of("a", after_s=60.0) == []


def test_a_lost_workers_slots_are_moved_to_the_others_in_turn() -> None:
    owners = SlotOwners(ONE_A_SECOND, ["a", "b", "c"])
    assert owners.move(owners.of("a", after_s=2.5), ["b", "c"]) == {"b": [3, 9], "c": [6]}
    assert owners.of("b") == [1, 3, 4, 7, 9]
    assert owners.of("a") == [0]


def test_workers_that_get_nothing_are_left_out() -> None:
    owners = SlotOwners(ONE_A_SECOND, ["a", "b", "c"])
    assert owners.move([0], ["b", "c"]) == {"b": [0]}


def test_a_new_worker_takes_over_every_nth_remaining_slot() -> None:
    owners = SlotOwners(ONE_A_SECOND, ["a", "b"])
    part = owners.part_for_newcomer(3, after_s=3.5)
    assert part == {"a": [6], "b": [9]}
    owners.move([6, 9], ["c"])
    assert owners.of("c") == [6, 9]
    assert owners.of("a") == [0, 2, 4, 8]


def test_a_new_worker_gets_nothing_when_no_slot_is_left() -> None:
    assert SlotOwners(ONE_A_SECOND, ["a"]).part_for_newcomer(2, after_s=9.5) == {}
