"""The order of actions, waits that end early, the lock, and the greenlets that run alone."""

from __future__ import annotations

from functools import partial
from math import inf

import pytest

from locust_softphone.simulation.virtual_time import VirtualLock, VirtualTime, Waiter


class Log:
    """Notes what happens, and when."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.entries: list[tuple[float, str]] = []

    def note(self, what: str) -> None:
        self.entries.append((self.time.now_s, what))

    def sleeper(self, name: str, *waits_s: float) -> None:
        """Start a greenlet at 0 that notes its name after each wait."""

        def act() -> None:
            for wait_s in waits_s:
                self.time.sleep(wait_s)
                self.note(name)

        self.time.call_at(0.0, lambda: self.time.greenlet(act).switch())


@pytest.fixture
def log() -> Log:
    return Log()


def test_sleepers_wake_in_the_order_of_their_instants(log: Log) -> None:
    log.sleeper("a", 1.0, 2.0)
    log.sleeper("b", 2.0, 0.5)
    log.time.run()
    assert log.entries == [(1.0, "a"), (2.0, "b"), (2.5, "b"), (3.0, "a")]


def test_at_one_instant_the_first_to_come_is_the_first_to_act(log: Log) -> None:
    for name in "abc":
        log.sleeper(name, 1.0, 0.0)
    log.time.run()
    assert [name for _, name in log.entries] == ["a", "b", "c", "a", "b", "c"]


def test_an_action_for_a_past_instant_is_done_now(log: Log) -> None:
    log.time.call_at(3.0, lambda: log.time.call_at(1.0, lambda: log.note("late")))
    log.time.run()
    assert log.entries == [(3.0, "late")]


def test_a_run_stops_at_its_end_and_can_go_on(log: Log) -> None:
    log.sleeper("a", 1.0, 1.0)
    log.time.run(1.5)
    assert log.entries == [(1.0, "a")]
    assert log.time.clock() == 1.5
    log.time.run()
    assert log.entries[1:] == [(2.0, "a")]


@pytest.mark.parametrize("until_s", [5.0, inf])
def test_a_wait_can_be_ended_early_and_only_once(log: Log, until_s: float) -> None:
    waiters: list[Waiter] = []

    def wait() -> None:
        waiters.append(log.time.waiter())
        log.time.wait(waiters[0], until_s)
        log.note("continued")

    log.time.call_at(0.0, lambda: log.time.greenlet(wait).switch())
    for at_s in (2.0, 3.0):
        log.time.call_at(at_s, lambda: waiters[0]())
    log.time.run()
    assert log.entries == [(2.0, "continued")]


def test_a_lock_is_given_in_the_order_of_asking(log: Log) -> None:
    lock = VirtualLock(log.time)

    def hold(name: str) -> None:
        with lock:
            log.note(f"{name} begins")
            log.time.sleep(1.0)

    for name in "abc":
        log.time.call_at(0.0, log.time.greenlet(partial(hold, name)).switch)
    log.time.run()
    assert log.entries == [(0.0, "a begins"), (1.0, "b begins"), (2.0, "c begins")]


def test_what_runs_alone_moves_the_clock_only_for_itself(log: Log) -> None:
    def leave() -> None:
        log.time.sleep(0.5)
        log.note("left")

    log.time.run(10.0)
    for _ in range(2):
        log.time.run_alone(leave, 10.0)
    assert log.entries == [(10.5, "left"), (10.5, "left")]
    assert log.time.clock() == 10.0


def test_an_error_in_a_greenlet_ends_the_run(log: Log) -> None:
    def fail() -> None:
        log.time.sleep(1.0)
        raise ZeroDivisionError

    log.sleeper("a", 2.0)
    log.time.call_at(0.0, lambda: log.time.greenlet(fail).switch())
    with pytest.raises(ZeroDivisionError):
        log.time.run()
