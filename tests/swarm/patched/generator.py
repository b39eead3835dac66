"""The generator of one process: slots, planned starts, and the ``Generator`` protocol of a run."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, cast

import gevent
import pytest
from locust.env import Environment

from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.dialect import Session
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.target import Target
from locust_softphone.swarm.generator_protocol import Generator
from locust_softphone.swarm.load.generator import LoadGenerator
from locust_softphone.swarm.load.resources import edge_shortage, shortages

SOON_S = 0.05
LONG_S = 30.0


def a_generator(*slots: int, **profile: Any) -> LoadGenerator:
    """A generator with these slots of a plan of 4; it never connects."""
    environment = Environment(user_classes=[])
    environment.create_local_runner()
    plan = Profile.model_validate({"name": "tiny", "users": 4, "ramp": "0s", "hold": "10m", **profile})
    account = Account(Hosts.one(Target("127.0.0.1", 1)), Credentials("id", "secret"))
    return LoadGenerator(environment, plan, account, slots=slots)


def test_slots_are_taken_in_order_and_then_there_is_none_left() -> None:
    generator = a_generator(1, 3)
    taken = [generator.take_slot() for _ in range(3)]
    assert [phone and phone.number for phone in taken] == [1, 3, None]


def test_a_softphone_starts_at_its_planned_start() -> None:
    generator = a_generator(0, 2, ramp="200ms")
    first, third = generator.take_slot(), generator.take_slot()
    assert first is not None
    assert third is not None
    waiting = gevent.spawn(generator.wait_until_planned_start, third)
    gevent.sleep(SOON_S)
    assert not waiting.ready(), "the plan has not begun"
    generator.begin(SOON_S)
    assert waiting.get(timeout=LONG_S) is True
    assert generator.clock() >= third.planned_s == pytest.approx(0.1)
    generator.stop()


def test_a_released_slot_is_not_served_and_an_added_one_is() -> None:
    generator = a_generator(0, 1)
    generator.begin(0.0)
    generator.release([0])
    generator.add([3])
    served = []
    while (phone := generator.take_slot()) is not None:
        if generator.wait_until_planned_start(phone):
            served.append(phone.number)
            generator.done(phone)
    assert served == [1, 3]
    assert generator.over
    generator.stop()


def test_a_slot_whose_turn_comes_after_the_plan_is_not_served() -> None:
    generator = a_generator(0)
    phone = generator.take_slot()
    assert phone is not None
    generator.begin(-3600.0)
    assert generator.wait_until_planned_start(phone) is False
    assert generator.over
    generator.stop()


def test_it_is_over_when_all_softphones_are_done() -> None:
    generator = a_generator(0, 1)
    assert not generator.over, "it has not begun"
    generator.begin(0.0)
    for over in (False, True):
        phone = generator.take_slot()
        assert phone is not None
        generator.done(phone)
        assert generator.over is over
    generator.stop()


def test_stop_ends_the_plan_now_and_kills_the_users() -> None:
    generator = a_generator(0)
    environment = generator._environment
    assert environment.runner is not None
    users = environment.runner.user_greenlets
    users.spawn(gevent.sleep, 3600)
    generator.begin(0.0)
    generator.stop()
    assert generator.stopped
    assert len(users) == 0
    assert generator.context.end_s <= generator.clock()


def test_it_hands_on_what_was_measured_once() -> None:
    generator = a_generator(0)
    phone = generator.take_slot()
    assert phone is not None
    generator.crashed(phone)
    assert generator.take().counts["crashed"] == 1
    assert generator.take().counts["crashed"] == 0


def test_slots_that_move_take_their_part_of_the_retry_budget_along() -> None:
    generator = a_generator(0, 1, softphone={"retry": {"budget": 2}})

    def left() -> int:
        """How many attempts beyond the plan remain; uses them up."""
        attempts = 0
        while generator.context.budget.take():
            attempts += 1
        return attempts

    two_slots = left()
    generator.add([2, 3])
    assert left() == pytest.approx(two_slots, abs=1)
    generator.release([2, 3])
    assert left() == 0


def test_too_few_file_descriptors_are_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locust_softphone.swarm.load.generator.raise_descriptor_limit", lambda: 100)
    with pytest.raises(InputError, match=r"need some 20. open files, this process may have 100"):
        a_generator(0, 1).prepare()


def test_too_few_ports_for_all_processes_of_a_machine_are_told_with_what_helps() -> None:
    (found,) = shortages(1_000_000, at_once=10, addresses=1)
    assert found.startswith("1000000 softphones need some 1000010 local ports, this machine gives ")
    assert "give several with --softphone-source-address" in found
    assert shortages(1_000_000, at_once=10, addresses=1_000_000) == []


@pytest.mark.parametrize(
    ("descriptors", "problem"), [(1_210, ""), (1_209, "1000 softphones need some 1210 open files in")]
)
def test_a_simulated_edge_needs_a_file_for_each_softphone(descriptors: int, problem: str) -> None:
    assert edge_shortage(1_000, at_once=10, descriptors=descriptors).startswith(problem)
    assert bool(edge_shortage(1_000, at_once=10, descriptors=descriptors)) == bool(problem)


def test_a_run_sees_a_generator_without_workers() -> None:
    generator: Generator = a_generator(0)
    assert (generator.workers, generator.summary(), generator.problems()) == (0, None, [])
    assert generator.known_until_s == pytest.approx(generator.clock(), abs=0.1)


class _BusyGoodbye:
    """A session whose goodbye takes a millisecond of CPU; notes in which pass of the event loop it is said."""

    pings = 0

    def __init__(self, said: Counter[int], passes: list[int]) -> None:
        self._said, self._passes = said, passes

    def listen(self, timeout_s: float) -> None:
        gevent.sleep(timeout_s)

    def bye(self) -> int:
        self._said[len(self._passes)] += 1
        until_s = time.process_time() + 0.001
        while time.process_time() < until_s:
            pass
        return 1000

    def abort(self) -> None:
        pass


def test_the_network_is_read_between_the_goodbyes_of_many_softphones() -> None:
    many = 200
    generator = a_generator(*range(many), users=many, hold="200ms")
    said, passes = Counter[int](), list[int]()
    watcher = gevent.get_hub().loop.prepare()
    watcher.start(passes.append, 0)
    generator.begin(0.0)
    staying = []
    while (phone := generator.take_slot()) is not None:
        phone.session = cast(Session, _BusyGoodbye(said, passes))
        staying.append(gevent.spawn(phone.stay))
    gevent.joinall(staying, timeout=LONG_S, raise_error=True)
    watcher.stop()
    generator.stop()
    assert said.total() == many
    assert max(said.values()) <= many / 2
