"""A worker that leaves reports its measurements first; one whose master is gone leaves, also before the run begins."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.pool import Group
from locust.event import Events
from locust.stats import RequestStats

from locust_softphone.errors import ExitCode
from locust_softphone.metrics.tally import Tally
from locust_softphone.swarm.cluster.messages import MessageType, Plan
from locust_softphone.swarm.cluster.worker import Worker

PATIENCE_S = 30.0  # a bound for a test that has gone wrong


class Runner:
    """The part of Locust's WorkerRunner that a worker uses."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.sent: list[str] = []
        self.user_greenlets = Group()
        self.has_quit = Event()

    def register_message(self, name: str, handler: Callable[..., None], concurrent: bool = False) -> None:
        self.handlers[name] = handler

    def send_message(self, name: str, data: object = None) -> None:
        self.sent.append(name)

    def quit(self) -> None:
        self.has_quit.set()


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
    environment: Any = SimpleNamespace(parsed_options=None, stats=RequestStats(), events=events)
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


def test_a_worker_whose_master_is_gone_before_the_run_begins_leaves_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its plan; the master was killed before it sent BEGIN."""
    monkeypatch.setattr("locust_softphone.swarm.cluster.worker._CHECK_EVERY_S", 0.001)
    runner, events = Runner(), Events()
    environment: Any = SimpleNamespace(
        parsed_options=None, stats=RequestStats(), events=events, runner=runner, process_exit_code=None
    )
    anything: Any = runner
    worker = Worker(environment, anything)
    worker.register()
    edge = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{edge.getsockname()[1]}"
    plan = Plan(
        run="1",
        profile={"name": "tiny", "users": 1, "ramp": "0s", "hold": "10m"},
        urls=dict.fromkeys(("api", "login", "streaming"), url),
        authorized=False,
        slots=[0],
        workers=1,
        credentials={"client_id": "id", "client_secret": "secret"},
        users=[],
        call_to="",
    )
    message = SimpleNamespace(type=MessageType.PLAN, data=plan.to_plain())
    runner.handlers[MessageType.PLAN](environment, message)
    with edge:
        worker.start()
    assert worker.generator is not None
    assert runner.has_quit.wait(PATIENCE_S)
    assert worker.generator.stopped
    assert environment.process_exit_code == ExitCode.INVALID
