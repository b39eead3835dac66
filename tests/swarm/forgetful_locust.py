"""An hour of Locust's statistics, and what is left of it; in a process of its own, as gevent patches all of it.

python -m tests.swarm.forgetful_locust '{"json": true}'        the options that Locust was given
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import gevent
from locust import stats
from locust.env import Environment

from locust_softphone.swarm import workarounds

HOUR_S = 3600
NOON = 1_000_000.0


def shown(kept: stats.RequestStats) -> list[dict[str, Any]]:
    return [each.to_dict() for each in (kept.total, kept.get("offer", "POST"))]


def seconds(kept: stats.RequestStats) -> int:
    entries = (kept.total, *kept.entries.values())
    return max(len(counts) for each in entries for counts in (each.num_reqs_per_sec, each.num_fail_per_sec))


def main() -> None:
    now = SimpleNamespace(time=lambda: NOON)
    vars(stats)["time"] = now
    environment = Environment(parsed_options=SimpleNamespace(**json.loads(sys.argv[1])))
    kept = environment.stats
    workarounds.forget_seconds(kept)  # there is nothing yet
    for second in range(HOUR_S):
        now.time = lambda second=second: NOON + second
        for _ in range(3):
            kept.log_request("POST", "offer", 5, 0)
        kept.log_error("POST", "offer", "rate_limited")
    before = shown(kept)
    vars(gevent)["sleep"] = lambda _: None
    over = iter([False, True])
    workarounds.forget_seconds_long_past(environment, lambda: next(over))
    print(json.dumps({"before": before, "after": shown(kept), "seconds": seconds(kept)}))


if __name__ == "__main__":
    main()
