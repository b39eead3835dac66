"""A worker's lease: valid for two seconds after the last message that came without delay."""

from __future__ import annotations

import pytest

from locust_softphone.swarm.load.lease import LEASE_S, SILENT_S, Lease

MASTERS_CLOCK = 1000.0  # ahead of the worker's


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("echoes", "now_s", "valid"),
    [
        ([], 0.0, False),
        ([(0.0, 0.01)], 1.9, True),
        ([(0.0, 0.01)], 2.1, False),
        ([(0.0, 0.01), (0.5, 0.51)], 2.4, True),
        ([(0.0, 0.01), (0.5, 3.0)], 3.0, False),  # it stood still, and the message waited
        ([(0.0, 0.01), (0.5, 3.0), (3.0, 3.01)], 3.1, True),  # the master still sends: the worker is not lost
        ([(0.0, 0.3), (0.5, 0.51)], 2.4, True),  # the first was slow
        ([(0.5, 0.51), (0.0, 0.52)], 2.4, True),  # an old one that came late takes nothing away
    ],
)
def test_lease(echoes: list[tuple[float, float]], now_s: float, valid: bool) -> None:
    clock = Clock()
    lease = Lease(clock)
    for sent_s, came_s in echoes:
        clock.now_s = came_s
        lease.renew(MASTERS_CLOCK + sent_s)
    clock.now_s = now_s
    assert lease.valid is valid


def test_a_lease_ends_before_its_worker_can_be_called_lost() -> None:
    assert LEASE_S < SILENT_S


def test_clocks_that_drift_apart_do_not_end_the_lease() -> None:
    """A day of messages, with a worker's clock that is 200 ppm fast."""
    clock = Clock()
    lease = Lease(clock)
    for second in range(86_400):
        clock.now_s = second * 1.0002
        lease.renew(MASTERS_CLOCK + second)
        assert lease.valid
