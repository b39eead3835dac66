"""``monitor_event_loop`` notices a loop that is blocked once for long, or often for a short time, and warns."""

from __future__ import annotations

import logging
import time

import gevent
import pytest
from gevent.monkey import get_original
from locust.env import Environment

from locust_softphone.swarm.load.event_loop import monitor_event_loop
from locust_softphone.swarm.load.locust_rows import LocustRows
from locust_softphone.swarm.load.loop_lag import LoopLag
from locust_softphone.swarm.load.recorder import Recorder

really_sleep = get_original("time", "sleep")
PATIENCE_S = 30.0  # a bound for a test that has gone wrong


@pytest.mark.parametrize(("blocked_s", "counter"), [(0.04, "loop_slow"), (0.2, "loop_late_ms")])
def test_a_blocked_loop_is_counted_and_warned_about(
    blocked_s: float, counter: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder, began_s = Recorder(LocustRows(Environment())), time.perf_counter()

    def seen() -> bool:
        return bool(recorder.tally.counts[counter]) or time.perf_counter() > began_s + PATIENCE_S

    def block() -> None:
        while not seen():
            really_sleep(blocked_s)  # no other greenlet runs meanwhile
            gevent.sleep(0.001)

    blocking = gevent.spawn(block)
    with caplog.at_level(logging.WARNING):
        monitor_event_loop(recorder, LoopLag(), lambda: time.perf_counter() - began_s, seen, lambda: None)
    blocking.get()
    assert recorder.tally.counts[counter]
    assert recorder.tally.timeline[0]["loop_late"]
    assert "the event loop lags by" in caplog.text
