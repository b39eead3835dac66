"""The locustfile of ``soak.py``: the checkout's own, with a monitor of its process.

    SAMPLES      file for the samples, one JSON object per line: time, memory, descriptors and greenlets
    EVERY_S      seconds between two samples

Greenlets can only be counted from inside the process: those that Locust keeps for its users, and all others that the
garbage collector knows (``gc.freeze`` hides the users from it, because they exist before the plan starts).
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
def start_monitor(environment: Environment, **_: Any) -> None:
    gevent.spawn(_monitor, environment, Path(os.environ["SAMPLES"]), float(os.environ["EVERY_S"]))


def _monitor(environment: Environment, file: Path, every_s: float) -> None:
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
