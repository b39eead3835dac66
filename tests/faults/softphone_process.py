"""A process with softphones under gevent, as in Locust, that meet one fault after the other.

Each line on stdin says where to call and how to behave; each line on stdout has the result and what is left behind:

    {"url": …, "softphone": {…}, "hold": …, "trusts": …}
    →   {"attempts": [[step, outcome, status, code], …], "closes": {…}, …}

Waits between tries pass at once if no connection is held meanwhile; they are reported.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402
import json  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
import psutil  # noqa: E402

from locust_softphone.errors import AttemptFailed  # noqa: E402
from locust_softphone.metrics.tally import parts_of  # noqa: E402
from locust_softphone.signaling.shared_backoff import SharedBackoff  # noqa: E402
from locust_softphone.signaling.softphone import Softphone  # noqa: E402
from locust_softphone.signaling.target import Target  # noqa: E402
from locust_softphone.swarm.load.sockets import with_own_sockets  # noqa: E402
from tests.resources import peak_bytes  # noqa: E402
from tests.signaling.softphones import Observations, Time, a_fleet  # noqa: E402

HELD_S = 0.1
TICK_S = 0.02
PATIENT_S = 20.0


def meet(url: str, softphone: dict[str, Any], hold: str, trusts: str) -> dict[str, Any]:
    """One softphone's call."""
    seen, passing = Observations(), Time()
    try:
        target = with_own_sockets(Target.parse(url, ca_file=trusts or None).resolved())
    except AttemptFailed as failed:
        return {"attempts": [["look-up", failed.outcome.value, None, None]], "closes": {}, "abnormal": {}}
    context = a_fleet(target, seen, passing, **softphone)
    if context.behaviour.retry.scope == "fleet":
        context.shared_backoff = SharedBackoff(passing.clock, context.behaviour.retry.pace_per_s)
    phone = Softphone(context, 0, 0.0)
    answered = phone.call(0.0)
    counts = seen.tally.counts
    until_s = time.monotonic() + (PATIENT_S if hold else 0)
    while hold and time.monotonic() < until_s and not (counts["reconnects"] or counts["reconnects.failed"]):
        phone.hold(HELD_S)
        if counts["pings_answered"] or (not parts_of(counts, "closes") and hold == "briefly"):
            break
    hold_counts = dict(counts)
    phone.hang_up()
    return {
        "answered": answered,
        "attempts": [[each.step, each.outcome.value, each.status, each.close_code] for each in seen.attempts],
        "closes": parts_of(hold_counts, "closes"),
        "abnormal": parts_of(hold_counts, "abnormal_closes"),
        "pings": counts["pings_answered"],
        "reconnected": counts["reconnects"],
        "retries": counts["retries"],
        "slept_s": sum(passing.slept),
        "retry_wait_s": seen.tally.latencies["retry_wait"].summary().get("max", 0.0),
    }


def left() -> dict[str, int]:
    """The resources that this process holds."""
    gc.collect()
    greenlets = sum(isinstance(each, gevent.Greenlet) and not each.dead for each in gc.get_objects())
    return {"descriptors": psutil.Process().num_fds(), "greenlets": greenlets}


def longest_gap_s(life: gevent.Greenlet[Any, Any]) -> float:
    """The longest time for which this greenlet kept all others from running."""
    gap_s = 0.0
    while not life.ready():
        began_s = time.monotonic()
        life.join(TICK_S)
        gap_s = max(gap_s, time.monotonic() - began_s)
    return gap_s


def main() -> None:
    with suppress(OSError):
        socket.getaddrinfo("no-such-host.invalid", 80)  # starts gevent's threads, which would count as left behind
    for line in sys.stdin:
        request = json.loads(line)
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, held = left(), psutil.Process().memory_info().rss
        life = gevent.spawn(meet, request["url"], request["softphone"], request["hold"], request["trusts"])
        gap_s = longest_gap_s(life)
        found = {**life.get(), "gap_s": gap_s}
        del life
        after = left()
        found["left"] = {name: after[name] - before[name] for name in after}
        found["memory"] = psutil.Process().memory_info().rss - held
        found["peak"] = peak_bytes() - held
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
