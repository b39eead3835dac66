"""A worker that leaves reports its measurements first, also while it is being stopped."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from locust.event import Events

from locust_softphone.metrics.tally import Tally
from locust_softphone.swarm.cluster.messages import MessageType
from locust_softphone.swarm.cluster.worker import Worker

PATIENCE_S = 30.0  # a bound for a test that has gone wrong


class Runner:
    """The part of Locust's WorkerRunner that a worker uses."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.sent: list[str] = []
        self.user_greenlets = None

    def register_message(self, name: str, handler: Callable[..., None], concurrent: bool = False) -> None:
        self.handlers[name] = handler

    def send_message(self, name: str, data: object = None) -> None:
        self.sent.append(name)


class LoadGenerator:
    """A generator whose softphones need time to hang up."""

    def __init__(self) -> None:
        self.stopped = False
        self.goodbyes_said = Event()

    def stop(self) -> None:
        self.stopped = True
        self.goodbyes_said.wait(PATIENCE_S)

    def clock(self) -> float:
        return 0.0

    def take(self) -> Tally:
        return Tally()


@pytest.mark.parametrize("told_to_stop", [True, False], ids=["the master was faster", "the worker was faster"])
def test_a_worker_that_leaves_reports_its_measurements_first(told_to_stop: bool) -> None:
    """A closed terminal signals the master and its workers at once."""
    runner, generator, events = Runner(), LoadGenerator(), Events()
    environment: Any = SimpleNamespace(parsed_options=None, events=events)
    anything: Any = runner
    worker = Worker(environment, anything)
    worker.register()
    worker.generator = generator  # type: ignore[assignment]
    if told_to_stop:
        gevent.spawn(runner.handlers[MessageType.STOP], environment, None)
        gevent.sleep(0)
    leaving = gevent.spawn(events.quitting.fire, environment=environment)
    gevent.sleep(0)
    assert not leaving.ready()
    generator.goodbyes_said.set()
    leaving.join(PATIENCE_S)
    assert leaving.ready()
    assert runner.sent == [MessageType.JOINED, MessageType.STOPPED]
