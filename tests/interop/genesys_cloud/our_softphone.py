"""A softphone of this package with the behaviour ``genesys-streaming-19``: ``python -m …our_softphone ABOUT``.

It waits for a line on stdin, sets up its call and stays connected until it is ended. It prints what agent.js prints:
that it has started, and the delay of its timers.
"""

from __future__ import annotations

import json
import math
import random
import sys
import threading
import time

from locust_softphone.config.behaviour import Behaviour
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialects.by_name import dialect_for
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from tests.signaling.softphones import Observations

TICK_S = 0.01
LONG_S = 3600.0


def tell(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


def watch() -> None:
    """Print each new largest delay of a timer in this process."""
    worst_s = 0.0
    while True:
        due_s = time.perf_counter() + TICK_S
        time.sleep(TICK_S)
        late_s = time.perf_counter() - due_s
        if late_s > worst_s:
            worst_s = late_s
            tell("lag", lag_s=late_s)


def main(origin: str, token: str) -> None:
    account = Account(Hosts.one(Target.parse(origin).resolved()), Credentials("", ""), [User(token=token)])
    behaviour = Behaviour.model_validate({"like": "genesys-streaming-19"})
    chance = random.Random()
    context = SoftphoneContext(
        behaviour=behaviour,
        dialect=dialect_for("genesys-cloud", account, timeout_s=behaviour.timeout_s, random=chance),
        observer=Observations(),
        shared_token=None,
        shared_backoff=None,
        budget=RetryBudget(math.inf),
        clock=time.perf_counter,
        sleep=time.sleep,
        random=chance,
        end_s=math.inf,
        goodbye_s=1.0,
    )
    threading.Thread(target=watch, daemon=True).start()
    tell("started")
    sys.stdin.readline()
    phone = Softphone(context, 0, 0.0)
    phone.call()
    phone.hold(LONG_S)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
