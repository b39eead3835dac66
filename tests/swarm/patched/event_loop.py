"""The monitor_event_loop sees a loop that is late, in a lump or by a little all the time, and says so."""

from __future__ import annotations

import logging
import time

import gevent
import pytest

from locust_softphone.metrics.tally import Tally
from locust_softphone.swarm.load.event_loop import monitor_event_loop

PATIENCE_S = 30.0  # a bound for a test that has gone wrong


@pytest.mark.parametrize(("each_turn_s", "counter"), [(0.04, "loop_slow"), (0.2, "loop_late")])
def test_a_loop_that_is_held_up_is_late(each_turn_s: float, counter: str, caplog: pytest.LogCaptureFixture) -> None:
    tally, began_s = Tally(), time.perf_counter()

    def seen() -> bool:
        return bool(tally.counts[counter]) or time.perf_counter() > began_s + PATIENCE_S

    def hold_up() -> None:
        while not seen():
            time.sleep(each_turn_s)  # not gevent's: nobody else runs meanwhile
            gevent.sleep(0.001)

    holding = gevent.spawn(hold_up)
    with caplog.at_level(logging.WARNING):
        monitor_event_loop(lambda: tally, lambda: time.perf_counter() - began_s, seen, lambda: None)
    holding.get()
    assert tally.counts[counter]
    assert tally.timeline.at(0)["loop_late"]
    assert "this generator is late by" in caplog.text
