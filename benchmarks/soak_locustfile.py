"""The checkout's locustfile, watching its own process: what ``soak.py`` runs.

    SAMPLES      file for one JSON object a line: memory, descriptors and greenlets, and when
    EVERY_S      seconds between two of them

Greenlets are counted from within, as nobody else can: those that Locust holds for its users, and all that garbage
collection knows besides (``gc.freeze`` hides the users from it, who were there before the plan began).
"""

from __future__ import annotations

import gc
import json
import os
import time
from pathlib import Path
from typing import Any

import gevent
import psutil
from greenlet import greenlet
from locust import events
from locust.env import Environment

from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)


class Shape(ProfileShape):
    """Starts all users at once; each user waits for its planned start."""


class Softphone(SoftphoneUser):
    """Does what the profile says."""


@events.init.add_listener  # type: ignore[untyped-decorator]
def begin_to_watch(environment: Environment, **_: Any) -> None:
    gevent.spawn(_watch, environment, Path(os.environ["SAMPLES"]), float(os.environ["EVERY_S"]))


def _watch(environment: Environment, file: Path, every_s: float) -> None:
    process = psutil.Process()
    with file.open("w") as out:
        while environment.runner is not None:
            users = set(environment.runner.user_greenlets)
            others = sum(isinstance(each, greenlet) and each not in users for each in gc.get_objects())
            sample = {
                "monotonic_s": time.monotonic(),
                "memory": process.memory_info().rss,
                "descriptors": process.num_fds(),
                "greenlets": len(users) + others,
            }
            print(json.dumps(sample), file=out, flush=True)
            gevent.sleep(every_s)
