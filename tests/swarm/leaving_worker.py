"""A worker that leaves while its softphones say goodbye; in a process of its own, as gevent patches all of it.

python -m tests.swarm.leaving_worker told        its master has told it to stop before
                                     by-itself   it has not
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
from gevent.event import Event
from locust.event import Events

from locust_softphone.measure import Tally
from locust_softphone.swarm import messages
from locust_softphone.swarm.member import Member

PATIENCE_S = 30.0  # a bound for a test that has gone wrong


class Runner:
    """Of Locust's, what a member uses."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.sent: list[str] = []
        self.user_greenlets = None

    def register_message(self, name: str, handler: Callable[..., None], concurrent: bool = False) -> None:
        self.handlers[name] = handler

    def send_message(self, name: str, data: object = None) -> None:
        self.sent.append(name)


class Share:
    """A share whose softphones take their time to say goodbye."""

    def __init__(self) -> None:
        self.stopped = False
        self.goodbyes_said = Event()

    def stop(self, users: object) -> None:
        self.stopped = True
        self.goodbyes_said.wait(PATIENCE_S)

    def clock(self) -> float:
        return 0.0

    def take(self) -> Tally:
        return Tally()


def main() -> None:
    runner, share, events = Runner(), Share(), Events()
    environment: Any = SimpleNamespace(parsed_options=None, events=events)
    as_locusts: Any = runner
    member = Member(environment, as_locusts)
    member.share = share  # type: ignore[assignment]
    if sys.argv[1] == "told":
        gevent.spawn(runner.handlers[messages.STOP], environment, None)
        gevent.sleep(0)
    leaving = gevent.spawn(events.quitting.fire, environment=environment)
    gevent.sleep(0)
    left_before = leaving.ready()
    share.goodbyes_said.set()
    leaving.join(PATIENCE_S)
    print(json.dumps({"left_before_goodbyes": left_before, "left": leaving.ready(), "sent": runner.sent}))


if __name__ == "__main__":
    main()
